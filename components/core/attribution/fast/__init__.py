"""Integrated Gradients of many records at once, on a copy of the networks made for it."""
