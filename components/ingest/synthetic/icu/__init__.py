"""ICU stays in MIMIC-IV's own layout, whose risk of death is planted in timed events."""
