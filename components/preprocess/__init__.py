"""Records → tensors: labels at the horizon, splits by patient, fixed-length int16 shards."""
