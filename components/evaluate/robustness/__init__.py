"""Disturbed test recordings: fewer leads, noise, lower rates, inputs that are not there."""
