"""`python -m pipelines.tune`."""

from pipelines.tune.cli import main

main()
