"""Groups of inputs that mean something to a reader, and attributions summed over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.data.tabular import TabularEncoder
from components.core.modalities import EMBEDDED, short_name

Floats = npt.NDArray[np.float64]
Dense = npt.NDArray[np.floating]
Segments = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
# Parts of a beat as delineated; `rest` is what lies between beats (TP, and PQ between P and QRS).
SEGMENTS = ("P", "QRS", "ST", "T", "rest")
# Neighbouring entries of an embedding, each modality's a kind of their own.
BLOCKS: dict[str, str] = {name: f"block_{short_name(name)}" for name in EMBEDDED}
# Regions tile a picture; patches (window × band × time) and bands tile a sound, blocks embeddings
# (`tiles`). Cells (kind × window), kinds and windows part a sequence of events (`event_groups`).
KINDS = (
    "lead_segment", "lead", "segment", "modality", "variable", "region", "patch", "band",
    *BLOCKS.values(), "event_cell", "event_kind", "event_window",
)  # fmt: skip

# What the groups are called in a sentence.
KIND_NAMES = {
    "lead_segment": "leads × beat segments",
    "variable": "variables of the table",
    "lead": "leads",
    "segment": "beat segments",
    "modality": "modalities",
    "region": "regions of the picture",
    "patch": "patches of the sound",
    "band": "frequency bands of the sound",
    **dict.fromkeys(BLOCKS.values(), "blocks of entries of the embeddings"),
    "event_cell": "kinds × windows of events",
    "event_window": "windows of events",
    "event_kind": "kinds of events",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouped:
    """Attributions of groups, in log-odds.

    Attributes:
        kind: one of `KINDS`.
        names: `G` groups; of `lead_segment` as `V3 QRS`, leads in the task's order, each with all
            `SEGMENTS` in order.
        values: `[n, G]` signed; NaN where a record has no such group (a missing lead, no beat).
    """

    kind: str
    names: tuple[str, ...]
    values: Floats


def cell_names(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of `lead_segment`: leads × segments, segments running fastest."""
    return tuple(f"{lead} {segment}" for lead in leads for segment in SEGMENTS)


def cell_ids(segments: Segments, leads: int) -> npt.NDArray[np.int64]:
    """Return `[n, K, L]` number of each sample's name in `cell_names`, −1 where no beat is found.

    Args:
        segments: `[n, L]` index into `SEGMENTS`, or −1.
        leads: K.
    """
    own = segments.astype(np.int64)[:, None, :]
    first = len(SEGMENTS) * np.arange(leads)[None, :, None]
    return np.where(own < 0, -1, first + own)


def of_ecg(
    values: Dense, segments: Segments, *, leads: tuple[str, ...], there: Flags
) -> dict[str, Grouped]:
    """Return `lead_segment`, `lead` and `segment` sums.

    Args:
        values: `[n, K, L]` attributions of samples.
        segments: `[n, L]` index into `SEGMENTS`, or −1 all along a record in which no beat is
            found: it has sums of leads alone.
        leads: `K` names.
        there: `[n, K]` whether the record has the lead.
    """
    sums = _segment_sums(values, segments)
    has = has_segment(segments)
    cells = np.where(there[:, :, None] & has[:, None, :], sums, np.nan)
    within = np.where(there[:, :, None], sums, 0).sum(axis=1)
    segment = np.where(has & there.any(axis=1, keepdims=True), within, np.nan)
    lead = np.where(there, values.sum(axis=2, dtype=np.float64), np.nan)
    return {
        "lead_segment": Grouped(
            kind="lead_segment", names=cell_names(leads), values=cells.reshape(len(values), -1)
        ),
        "lead": Grouped(kind="lead", names=leads, values=lead),
        "segment": Grouped(kind="segment", names=SEGMENTS, values=segment),
    }


def of_time(values: Dense, segments: Segments) -> Grouped:
    """Return `segment` sums of attributions that know time but no lead, `[n, L]`."""
    sums = _segment_sums(values[:, None, :], segments)[:, 0]
    return Grouped(
        kind="segment", names=SEGMENTS, values=np.where(has_segment(segments), sums, np.nan)
    )


def has_segment(segments: Segments) -> Flags:
    """Return `[n, S]` whether a record has any sample of each of `SEGMENTS`."""
    return np.stack([(segments == number).any(axis=1) for number in range(len(SEGMENTS))], axis=1)


def _segment_sums(values: Dense, segments: Segments) -> Floats:
    """Return `[n, K, S]`, record by record: one-hot segments of all at once fill memory."""
    out = np.empty((*values.shape[:2], len(SEGMENTS)))
    for number, (own, segment) in enumerate(zip(values, segments, strict=True)):
        parts = segment[:, None] == np.arange(len(SEGMENTS))
        out[number] = own.astype(np.float64) @ parts.astype(np.float64)
    return out


def variables(encoder: TabularEncoder) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Return the `V` source columns that are encoded, and `[F]` which of them each output is of.

    A number and its missing indicator are one variable, and so are all levels of a category; a
    category without any frequent level has no output and is left out.
    """
    widths = {column.name: 1 + column.indicator for column in encoder.numeric}
    widths |= {column.name: len(column.levels) for column in encoder.categorical}
    kept = {name: width for name, width in widths.items() if width}
    return tuple(kept), np.repeat(np.arange(len(kept)), list(kept.values()))


def of_tabular(values: Dense, encoder: TabularEncoder) -> Grouped:
    """Return `variable` sums of the attributions `[n, F]` of encoded columns."""
    names, ids = variables(encoder)
    parts = ids[:, None] == np.arange(len(names))
    sums = values.astype(np.float64) @ parts.astype(np.float64)
    return Grouped(kind="variable", names=names, values=sums)


def of_modalities(sums: Mapping[str, Floats], *, there: Mapping[str, Flags]) -> Grouped:
    """Return `modality` values.

    Args:
        sums: modality → `[n]` sum of all its attributions.
        there: modality → `[n]` whether the record has it; what is not named is always there.
    """
    columns = [
        np.where(there[name], own, np.nan) if name in there else own for name, own in sums.items()
    ]
    return Grouped(kind="modality", names=tuple(sums), values=np.stack(columns, axis=1))
