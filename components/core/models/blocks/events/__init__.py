"""Parts of `event_transformer`."""
