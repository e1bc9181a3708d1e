"""Five embeddings a patient with a known joint distribution, and two outcomes made from it."""
