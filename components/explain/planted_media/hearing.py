"""Which windows, filters and frames of a log-mel array hold the murmur and the third sound.

The planted intervals are those of `truth.json`: systole × the murmur's band, and a while after S2 ×
the third sound's. A filter stands for the frequencies that it is the nearest to, a frame for the
step around its middle; what the frame's own length (64 ms by default) smears over is outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.tiles import edges_hz
from components.core.errors import InputError
from components.core.media.config import SoundConfig
from components.core.media.sound import in_turn

Floats = npt.NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One recording.

    Attributes:
        s1: when first sounds begin, s.
        s2: when second sounds begin; the first one's S1 may lie before the recording.
        seconds: how long it is.
    """

    s1: tuple[float, ...]
    s2: tuple[float, ...]
    seconds: float

    @property
    def systoles(self) -> list[Span]:
        """Return S1 and S2 of every beat, s.

        Raises:
            InputError: they are no pairs.
        """
        before = (0.0,) if len(self.s2) == len(self.s1) + 1 else ()
        pairs = list(zip([*before, *self.s1], self.s2, strict=False))
        whole = len(self.s2) - len(self.s1) in (0, 1)
        if not whole or any(first > second for first, second in pairs):
            raise InputError(
                f"the planted truth has {len(self.s1)} first and {len(self.s2)} second sounds of a "
                "recording that make no beats; make the cohort again"
            )
        return pairs

    def third_sounds(self, after: Span) -> list[Span]:
        """Return when third sounds begin and end, s; `after` is from S2 on."""
        return [(second + after[0], second + after[1]) for second in self.s2]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window of the array: of which recording, and what it begins with.

    Attributes:
        recording: its place among the recordings that were used.
        start: s.
        seconds: of the recording where it is shorter than the window, which it fills over and
            over; else as long as the window.
    """

    recording: int
    start: float
    seconds: float


def windows_of(heard: Sequence[Heard], config: SoundConfig) -> list[Window]:
    """Return the windows that are there, in the array's order (`core.media.sound.log_mel`)."""
    # As many samples as resampling leaves, rounded up; below a window they are repeated.
    own = [math.ceil(round(each.seconds * config.fs, 6)) for each in heard]
    order = in_turn([max(1, samples // config.samples) for samples in own], config.windows)
    length = config.samples / config.fs
    return [
        Window(
            recording=which,
            start=number * length,
            seconds=min(length, heard[which].seconds),
        )
        for which, number in order
    ]


def cells(
    heard: Sequence[Heard], spans: Sequence[Sequence[Span]], hz: Span, config: SoundConfig
) -> Floats:
    """Return `[W, M, T]` what share of each cell of the array lies in a band during some spans.

    Args:
        heard: the recordings that were used.
        spans: of each recording, s; spans of a recording do not overlap.
        hz: lower and upper end of the band.
        config: how the recordings became an array.
    """
    found = np.zeros(config.shape)
    band = _overlaps(edges_hz(config), [hz])
    for place, window in enumerate(windows_of(heard, config)):
        found[place] = band[:, None] * frames(window, spans[window.recording], config)[None, :]
    return found


def frames(window: Window, spans: Sequence[Span], config: SoundConfig) -> Floats:
    """Return `[T]` what share of each frame's step lies in the spans of the window's recording."""
    length, hop = config.samples / config.fs, config.hop / config.fs
    edges = np.clip((np.arange(config.shape[2] + 1) - 0.5) * hop, 0.0, length).astype(np.float64)
    shifted: list[Span] = []
    for again in np.arange(0.0, length, window.seconds).tolist():
        ends = min(again + window.seconds, length)
        inside = [(a - window.start + again, b - window.start + again) for a, b in spans]
        shifted += [(max(a, again), min(b, ends)) for a, b in inside if b > again and a < ends]
    return _overlaps(edges, shifted)


def _overlaps(edges: Floats, spans: Sequence[Span]) -> Floats:
    """Return what share of each piece between rising edges lies in spans that do not overlap."""
    low, high = edges[:-1], edges[1:]
    total = np.zeros(len(low))
    for start, stop in spans:
        total += np.clip(np.minimum(high, stop) - np.maximum(low, start), 0.0, None)
    size = high - low
    return np.divide(total, size, out=np.zeros(len(low)), where=size > 0)
