"""Where in the ECG the planted signal lies: leads by beat segments, from the model itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from components.ingest.synthetic.loadings import ALL, Loadings
from components.ingest.synthetic.mechanism import FEATURES, FloatArray, estimate_weights
from components.ingest.synthetic.vcg import DOWER, LEADS_8, SEGMENTS, Morphology, beat

# Bounds of the segments around R of a median beat at 72/min, s.
WINDOWS = {"P": (-0.26, -0.06), "QRS": (-0.06, 0.07), "ST": (0.07, 0.15), "T": (0.15, 0.42)}
_FS = 1000


def signal_energy(loadings: Loadings = ALL) -> FloatArray:
    """Return the energy that one SD of the scores moves, `[leads, segments]`, mV^2 s.

    Each score counts with the squared weight it has in the best estimate of the substrate.
    """
    time = np.arange(-0.35 * _FS, 0.5 * _FS) / _FS
    rr = 60.0 / 72.0
    base = beat(Morphology(), rr=rr).dipole_at(time) @ DOWER.T
    energy = np.zeros((len(LEADS_8), len(SEGMENTS)))
    for name, weight in zip(FEATURES, estimate_weights(loadings), strict=True):
        moved = beat(replace(Morphology(), **{name: 1.0}), rr=rr).dipole_at(time) @ DOWER.T
        change = (moved - base) ** 2 * weight**2
        for column, segment in enumerate(SEGMENTS):
            low, high = WINDOWS[segment]
            energy[:, column] += change[(time >= low) & (time < high)].sum(axis=0) / _FS
    return energy


def signal_share(loadings: Loadings = ALL) -> dict[str, Any]:
    """Return each lead's and segment's share of the planted energy, and the cells above average."""
    share = signal_energy(loadings)
    share = share / share.sum()
    causal = [
        {"lead": lead, "segment": segment}
        for i, lead in enumerate(LEADS_8)
        for j, segment in enumerate(SEGMENTS)
        if share[i, j] > 1.0 / share.size
    ]
    table = {
        lead: {segment: round(float(share[i, j]), 4) for j, segment in enumerate(SEGMENTS)}
        for i, lead in enumerate(LEADS_8)
    }
    return {
        "segments_s_from_r": {k: list(v) for k, v in WINDOWS.items()},
        "signal_share": table,
        "causal": causal,
    }
