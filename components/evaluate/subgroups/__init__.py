"""Groups of patients looked at by themselves."""
