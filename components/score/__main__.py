"""`python -m components.score`."""

from components.score.cli import main

main()
