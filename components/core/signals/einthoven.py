"""Recorded limb leads against what I and II say they must be: mislabelled channels, wrong gains.

Einthoven: III = II − I; Goldberger: aVR = −(I + II) / 2 and so on, at every instant. Electrodes in
the wrong place obey these too, so a deviation is in the file or the device.
"""

from __future__ import annotations

import numpy as np

from components.core.signals.leads import LIMB
from components.core.signals.signal import Signal

# IEC 60601-2-25 allows an amplitude error of 5 %; three leads enter each relation.
MAX_SHARE = 0.15
# mV: below it, rounding to counts and 1 ms between channels look the same as an error.
FLOOR_MV = 0.02


def deviations(signal: Signal) -> dict[str, float]:
    """Return for III, aVR, aVL and aVF, where recorded, the deviation in shares of what is allowed.

    Root mean square of recorded minus derived, without their means, over `FLOOR_MV` + `MAX_SHARE`
    times the largest root mean square of the leads involved; above 1 is a fault. Empty without
    I, II and one more, or where the unit is not mV.
    """
    names = [lead for lead in LIMB if lead in signal.leads]
    if signal.unit != "mV" or not {"I", "II"} < set(names):
        return {}
    values = signal.physical([signal.leads.index(lead) for lead in names])
    values -= values.mean(axis=1, keepdims=True)
    row = dict(zip(names, values, strict=True))
    found: dict[str, float] = {}
    for lead in names[2:]:
        one, two = LIMB[lead]
        gap = row[lead] - np.float32(one) * row["I"] - np.float32(two) * row["II"]
        size = max(_rms(row[name]) for name in ("I", "II", lead))
        found[lead] = _rms(gap) / (FLOOR_MV + MAX_SHARE * size)
    return {lead: value for lead, value in found.items() if np.isfinite(value)}


def _rms(x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
