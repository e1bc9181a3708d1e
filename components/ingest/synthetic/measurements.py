"""Serial LVEF, GLS and troponin T as a long table, one measurement a row.

The LVEFs are those from which the label was planted. GLS and troponin follow the fall of the LVEF;
where the LVEF lies at 40-49 % after a fall of less than 10 points they stay below the limits of the
definition, so that the LVEF alone decides who reaches the moderate grade.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.recordings import Drawn, Rows
from components.ingest.synthetic.streams import stream

MEASUREMENTS_FILE = "measurements.csv"
MEASUREMENT_COLUMNS = ("patient_id", "time", "name", "value", "unit")
# Share of patients whose centre measures strain, and troponin.
_GLS_SHARE, _TROPONIN_SHARE = 0.7, 0.5
# GLS in adults before therapy, magnitude in per cent, and its relative loss per LVEF point of fall.
_GLS_MEAN, _GLS_SD, _GLS_LOSS, _GLS_NOISE = 19.5, 1.5, 1.3, 1.0
# hs-cTnT before therapy in ng/L (log-normal), and its log rise per LVEF point of fall.
_TROPONIN_MEDIAN, _TROPONIN_LOG_SD, _TROPONIN_RISE = 6.0, 0.25, 0.06
# Below 15 % and 14 ng/L (see the module's sentence), with room for rounding.
_QUIET_GLS, _QUIET_TROPONIN = 14.0, 13.0

FloatArray = npt.NDArray[np.float64]
Line = tuple[str, int, str, str, str]


def measurement_rows(drawn: Drawn, rows: Iterable[Rows], seed: int) -> Iterator[Line]:
    """Yield the measurements of the patients named in the manifest's `rows` of one block."""
    named = {row.manifest["patient_id"]: row.patient for row in rows}
    for name, patient in named.items():
        yield from _patient(drawn, name, patient, seed)


def _patient(drawn: Drawn, name: str, patient: int, seed: int) -> Iterator[Line]:
    outcomes = drawn.outcomes
    rng = stream(seed, "measurements", int(drawn.cohort.index[patient]))
    before = int(rng.integers(0, 15))  # baseline echo within two weeks before therapy
    baseline = float(drawn.cohort.lvef_baseline[patient])
    days = np.concatenate([[-before], outcomes.visit_days[patient]])
    lvef = np.concatenate([[baseline], outcomes.lvef[patient]])
    gls, troponin = _strain(baseline, lvef, rng), _troponin(baseline, lvef, rng)
    has_gls, has_troponin = rng.random(2) < (_GLS_SHARE, _TROPONIN_SHARE)
    for i in np.flatnonzero(_seen(drawn, patient, days)):
        day = int(days[i])
        yield name, day, "lvef", f"{lvef[i]:.0f}", "%"
        if has_gls:
            yield name, day, "gls", f"{-gls[i]:.1f}", "%"
        if has_troponin:
            yield name, day, "troponin_t", f"{troponin[i]:.1f}", "ng/L"


def _seen(drawn: Drawn, patient: int, days: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which days lie within follow-up and before death."""
    death = drawn.outcomes.death_day[patient]
    alive = np.isnan(death) | (days < death)
    return (days <= drawn.outcomes.followup_days[patient]) & alive | (days <= 0)


def _quiet(baseline: float, lvef: FloatArray) -> npt.NDArray[np.bool_]:
    return (lvef < 50) & (baseline - lvef < 10)


def _strain(baseline: float, lvef: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the GLS magnitude in per cent at every visit, the first being the baseline."""
    start = float(np.clip(_GLS_MEAN + _GLS_SD * rng.standard_normal(), 15.0, 24.0))
    loss = _GLS_LOSS * np.maximum(baseline - lvef, 0.0)
    loss = loss + _GLS_NOISE * rng.standard_normal(len(lvef))
    loss = np.where(_quiet(baseline, lvef), np.minimum(loss, _QUIET_GLS), np.minimum(loss, 70.0))
    loss[0] = 0.0
    return np.round(start * (1.0 - loss / 100.0), 1)


def _troponin(baseline: float, lvef: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return hs-cTnT in ng/L at every visit, the first being the baseline."""
    start = _TROPONIN_MEDIAN * np.exp(_TROPONIN_LOG_SD * rng.standard_normal())
    rise = np.exp(_TROPONIN_RISE * np.maximum(baseline - lvef, 0.0))
    value = start * rise * np.exp(0.1 * rng.standard_normal(len(lvef)))
    value[0] = start
    value = np.where(_quiet(baseline, lvef), np.minimum(value, _QUIET_TROPONIN), value)
    value[0] = min(value[0], _QUIET_TROPONIN)
    return np.round(value, 1)
