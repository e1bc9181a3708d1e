"""What all rows share: the form of a row, fresh processes, memory, the table."""
