"""The team's tracking server: MLflow with users, on PostgreSQL."""
