"""Speed and memory against named peers: one file per row, `python -m benchmarks` runs them.

Every figure is a ratio in one run on one machine: ours and the peer take turns in fresh processes,
and the peer is used as its own documentation does. Nothing here is a test of speed; the tests only
look whether both sides come to the same result.
"""
