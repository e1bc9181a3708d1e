"""`python -m components.explain`."""

from components.explain.cli import main

main()
