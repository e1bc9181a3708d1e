"""The search for settings: an Optuna study whose trials run in this process."""
