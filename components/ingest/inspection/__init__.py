"""What a path holds, before anything is read in earnest or written."""
