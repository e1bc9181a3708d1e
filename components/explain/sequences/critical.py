"""The table of critical windows: which hours, what share, and which events fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.config.explain import ExplainConfig
from components.core.data.stored_events import EVENT_KINDS
from components.explain.event_values import LEAST_PATIENTS
from components.explain.event_values import told as shown
from components.explain.sequences.gathered import Sequences
from components.explain.sequences.spans import sums
from components.explain.sequences.tables import Told, told
from components.explain.sequences.windows import Window, critical, window_of, window_shares

Floats = npt.NDArray[np.float64]
# Kinds and texts that are named of a window.
_NAMED = 2
_NOTE = (
    "Windows of {width:g} h that hold at least {share:.0%} of a stay's |attribution| of events, "
    "mean over the stays; neighbours are joined, and the share is that of them together. Picked "
    "and measured on the same stays, so it is somewhat too large. Kinds by their share of what the "
    "window holds, texts of at least {least} patients by their mean magnitude."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Critical:
    """Critical windows.

    Attributes:
        windows: the newest first.
        told: their shares, rows named by hours, kinds and texts.
        none: what is said where there are none.
    """

    windows: tuple[Window, ...]
    told: Told
    none: str


def critical_windows(own: Sequences, config: ExplainConfig) -> Critical:
    """Return the critical windows of the method that tells of single events."""
    values = [stay.events.values[own.method] for stay in own.stays]
    at = [window_of(stay.events.hours, config.window_hours) for stay in own.stays]
    shares = window_shares(values, at)
    found = critical(shares, threshold=config.critical_share, width=config.window_hours)
    width = np.zeros((len(shares), 0))
    columns = np.stack([each.share(shares) for each in found], axis=1) if found else width
    filled = [_filled(own, each, at) for each in found]
    labels = [
        {"window": each.words, "kinds and texts": what}
        for each, what in zip(found, filled, strict=True)
    ]
    note = _NOTE.format(
        width=config.window_hours, share=config.critical_share, least=LEAST_PATIENTS
    )
    made = told(columns, labels, own.of, figure="share of |attribution|",
                caption=f"Critical time windows, {own.titles[own.method]}", note=note)  # fmt: skip
    none = (
        f"No window of {config.window_hours:g} h holds {config.critical_share:.0%} of a stay's "
        "|attribution| of events (window_hours, critical_share): none is critical."
    )
    return Critical(windows=tuple(found), told=made, none=none)


def _filled(own: Sequences, window: Window, at: Sequence[npt.NDArray[np.int64]]) -> str:
    """Return the kinds and texts that fill a window."""
    kinds = np.zeros(len(EVENT_KINDS))
    texts: dict[str, list[float]] = {}
    patients: dict[str, set[str]] = {}
    for stay, place, patient in zip(own.stays, at, own.of.patients, strict=True):
        inside = window.holds(place)
        values = np.abs(stay.events.values[own.method][inside])
        kinds += sums(values, stay.events.kind[inside], len(kinds))
        for k, value in zip(np.flatnonzero(inside).tolist(), values.tolist(), strict=True):
            text = stay.events.texts[k]
            texts.setdefault(text, []).append(value)
            patients.setdefault(text, set()).add(str(patient))
    return "; ".join([_kinds(kinds), *_texts(own, texts, patients)])


def _kinds(size: Floats) -> str:
    share = size / size.sum()
    order = np.argsort(-share, kind="stable")[:_NAMED].tolist()
    return ", ".join(f"{EVENT_KINDS[k]} {share[k]:.0%}" for k in order if share[k] > 0)


def _texts(
    own: Sequences, values: dict[str, list[float]], patients: dict[str, set[str]]
) -> list[str]:
    least = LEAST_PATIENTS if len(own.stays) > 1 else 1
    mean = {text: float(np.mean(each)) for text, each in values.items()
            if len(patients[text]) >= least}  # fmt: skip
    order = sorted(mean, key=lambda text: (-mean[text], text))[:_NAMED]
    return [", ".join(f"“{shown(text, own.known)}”" for text in order)] if order else []
