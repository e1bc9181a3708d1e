"""A trained model → figures with intervals, report, model card, bundle."""
