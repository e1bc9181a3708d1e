"""The embedded synthetic cohort: one generative model of a patient, written as raw files."""
