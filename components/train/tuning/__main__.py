"""`python -m components.train.tuning`."""

from components.train.tuning.cli import main

main()
