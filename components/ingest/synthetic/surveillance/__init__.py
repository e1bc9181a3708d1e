"""The second part of the cohort: the same patients at an ECG about one year after therapy."""
