"""Pictures and tables of attributions, for single records and over a cohort."""
