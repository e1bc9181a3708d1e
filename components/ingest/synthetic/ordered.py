"""Blocks that workers write in any order, handed on in theirs; and the folder they go into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from components.core.errors import InputError
from components.core.pool import map_chunks
from components.ingest.synthetic.cohort import BLOCK, SITES
from components.ingest.synthetic.options import SyntheticOptions

BLOCKS = "blocks"
ECG_FOLDERS = tuple(f"ecg/{site}" for site in SITES)

D = TypeVar("D")
R = TypeVar("R")


def prepare(folder: Path, parts: tuple[str, ...] = ECG_FOLDERS) -> None:
    """Make the sub-folders `parts`.

    Raises:
        InputError: the folder is missing, or holds something else than a killed generation.
    """
    if not folder.is_dir():
        raise InputError(f"the folder '{folder}' does not exist; create it first")
    if any(folder.iterdir()) and not (folder / BLOCKS).is_dir():
        raise InputError(f"the folder '{folder}' is not empty; name an empty one")
    for part in (BLOCKS, *parts):
        (folder / part).mkdir(parents=True, exist_ok=True)


def block_count(options: SyntheticOptions) -> int:
    """Return the number of blocks."""
    return -(-options.patients // BLOCK)


def in_order(
    write: Callable[[str, SyntheticOptions, int], tuple[int, D, R]],
    folder: Path,
    options: SyntheticOptions,
    workers: int,
) -> Iterator[tuple[int, D, R]]:
    """Yield what `write` returns for every block, in the order of the blocks."""
    tasks = ((str(folder), options, block) for block in range(block_count(options)))
    waiting: dict[int, tuple[int, D, R]] = {}
    due = 0
    for done in map_chunks(write, tasks, workers=workers):
        waiting[done[0]] = done
        while due in waiting:
            yield waiting.pop(due)
            due += 1
