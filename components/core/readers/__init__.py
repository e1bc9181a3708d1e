"""One file per file format: bytes → signal. Used by ingest and by serving alike.

A reader module holds `NAME`, `sniff(head, name) -> bool` (by content, never by extension alone)
and `read(raw, options) -> Signal`. It is found by discovery; see `registry`.
"""
