"""The leaf every component stands on: schemas, store, runs, readers, signals, models, metrics.

`core` has no command line and imports no other component.
"""
