"""Serial echo LVEF of the surveillance part, before and after the ECG, by date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from components.ingest.synthetic.columns import index_time
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.visit import Surveyed, Visit
from components.ingest.synthetic.trajectory import VISIT_DAYS

# The therapy part's visit at one year is the surveillance visit itself.
_REPLACED = int(np.argmin(np.abs(VISIT_DAYS - 354.0)))

Line = tuple[str, str, str, str, str]


def serial_rows(surveyed: Surveyed, patient: int, visit: Visit, seed: int) -> Iterator[Line]:
    """Yield the patient's measurements in order of time, columns as `MEASUREMENT_COLUMNS`."""
    name = f"P{int(surveyed.drawn.cohort.index[patient]):07d}"
    for time, lvef in sorted(_echoes(surveyed, patient, visit, seed)):
        yield name, time.isoformat(), "lvef", f"{lvef:.0f}", "%"


def _echoes(
    surveyed: Surveyed, patient: int, visit: Visit, seed: int
) -> Iterator[tuple[datetime, float]]:
    drawn = surveyed.drawn
    outcomes, start = drawn.outcomes, index_time(drawn.outcomes, patient)
    # The baseline echo of the therapy part: the first draw of its stream.
    rng = stream(seed, "measurements", int(drawn.cohort.index[patient]))
    yield start - timedelta(days=int(rng.integers(0, 15))), drawn.cohort.lvef_baseline[patient]
    for echo in visit.echoes:
        yield echo.time, echo.lvef
    for number, (day, lvef) in enumerate(
        zip(outcomes.visit_days[patient], outcomes.lvef[patient], strict=True)
    ):
        time = start + timedelta(days=float(day))
        if number < _REPLACED:
            yield time, lvef
        elif number > _REPLACED and time <= visit.last:
            # The late component has come by then.
            yield time, float(np.clip(np.round(lvef - surveyed.state.late[patient]), 8.0, 85.0))
