"""Clinical notes: to numbers by two kinds of encoder, cached, and without the label in words."""
