"""Lead order, units, resampling, normalisation: one code path for preprocess and serving."""
