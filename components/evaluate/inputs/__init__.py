"""What a model makes of its inputs: without some of them, and of other ones."""
