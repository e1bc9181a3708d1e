"""Imputation judged on the test part: errors, intervals, what it is worth to the heads."""
