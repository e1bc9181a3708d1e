"""Tensors → trained weights, for every model by one `fit()`."""
