"""HDF5 files of embeddings: how they are declared, whose rows they hold."""
