"""`python -m components.ingest`."""

from components.ingest.cli import main

main()
