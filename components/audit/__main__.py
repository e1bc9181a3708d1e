"""`python -m components.audit`."""

from components.audit.cli import main

main()
