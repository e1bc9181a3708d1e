"""A registered model and new records → predictions alone; no labels are needed."""
