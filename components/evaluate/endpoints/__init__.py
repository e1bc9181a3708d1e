"""Several endpoints of one network: each judged by its own follow-up and its own weights."""
