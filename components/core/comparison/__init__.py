"""Models of one task on the same patients: can they be paired, and by how much do they differ."""
