"""Anyone's own tables of stays and events, read for training and for new stays alike."""
