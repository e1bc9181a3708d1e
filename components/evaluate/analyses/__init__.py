"""One file per analysis; see `components.evaluate.analysis`."""
