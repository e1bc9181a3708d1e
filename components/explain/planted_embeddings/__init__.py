"""Does the explanation of embeddings find what the synthetic cohort planted?"""
