"""Mean attribution of many pages laid over one another, and of many beats, planted places outlined.

Drawn by `METHOD` alone, which speaks of every pixel and every cell of the spectrogram.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.core.media.config import SoundConfig
from components.core.modalities import ArrayModality
from components.core.report.section import Plot
from components.explain.explained import Explained
from components.explain.method import Singles
from components.explain.pictures.planted_maps import draw_beats, draw_page
from components.explain.planted_media.facts import Facts
from components.explain.planted_media.hearing import Heard, windows_of
from components.explain.planted_media.marks import Marks, boxes_of
from components.explain.planted_media.networks import maps
from components.explain.planted_media.paper import Floats, Paper

METHOD = "ig"
# Millimetres of a page's cell on the picture: a block of the default array is 1.9 mm wide.
_CELL_MM = 2.0
# Seconds around S1 and around S2 that are drawn: systole, and the third sound's time after it.
AROUND = {"S1": (-0.1, 0.5), "S2": (-0.25, 0.35)}


def plots_of(
    folder: Path, explained: Explained, marks: Sequence[Marks], truth: Mapping[str, Any]
) -> tuple[Plot, ...]:
    """Return the pictures that can be drawn: of the page, and of the beat.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it.
        marks: of each fold.
        truth: what was planted as a whole.
    """
    found: list[Plot] = []
    pages = [(own.paper, values) for own, values in _told(folder, explained, marks, "ecg_image")
             if own.paper is not None]  # fmt: skip
    if pages:
        boxes = {name: tuple(box) for name, box in truth["ecg_image"]["boxes"].items()}
        found.append(draw_page(mean_page(pages), boxes, causal=tuple(boxes_of(truth))))
    sound = explained.folds[0].subject.sound
    beats = [(own.heard, values) for own, values in _told(folder, explained, marks, "pcg")
             if own.heard]  # fmt: skip
    if beats and sound is not None:
        panels = {name: mean_beat(beats, sound, first=name == "S1") for name in AROUND}
        found.append(
            draw_beats(panels, AROUND, sound=sound, truth=truth["pcg"], systole=_systole(beats))
        )
    return tuple(found)


def _told(
    folder: Path, explained: Explained, marks: Sequence[Marks], name: ArrayModality
) -> Iterator[tuple[Facts, Singles]]:
    """Yield the facts of each record and its map by `METHOD`, where it has one."""
    for fold, places in zip(explained.folds, marks, strict=True):
        values = maps(folder, METHOD, fold, name) if name in fold.subject.arrays else None
        if values is None:
            continue
        yield from (
            (own, each)
            for own, each in zip(places.facts, values, strict=True)
            if np.isfinite(each).any()
        )


def _systole(records: Sequence[tuple[Sequence[Heard], Singles]]) -> float:
    """Return the median time from S1 to S2, s."""
    spans = [span for heard, _ in records for each in heard for span in each.systoles]
    return float(np.median([second - first for first, second in spans]))


def mean_page(pages: Sequence[tuple[Paper, Singles]]) -> Floats:
    """Return the mean |attribution| of blocks where each cell of the page lay.

    Args:
        pages: how each lies in its array, and its blocks `[1, h, w]`.

    Returns:
        `[rows, columns]` of cells of `_CELL_MM`; NaN where no page has the cell.
    """
    width, height = pages[0][0].page_mm
    x, y = ((np.arange(round(mm / _CELL_MM)) + 0.5) * _CELL_MM / mm for mm in (width, height))
    cells = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float64)
    total, count = np.zeros(cells.shape[:2]), np.zeros(cells.shape[:2])
    for paper, values in pages:
        at = np.floor(paper.elements(cells)).astype(np.int64)
        inside = ((at >= 0) & (at < (paper.shape[1], paper.shape[0]))).all(axis=-1)
        column, row = at[inside].T
        steps = [math.ceil(size / own) for size, own in
                 zip(paper.shape, values.shape[1:], strict=True)]  # fmt: skip
        total[inside] += np.abs(values[0, row // steps[0], column // steps[1]])
        count[inside] += 1
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def mean_beat(
    records: Sequence[tuple[Sequence[Heard], Singles]], config: SoundConfig, *, first: bool
) -> Floats:
    """Return the mean |attribution| of a frame around the beats' first or second sounds.

    Args:
        records: recordings and blocks `[W, m, t]` of each.
        config: how recordings became windows.
        first: around S1, else around S2.

    Returns:
        `[m, offsets]` over all beats, a hop apart within `AROUND`; NaN where there is none.
    """
    hop = config.hop / config.fs
    low, high = AROUND["S1" if first else "S2"]
    offsets = np.arange(round(low / hop), round(high / hop) + 1) * hop
    size = (records[0][1].shape[1], len(offsets))
    total, count = np.zeros(size), np.zeros(size)
    for heard, values in records:
        step = math.ceil(config.shape[2] / values.shape[2])
        for window, own in zip(windows_of(heard, config), values, strict=False):
            recording = heard[window.recording]
            for beat in recording.s1 if first else recording.s2:
                at = beat + offsets - window.start
                inside = (at >= 0) & (at < window.seconds)
                frame = np.round(at[inside] / hop).astype(np.int64)
                total[:, inside] += np.abs(own[:, frame // step]) / step
                count[:, inside] += 1
    return np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
