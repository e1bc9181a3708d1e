"""What the analyses of several heads share: pure functions over the tables of their predictions."""
