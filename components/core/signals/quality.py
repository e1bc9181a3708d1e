"""What can be wrong with a recording's signal: flags, figures, a score, and refusal by them.

A flag is True, False, or None where the recording cannot tell. `docs/quality.md` says how each was
set and how it does on real recordings; `components.core.signals.assess` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError

Array = npt.NDArray[np.float32]

FLAGS = (
    "flat",
    "saturated",
    "overrange",
    "mains",
    "muscle",
    "wander",
    "noisy",
    "unstable",
    "paced",
    "arm_reversal",
    "wrong_polarity",
    "chest_order",
    "einthoven",
)
# mV. Hum of one small square (0.1 mV) from peak to peak has this root mean square; muscle noise is
# held to the same power. Both then hide a P wave of low but normal height.
_SQUARE_RMS_MV = 0.1 / 2 / 2**0.5
# The baseline leaves its row by a tall square (1 mV = 10 mm): rows of a page lie 25–30 mm apart.
LIMITS: dict[str, float] = {"mains": _SQUARE_RMS_MV, "muscle": _SQUARE_RMS_MV, "wander": 1.0}


@dataclass(frozen=True, kw_only=True, eq=False)
class Quality:
    """What is wrong with a recording.

    Attributes:
        leads: canonical names in the order of the figures' rows.
        score: 0 to 1, the mean of `lead_scores`; NaN where nobody looked.
        lead_scores: `[leads]`; 0 for a lead that is missing, flat, at a rail or out of range, else
            the smallest of 1 / (1 + (figure / limit)²) over mains, muscle and wander: 0.5 where
            one stands at its limit.
        flags: name → found; None where the recording cannot tell.
        flagged: name → leads concerned, for the flags that are about leads.
        figures: name → `[leads]`: `mains` and `muscle` root mean square and `wander` peak to peak
            in mV, `agreement` a correlation; NaN where they cannot be told.
    """

    leads: tuple[str, ...]
    score: float
    lead_scores: Array
    flags: dict[str, bool | None]
    flagged: dict[str, tuple[str, ...]]
    figures: dict[str, Array]

    @property
    def raised(self) -> tuple[str, ...]:
        """Return the names of the flags that are True."""
        return tuple(name for name in FLAGS if self.flags[name])


def unjudged(leads: Sequence[str]) -> Quality:
    """Return the quality of a recording that nobody looked at: everything unknown."""
    unknown = np.full(len(leads), np.nan, np.float32)
    return Quality(
        leads=tuple(leads),
        score=float("nan"),
        lead_scores=unknown,
        flags=dict.fromkeys(FLAGS),
        flagged={},
        figures=dict.fromkeys((*LIMITS, "agreement"), unknown),
    )


def refuse(quality: Quality, *, reject: Sequence[str], min_quality: float) -> None:
    """Refuse a recording by its flags or its score.

    Args:
        quality: of the recording.
        reject: names out of `FLAGS`; one that is raised refuses. A flag that cannot be told does
            not.
        min_quality: lowest score taken.

    Raises:
        RecordError: `low_quality`.
    """
    hit = [name for name in quality.raised if name in reject]
    if hit:
        reason, value = f"the recording is flagged {', '.join(hit)}", ";".join(hit)
        advice = f"record again, or take {' and '.join(hit)} out of preprocess.ecg.reject"
    elif quality.score < min_quality:
        value = f"{quality.score:.3f}"
        reason = f"the recording's quality is {value}, below {min_quality:g}"
        advice = "record again, or lower preprocess.ecg.min_quality"
    else:
        return
    raise RecordError("low_quality", reason, field="quality", value=value, advice=advice)
