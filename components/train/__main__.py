"""`python -m components.train`."""

from components.train.cli import main

main()
