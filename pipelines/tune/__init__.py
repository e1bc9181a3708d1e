"""`tune`: searches for a task's settings, then trains and evaluates it with them."""
