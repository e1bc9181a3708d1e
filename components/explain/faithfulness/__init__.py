"""Whether an explanation is true of the network that it explains."""
