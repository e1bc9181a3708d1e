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
PHRASES = (
    r"comfort (?:measures?|care)",
    r"\bcmo\b",
    r"\bpalliat\w*",
    r"\bhospice\b",
    r"end[ -]of[ -]life",
    r"\bdn[ri]\b",
    r"\bdnr/dni\b",
    r"do not (?:resuscitate|intubate)",
    r"withdraw(?:al|n|ing)?(?: of)? (?:\w+ ){0,2}(?:care|support|treatment|therapy)",
    r"terminal (?:extubation|wean\w*)",
)
_PATTERN = f"(?i){'|'.join(PHRASES)}"


def comfort_care(texts: pa.Array) -> Flags:
    """Return `[n]` whether a text speaks of comfort care or of a limit of treatment.

    >>> comfort_care(pa.array(["Comfort Measures Only", "Morphine Sulfate", None])).tolist()
    [True, False, False]
    """
    found = pc.match_substring_regex(texts, _PATTERN)  # pyright: ignore[reportAttributeAccessIssue]
    return found.fill_null(False).to_numpy(zero_copy_only=False).astype(np.bool_)
