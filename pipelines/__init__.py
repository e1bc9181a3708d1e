"""One YAML per task: the whole experiment on one page; `run.py` walks it."""
