"""`python -m components.doctor`."""

from components.doctor.cli import main

main()
