"""The visit of one patient: when the ECGs, the echoes and a change of therapy happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from components.ingest.synthetic.columns import index_time
from components.ingest.synthetic.recordings import Drawn
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.hazards import Future
from components.ingest.synthetic.surveillance.phrases import Findings
from components.ingest.synthetic.surveillance.state import State
from components.ingest.synthetic.trajectory import ECHO_SD

# P(a second ECG), and its distance to the first in days.
_SECOND, _SECOND_DAYS = 0.08, (1.0, 10.0)
# The echo lies within these days of the ECG; of a few it lies further off, of a few there is none.
_PAIRED_DAYS, _FAR_DAYS = 10.0, (15.0, 60.0)
_FAR, _NO_ECHO = 0.04, 0.04
# P(a second echo within two weeks of the ECG, further from it than the first).
_REPEATED, _REPEATED_DAYS = 0.08, (10.5, 13.5)
# P(a new line of therapy between ECG and echo), and P(one at another time), days before the ECG.
_BETWEEN, _EARLIER, _EARLIER_DAYS = 0.02, 0.03, (70.0, 200.0)
# Measured LVEFs stay within what an echo report holds, per cent.
_LVEF_RANGE = (8.0, 85.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Surveyed:
    """A block before any file is made; `drawn.scores` are those of the yearly ECG."""

    drawn: Drawn
    state: State
    future: Future
    findings: Findings


@dataclass(frozen=True, kw_only=True)
class Echo:
    """One echo: when, and the LVEF in whole per cent."""

    time: datetime
    lvef: float


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One patient's visit.

    Attributes:
        ecg_times: of the recordings, the first being the patient's day 0.
        echoes: nearest to the first ECG first; empty where none was made.
        intervention: start of a new line of therapy, or None.
        last: death or last contact; nothing is written down after it.
    """

    ecg_times: tuple[datetime, ...]
    echoes: tuple[Echo, ...]
    intervention: datetime | None
    last: datetime

    @property
    def first(self) -> datetime:
        """Return the time of the first ECG."""
        return self.ecg_times[0]

    @property
    def informed(self) -> datetime:
        """Return the time from which on a note may know of an echo, or follows the ECG."""
        return min([self.first, *(echo.time for echo in self.echoes)])


def draw_visit(surveyed: Surveyed, patient: int, seed: int) -> Visit:
    """Draw the visit of the patient in row `patient`."""
    drawn, state, future = surveyed.drawn, surveyed.state, surveyed.future
    rng = stream(seed, "surveillance visit", int(drawn.cohort.index[patient]))
    first = _minutes(
        index_time(drawn.outcomes, patient) + timedelta(days=float(state.day[patient]))
    )
    quiet = float(min(x[patient] for x in (future.event, future.death, future.censoring)))
    gap = float(rng.uniform(*_SECOND_DAYS))
    second = bool(rng.random() < _SECOND) and gap + 1.0 < quiet
    ecg_times = (first, _minutes(first + timedelta(days=gap))) if second else (first,)
    ends = float(min(future.death[patient], future.censoring[patient]))
    offsets = _echo_offsets(ends, rng)
    echoes = tuple(_echo(state, patient, first, days, rng) for days in offsets)
    return Visit(
        ecg_times=ecg_times,
        echoes=echoes,
        intervention=_intervention(first, echoes, rng),
        last=first + timedelta(days=ends),
    )


def _echo_offsets(ends: float, rng: np.random.Generator) -> list[float]:
    """Return the days from the ECG to each echo, the nearest first."""
    kind, repeated, sign = rng.random(3)
    near, far = rng.uniform(-_PAIRED_DAYS, _PAIRED_DAYS), rng.uniform(*_FAR_DAYS)
    again = rng.uniform(*_REPEATED_DAYS)
    if kind < _NO_ECHO:
        return []
    side = -1.0 if sign < 0.5 else 1.0
    days = [side * far] if kind < _NO_ECHO + _FAR else [near]
    if kind >= _NO_ECHO + _FAR and repeated < _REPEATED:
        days.append(side * again)
    # Who is dead or lost by then had the echo before the ECG.
    return [float(-abs(each) if each >= ends else each) for each in days]


def _echo(
    state: State, patient: int, first: datetime, days: float, rng: np.random.Generator
) -> Echo:
    true = float(state.lvef[patient] - state.decline[patient] * days)
    measured = np.clip(np.round(true + ECHO_SD * rng.standard_normal()), *_LVEF_RANGE)
    return Echo(time=_minutes(first + timedelta(days=days)), lvef=float(measured))


def _intervention(
    first: datetime, echoes: tuple[Echo, ...], rng: np.random.Generator
) -> datetime | None:
    between, earlier, share = rng.random(3)
    back = float(rng.uniform(*_EARLIER_DAYS))
    if echoes and between < _BETWEEN:
        return _minutes(first + (echoes[0].time - first) * (0.2 + 0.6 * float(share)))
    return _minutes(first - timedelta(days=back)) if earlier < _EARLIER else None


def _minutes(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
