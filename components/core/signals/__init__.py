"""Signals: lead order, units, resampling, normalisation. Used by preprocess and by serving alike."""
