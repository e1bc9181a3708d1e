"""The planted places of every record in its arrays, and how much attribution lies on them.

Three places: on the page the boxes of the leads that carry the signal, in the sound the murmur
(systole × its band) and the third sound (a while after S2 × its band).

Shapes: `n` records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.attribution.tiles import Tiles, of_tiles, reduced
from components.core.media.config import SoundConfig
from components.core.modalities import ArrayModality
from components.explain.lots import tiles_of
from components.explain.method import Attributed
from components.explain.planted_media.facts import Facts
from components.explain.planted_media.hearing import Heard, Span, cells
from components.explain.planted_media.paper import Floats
from components.explain.subject import Subject

Index = npt.NDArray[np.int64]
# Place → whose array it lies in, and the kind of tiles that a method without a map speaks of.
PLACES: dict[str, tuple[ArrayModality, str]] = {
    "page": ("ecg_image", "region"),
    "murmur": ("pcg", "patch"),
    "third_sound": ("pcg", "patch"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Spot:
    """A place in one record's array.

    Attributes:
        blocks: share of each stored block that lies on it (`tiles.stored_shape`); half precision,
            since there is one for every record.
        tiles: `[G]` the same of each tile.
        even: share of the picture, or of the windows that are there.
    """

    blocks: npt.NDArray[np.float16]
    tiles: Floats
    even: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """The places of a fold's records.

    Attributes:
        spots: place → of each record its spot; None where it has none.
        facts: of each record.
    """

    spots: Mapping[str, Sequence[Spot | None]]
    facts: Sequence[Facts]

    def measure(self, index: Index, said: Attributed) -> dict[str, Floats]:
        """Return place → `[n, 3]` |attribution| on it, in all, and on it if all were spread evenly.

        By blocks where the method tells them, else by tiles, each spread evenly over its own area.
        A record without the place, or without the modality, has zeros.

        Args:
            index: `[n]` numbers of the records.
            said: of these records.
        """
        found: dict[str, Floats] = {}
        for place, (modality, kind) in PLACES.items():
            if place not in self.spots:
                continue
            if modality in said.values:
                values, finest = said.values[modality], True
            elif kind in said.grouped:
                values, finest = said.grouped[kind].values, False
            else:
                continue
            own = [self.spots[place][k] for k in index.tolist()]
            pairs = zip(values, own, strict=True)
            rows = [_sums(each, spot, finest=finest) for each, spot in pairs]
            found[place] = np.array(rows, np.float64).reshape(len(rows), 3)
        return found


def _sums(values: npt.NDArray[Any], spot: Spot | None, *, finest: bool) -> tuple[float, ...]:
    if spot is None:
        return (0.0, 0.0, 0.0)
    shares = (spot.blocks if finest else spot.tiles).astype(np.float64)
    size = np.abs(np.nan_to_num(values.astype(np.float64)))
    total = float(size.sum())
    return float((size * shares.reshape(size.shape)).sum()), total, total * spot.even


def marks_of(subject: Subject, facts: Sequence[Facts], truth: Mapping[str, Any]) -> Marks:
    """Return the places of a fold's records.

    Args:
        subject: the fold.
        facts: of its records.
        truth: what was planted as a whole.
    """
    spots: dict[str, list[Spot | None]] = {}
    tiles = tiles_of(subject)
    if "ecg_image" in subject.inputs:
        spots["page"] = [_page(own, truth, tiles["region"]) for own in facts]
    if subject.sound is not None:
        for name, (hz, spans_of) in _bands(truth).items():
            spots[name] = [
                _sound(own.heard, spans_of, hz, config=subject.sound, tiles=tiles["patch"])
                for own in facts
            ]
    return Marks(spots=spots, facts=facts)


def boxes_of(truth: Mapping[str, Any]) -> dict[str, tuple[float, float, float, float]]:
    """Return the boxes of the leads that carry more than an even share of the signal."""
    own = truth["ecg_image"]
    return {lead: tuple(map(float, own["boxes"][lead])) for lead in own["causal"]}  # type: ignore[misc]


def _bands(truth: Mapping[str, Any]) -> dict[str, tuple[Span, Callable[[Heard], list[Span]]]]:
    """Return place → band in Hz, and what finds its spans in a recording."""
    murmur, third = truth["pcg"]["murmur"], truth["pcg"]["s3"]
    after = _span(third["after_s"])
    return {
        "murmur": (_span(murmur["hz"]), lambda heard: heard.systoles),
        "third_sound": (_span(third["hz"]), lambda heard: heard.third_sounds(after)),
    }


def _span(pair: Sequence[float]) -> Span:
    low, high = map(float, pair)
    return low, high


def _page(own: Facts, truth: Mapping[str, Any], tiles: Tiles) -> Spot | None:
    if own.paper is None:
        return None
    boxes = [box for lead, box in boxes_of(truth).items() if lead not in own.silent]
    covered = own.paper.covered(boxes)[None]
    return _spot(covered, np.broadcast_to(own.paper.within, covered.shape), tiles)


def _sound(
    heard: Sequence[Heard],
    spans_of: Callable[[Heard], list[Span]],
    hz: Span,
    *,
    config: SoundConfig,
    tiles: Tiles,
) -> Spot | None:
    if not heard:
        return None
    covered = cells(heard, [spans_of(each) for each in heard], hz, config)
    there = cells(heard, [[(0.0, each.seconds)] for each in heard], _everything(config), config)
    return _spot(covered, there > 0, tiles)


def _everything(config: SoundConfig) -> Span:
    return (config.low_hz, config.high_hz)


def _spot(covered: Floats, there: npt.NDArray[np.bool_], tiles: Tiles) -> Spot:
    ones = np.ones_like(covered)[None]
    every = np.ones((1, len(tiles.names)), np.bool_)
    blocks = reduced(covered[None])[0] / reduced(ones)[0]
    shares, sizes = (of_tiles(own, tiles, there=every).values[0] for own in (covered[None], ones))
    return Spot(
        blocks=blocks.astype(np.float16),
        tiles=np.divide(shares, sizes, out=np.zeros(len(sizes)), where=sizes > 0),
        even=float(covered.sum() / there.sum()),
    )
