"""Frozen configuration: one class per section of a task file, every default stated here once."""
