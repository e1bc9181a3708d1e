"""Independent components of the experiment repository; each runs as an MLflow entry point."""
