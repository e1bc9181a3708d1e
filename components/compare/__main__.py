"""`python -m components.compare`."""

from components.compare.cli import main

main()
