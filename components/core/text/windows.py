"""Long notes as overlapping windows, and windows of like length as batches.

Shapes: `n` texts, `W` windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Where each window lies in its text, in tokens without special ones.

    A token that two windows share is owned by the one in which it has more context, so that every
    token of a text is owned exactly once.

    Attributes:
        text: `[W]` number of the text.
        start: `[W]` first token.
        stop: `[W]` behind the last token.
        own_start: `[W]` first token that is the window's own.
        own_stop: `[W]` behind the last one.
    """

    text: Ints
    start: Ints
    stop: Ints
    own_start: Ints
    own_stop: Ints

    @property
    def length(self) -> Ints:
        """Return `[W]` tokens of each window."""
        return self.stop - self.start


def cut_windows(lengths: Sequence[int], *, body: int, overlap: int) -> Windows:
    """Return the windows of texts of `lengths` tokens; a text of no token has none.

    Args:
        lengths: `[n]` tokens of each text.
        body: most tokens of a window, above `overlap`.
        overlap: tokens that neighbouring windows share.
    """
    rows: list[tuple[int, int, int, int, int]] = []
    for text, length in enumerate(lengths):
        starts = range(0, max(length - overlap, min(length, 1)), body - overlap)
        for start in starts:
            stop = min(start + body, length)
            own_start = start + overlap // 2 if start else 0
            own_stop = length if stop == length else stop - (overlap - overlap // 2)
            rows.append((text, start, stop, own_start, own_stop))
    return Windows(*np.array(rows, np.int64).reshape(-1, 5).T)


def batches(lengths: Ints, *, budget: int) -> Iterator[Ints]:
    """Yield window numbers, sorted by length: rows times longest stays within `budget` tokens.

    A window that is longer than the budget is a batch of its own.
    """
    order = np.argsort(lengths, kind="stable")
    first = 0
    for last, longest in enumerate(lengths[order]):
        if last > first and (last - first + 1) * int(longest) > budget:
            yield order[first:last]
            first = last
    if len(order):
        yield order[first:]
