"""One file per criterion, found by discovery."""
