"""Tables of interactions: between kinds of events, and between static variables and windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.explain.sequences import interactions
from components.explain.sequences.by_risk import Stays
from components.explain.sequences.interactions import Interactions
from components.explain.sequences.tables import Told, told
from components.explain.subject import Subject

SHOWN = 10
_NOTE = (
    "f(x) − f(x∖A) − f(x∖B) + f(x∖A,B), log-odds: above 0 the two speak more for the event "
    "together than apart, below 0 one stands in for the other. Over the stays that have both; the "
    "{most} with the largest mean magnitude, picked and measured on the same stays."
)


def tables(subjects: Sequence[Subject], of: Stays) -> list[Told]:
    """Return the interactions of all folds' records.

    Args:
        subjects: of the folds, in the order of the stays.
        of: the stays.
    """
    found = [_table(subjects, interactions.of_kinds, of, "Kinds of events")]
    if "tabular" in subjects[0].inputs:
        caption = "Static variables and time windows"
        found.append(_table(subjects, interactions.of_static, of, caption))
    return found


def _table(
    subjects: Sequence[Subject],
    compute: Callable[[Subject], Interactions],
    of: Stays,
    caption: str,
) -> Told:
    parts = [compute(subject) for subject in subjects]
    pairs = list(dict.fromkeys(pair for part in parts for pair in part.pairs))
    whole = np.concatenate([_aligned(part, pairs) for part in parts])
    return told(
        whole, [{"first": a, "second": b} for a, b in pairs], of, figure="interaction",
        caption=f"Interactions: {caption}, log-odds", most=SHOWN, note=_NOTE.format(most=SHOWN),
    )  # fmt: skip


def _aligned(part: Interactions, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Return a fold's columns among those of all folds; NaN where its networks lack a variable."""
    found = np.full((len(part.values), len(pairs)), np.nan)
    found[:, [pairs.index(pair) for pair in part.pairs]] = part.values
    return found
