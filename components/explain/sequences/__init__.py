"""Plots and tables of what a network makes of sequences of events."""
