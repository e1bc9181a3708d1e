"""What a model's answers rest on, and whether the explanation can be trusted."""
