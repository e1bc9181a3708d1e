"""Whether explanations find the events that were planted in a synthetic cohort of ICU stays."""
