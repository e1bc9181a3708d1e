"""The leakage checks: they run before every training and block it."""
