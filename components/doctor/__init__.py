"""Checks versions, backends, disk and devices, and says what to fix."""
