"""`python -m components.preprocess`."""

from components.preprocess.cli import main

main()
