"""Electrodes in the wrong place: P, QRS and T of a lead against those of the leads beside it.

Leads that look at the heart from nearby see P, QRS and T alike: I and II as V5 and V6, each chest
lead as its neighbours. Exchanged arm electrodes turn all three waves of lead I round (and exchange
aVR and aVL, II and III), while V6 stays upright; in dextrocardia V6 turns with it (Rudiger et al.
2007, Am J Emerg Med 25:174; that the leads are redundant enough to tell: Kors and van Herpen 2001,
Am J Cardiol 88:396). Everything here is a correlation or a share: a lead's gain does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.signals.beats import Beats
from components.core.signals.rows import centred

Array = npt.NDArray[np.float32]

# s from the QRS complex's middle: P wave, QRS complex, T wave.
_WAVES_S = ((-0.25, -0.07), (-0.06, 0.07), (0.12, 0.40))
# Each lead's witnesses. V1 has none: it mirrors the left leads in health, and V2 is between them.
_WITNESSES: dict[str, tuple[str, str]] = {
    "I": ("V5", "V6"),
    "II": ("V5", "V6"),
    "V2": ("V1", "V3"),
    "V3": ("V2", "V4"),
    "V4": ("V3", "V5"),
    "V5": ("V4", "V6"),
    "V6": ("V5", "I"),
}
# Mean correlation of the three waves at which two of them mirror and one matches: (−1 −1 + 1) / 3.
OPPOSED = -1 / 3
_TINY = 1e-12
# s: level before the complex, and the complex with the widest margin.
_LEVEL_S, _COMPLEX_S = (-0.09, -0.06), (-0.08, 0.08)
_CHEST = ("V1", "V2", "V3", "V4", "V5")
# Fall of R / (R + S) from a lead to one further left. The share rises from V1 to V5 in health
# (R wave progression); a quarter is beyond what scatter of single amplitudes makes of it.
MAX_FALL = 0.25


def similarity(beats: Beats, leads: Sequence[str], mask: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return for every lead with witnesses how its waves match theirs, −1 mirrored to 1 alike.

    The correlations of P, QRS and T in the median beat, averaged over waves and witnesses.

    Args:
        beats: of `leads`.
        leads: canonical names in the order of the beats' rows.
        mask: `[leads]`, True where the lead is real.
    """
    if np.isnan(beats.median).any():
        return {}
    matrix = _correlations(beats).tolist()
    row = {lead: index for index, lead in enumerate(leads) if mask[index]}
    found: dict[str, float] = {}
    for lead, witnesses in _WITNESSES.items():
        there = [row[name] for name in witnesses if name in row]
        if lead in row and there:
            found[lead] = sum(matrix[row[lead]][other] for other in there) / len(there)
    return found


def _correlations(beats: Beats) -> npt.NDArray[np.float64]:
    total = np.zeros((len(beats.median), len(beats.median)))
    for start, stop in _WAVES_S:
        wave = centred(beats.median[:, beats.part(start, stop)].astype(np.float64))
        wave /= np.sqrt(np.add.reduce(np.square(wave), axis=1, keepdims=True) + _TINY)
        total += wave @ wave.T
    return total / len(_WAVES_S)


def progression_fall(beats: Beats, leads: Sequence[str], mask: npt.NDArray[np.bool_]) -> float:
    """Return the largest fall of R / (R + S) from V1–V5 to a lead further left, 0 to 1.

    NaN with fewer than two of these leads or too few beats.
    """
    rows = [leads.index(name) for name in _CHEST if name in leads and mask[leads.index(name)]]
    if len(rows) < 2 or np.isnan(beats.median).any():
        return float("nan")
    chest = beats.median[rows]
    level = chest[:, beats.part(*_LEVEL_S)].mean(axis=1, keepdims=True)
    part = chest[:, beats.part(*_COMPLEX_S)] - level
    r, s = np.maximum(part.max(axis=1), 0), np.maximum(-part.min(axis=1), 0)
    share = r / np.maximum(r + s, _TINY)
    lower = np.maximum.accumulate(share)[:-1] - share[1:]
    return max(0.0, float(lower.max()))
