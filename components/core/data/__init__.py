"""Prepared cohorts on disk and in batches. Training sees train and validation only."""
