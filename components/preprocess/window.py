"""The ECG lies before or at the index date, and not too long before it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from components.core.config.sections import EcgConfig


def within_window(
    frame: pd.DataFrame, config: EcgConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records whose ECG lies in the window, and reject rows for the others.

    A record without `ecg_time` or `index_time` cannot be checked and stays.
    """
    if config.window_days is None:
        return frame, []
    before = (frame["index_time"] - frame["ecg_time"]).dt.total_seconds() / 86400
    late, early = before < 0, before > config.window_days
    far = f"the ECG was recorded more than {config.window_days:g} days before the index date"
    rejects = [_reject(r, "ecg_after_index", "the ECG was recorded after the index date")
               for r in frame[late].to_dict("records")]  # fmt: skip
    rejects += [_reject(r, "ecg_outside_window", far) for r in frame[early].to_dict("records")]
    return frame[~(late | early)].reset_index(drop=True), rejects


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
