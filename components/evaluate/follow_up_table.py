"""Follow-up of the evaluated patients beside what two models say of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from components.core.metrics.resampling import RARE_PATIENTS
from components.core.schemas import OUTCOME_COLUMNS

# The network's logit, Cox regression, and the network's own survival head.
NETWORK, COX, HEAD = "network", "cox", "head"
TIME, CODE = OUTCOME_COLUMNS
KEYS = ["repeat", "fold", "patient_id"]


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """The evaluated patients with times, scores and risks.

    Attributes:
        each: one row per (repeat, fold, patient): `time_days`, `event_code`, the scores `network`
            and `cox`, and their risks `network@<day>`, `cox@<day>` at horizons and grid.
        pooled: one row per patient, averaged over repeats.
        horizons: ascending days with enough follow-up.
        left_out: horizons asked for without.
        grid: days of the integrated Brier score.
        missing: why a column is absent, by its name: `cox`, `network@` or `cox@`.
        untimed: records left out, since nothing is known of their follow-up.
        compared: whose scores were asked for; the first one is judged beside the second.
        by_day: of them, those who rank patients at a day by their risk by that day.
    """

    each: pd.DataFrame
    pooled: pd.DataFrame
    horizons: tuple[float, ...]
    left_out: tuple[float, ...]
    grid: tuple[float, ...]
    missing: dict[str, str]
    untimed: int
    compared: tuple[str, ...] = (NETWORK, COX)
    by_day: tuple[str, ...] = ()

    @property
    def folded(self) -> bool:
        """Return whether there are several folds."""
        return len(self.each[["repeat", "fold"]].drop_duplicates()) > 1

    @property
    def models(self) -> tuple[str, ...]:
        """Return whose scores there are."""
        return tuple(name for name in self.compared if name not in self.missing)

    def score_at(self, who: str, day: float) -> str:
        """Return the column that ranks patients at a day."""
        return f"{who}@{day:g}" if who in self.by_day else who


def reached(
    wanted: tuple[float, ...], tested: pd.DataFrame
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the horizons to which 20 patients were followed, and the others.

    Args:
        wanted: ascending days.
        tested: `patient_id` and `time_days`.
    """
    last = tested.groupby("patient_id")[TIME].first()
    enough = [day for day in wanted if int((last >= day).sum()) >= RARE_PATIENTS]
    return tuple(enough), tuple(day for day in wanted if day not in enough)


def averaged(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return one row per `keys`: mean of the scores; the first record's time and code.

    Args:
        frame: `repeat, fold, patient_id, time_days, event_code` and scores.
        keys: of the rows.
    """
    grouped = frame.groupby(keys, sort=True)
    scores = [c for c in frame if c not in {*KEYS, TIME, CODE}]
    return grouped[scores].mean().join(grouped[[TIME, CODE]].first()).reset_index()
