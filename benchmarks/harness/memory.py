"""Peak memory of a process and all its descendants, by looking at it while it runs."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil

# Seconds between looks: a chunk of work takes longer, and a look costs about a millisecond.
_PAUSE_S = 0.05
_KIB = 1024


def peak_while(process: subprocess.Popen[str]) -> int:
    """Return the largest sum in bytes over the process tree, until it ends.

    Counted is what only a swap could take away: anonymous and shared memory, pages that several
    processes share split between them. Pages of mapped files are the page cache's and are left out.
    """
    root = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _tree(root))
        time.sleep(_PAUSE_S)
    return peak


def _tree(root: psutil.Process) -> int:
    try:
        everyone = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_own(each) for each in everyone)


def _own(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        parts = (line.split() for line in lines)
        return sum(int(p[1]) * _KIB for p in parts if p[0] in {"Pss_Anon:", "Pss_Shmem:"})
    except (OSError, IndexError):  # ended meanwhile, or not Linux
        return _resident(process)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
