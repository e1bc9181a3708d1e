"""The ECG lies before or at the index date, and not too long before it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from components.core.config.sections import EcgConfig
from components.core.progress import say


def within_window(
    frame: pd.DataFrame, config: EcgConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records whose ECG lies in the window, and reject rows for the others.

    Every ECG of a patient is judged by itself. Where either time is a bare date (midnight) the two
    are compared as calendar days, so that an ECG of the index date itself counts as at it. A record
    without `ecg_time` or `index_time` cannot be checked and stays; their number is said.
    """
    if config.window_days is None:
        return frame, []
    before = days_before(frame["ecg_time"], frame["index_time"])
    late, early = before < 0, before > config.window_days
    far = f"the ECG was recorded more than {config.window_days:g} days before the index date"
    rejects = [_reject(r, "ecg_after_index", "the ECG was recorded after the index date")
               for r in frame[late].to_dict("records")]  # fmt: skip
    rejects += [_reject(r, "ecg_outside_window", far) for r in frame[early].to_dict("records")]
    unknown = int(before.isna().sum())
    if unknown:
        say(
            f"note: {unknown} of {len(frame)} ECGs have no ecg_time or no index_time; that they "
            "were recorded before the index date is taken on trust"
        )
    return frame[~(late | early)].reset_index(drop=True), rejects


def days_before(time: pd.Series, index: pd.Series) -> pd.Series:
    """Return how many days `time` lies before `index`; whole ones where either is a bare date."""
    exact = (index - time).dt.total_seconds() / 86400
    whole = (index.dt.normalize() - time.dt.normalize()).dt.days
    bare = time.eq(time.dt.normalize()) | index.eq(index.dt.normalize())
    return exact.mask(bare, whole.astype("float64"))


def _reject(row: dict[Any, Any], code: str, reason: str) -> dict[str, Any]:
    return {
        "file": "",
        "row": int(row["row"]),
        "field": "ecg_time",
        "value": str(row["ecg_time"]),
        "code": code,
        "reason": reason,
        "advice": "use the last ECG before therapy, or change preprocess.ecg.window_days",
    }
