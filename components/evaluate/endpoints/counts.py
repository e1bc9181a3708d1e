"""What is known of an endpoint by its day, patient by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.metrics.tables import floats
from components.evaluate.endpoints.outlook import Outlook
from components.evaluate.heads.tables import require


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Patients of the test part by what became of them.

    Attributes:
        events: with the event by the day.
        competing: dead without it by the day: known non-events.
        free: followed to the day without either.
        censored: lost before the day: masked, never non-events.
        untimed: without any follow-up.
    """

    events: int
    competing: int
    free: int
    censored: int
    untimed: int

    @property
    def evaluable(self) -> int:
        """Return the patients whose outcome at the day is known."""
        return self.events + self.competing + self.free

    @property
    def raw_prevalence(self) -> float:
        """Return the share of the evaluable with the event, not weighted for censoring."""
        return self.events / self.evaluable if self.evaluable else float("nan")


def counts_of(frame: pd.DataFrame, outlook: Outlook) -> Counts:
    """Return the counts of an endpoint.

    Args:
        frame: the table of heads; a patient's first record tells of the follow-up.
        outlook: whose.

    Raises:
        CardioError: the endpoint's times are not in the table.
    """
    require(frame, [outlook.time, outlook.code])
    first = frame.sort_values("sample_id").drop_duplicates("patient_id")
    timed = first[first[outlook.time].notna()]
    time, code = floats(timed, outlook.time), floats(timed, outlook.code)
    by_day = time <= outlook.horizon_days
    lost = (code == CENSORED) & (time < outlook.horizon_days)
    events, competing = (int((by_day & (code == kind)).sum()) for kind in (EVENT, COMPETING))
    return Counts(
        events=events,
        competing=competing,
        free=len(timed) - events - competing - int(lost.sum()),
        censored=int(lost.sum()),
        untimed=len(first) - len(timed),
    )


def died_before(frame: pd.DataFrame, outlook: Outlook) -> pd.Series:
    """Return per row of the table of heads whether the patient died by the day without the event.

    Raises:
        CardioError: the endpoint's times are not in the table.
    """
    require(frame, [outlook.time, outlook.code])
    code = frame[outlook.code].astype("Float64").fillna(CENSORED).to_numpy(np.float64)
    time = frame[outlook.time].to_numpy(np.float64)
    return pd.Series((code == COMPETING) & (time <= outlook.horizon_days), index=frame.index)
