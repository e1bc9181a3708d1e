"""One file per data-set layout.

A source module holds `NAME`, `Options` (frozen pydantic) and
`read(path, options) -> Iterator[Record | Reject]`; it is found by discovery (`registry`).
"""
