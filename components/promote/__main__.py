"""`python -m components.promote`."""

from components.promote.cli import main

main()
