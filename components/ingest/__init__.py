"""Raw files → records: `manifest.parquet`, ragged shards, `rejects.parquet`."""
