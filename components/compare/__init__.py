"""Several evaluated models → figures side by side, paired differences, flips."""
