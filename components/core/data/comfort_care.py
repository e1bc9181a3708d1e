"""Texts of events that say that death is expected: they tell the label rather than predict it.

Limits of treatment ("DNR") and palliation are decided by people who foresee the outcome, so that a
model that reads them repeats their prognosis.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]
# Words as orders and procedures have them; whole words, so that "DNRx" or "hospices of" stay clear.
# What each is called, and how it is written.
PHRASES = {
    "comfort measures": r"\bcomfort (?:measures?|care)",
    "CMO": r"\bcmo\b",
    "palliation": r"\bpalliat\w*",
    "hospice": r"\bhospice\b",
    "end of life": r"end[ -]of[ -]life",
    "DNR or DNI": (
        r"\bdn(?:r|i|ar)\b|do not (?:attempt )?(?:resuscitat\w*|intubat\w*)|allow natural death"
    ),
    # Not the treatment of somebody who withdraws from alcohol or opioids.
    "withdrawal of care": (
        r"withdraw(?:al|n|ing)? of (?:\w+[ -]){0,2}(?:care|support|treatment|therapy)"
        r"|withdraw(?:al|n|ing)? (?:life|intensive)[ -](?:\w+ )?(?:care|support|treatment|therapy)"
        r"|withdrawing (?:care|support|treatment|therapy)"
    ),
    "terminal extubation": r"terminal (?:extubation|wean\w*)",
}


def comfort_care(texts: pa.Array) -> Flags:
    """Return `[n]` whether a text speaks of comfort care or of a limit of treatment.

    >>> comfort_care(pa.array(["Comfort Measures Only", "Morphine Sulfate", None])).tolist()
    [True, False, False]
    """
    return _matching(texts, "|".join(PHRASES.values()))


def by_phrase(texts: pa.Array) -> dict[str, Flags]:
    """Return of each phrase that any of the texts has `[n]` whether a text has it.

    >>> {name: own.tolist() for name, own in by_phrase(pa.array(["CMO", "DNR; hospice"])).items()}
    {'CMO': [True, False], 'hospice': [False, True], 'DNR or DNI': [False, True]}
    """
    found = {name: _matching(texts, pattern) for name, pattern in PHRASES.items()}
    return {name: own for name, own in found.items() if own.any()}


def _matching(texts: pa.Array, pattern: str) -> Flags:
    found = pc.match_substring_regex(texts, f"(?i){pattern}")  # pyright: ignore[reportAttributeAccessIssue]
    return found.fill_null(False).to_numpy(zero_copy_only=False).astype(np.bool_)
