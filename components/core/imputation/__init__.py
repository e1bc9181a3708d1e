"""How good imputed embeddings are: what is hidden, what is said of it, what is right."""
