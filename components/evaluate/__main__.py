"""`python -m components.evaluate`."""

from components.evaluate.cli import main

main()
