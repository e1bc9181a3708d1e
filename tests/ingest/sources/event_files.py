"""A tiny table of stays with their events, one row per event or as lists in the stay's row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

# Hours from each event to the prediction, its type and its text.
COURSE = ((30, "prescription", "Heparin IV"), (5, "lab", "Lactate 2,1"), (1, "procedure", "Line"))
PREDICTION = pd.Timestamp("2024-03-02 12:00:00")
Rows = list[dict[str, Any]]


def stays(number: int = 3) -> Rows:
    """Return the rows of stays."""
    return [
        {"stay_id": f"s{i}", "patient_id": f"p{i}", "prediction_time": str(PREDICTION),
         "label": int(i == 0), "age": 60 + i}
        for i in range(number)
    ]  # fmt: skip


def events(number: int = 3) -> Rows:
    """Return the rows of events, those of all stays mixed and the last first."""
    return [
        {"stay_id": f"s{i}", "patient_id": f"p{i}", "event_type": kind, "event_text": text,
         "event_time": str(PREDICTION - pd.Timedelta(hours=hours))}
        for hours, kind, text in reversed(COURSE)
        for i in range(number)
    ]  # fmt: skip


def write_rows(folder: Path, own: Rows, happened: Rows, suffix: str = ".csv") -> dict[str, Any]:
    """Write both tables and return the options that name them."""
    for name, rows in (("stays", own), ("events", happened)):
        _write(folder / f"{name}{suffix}", pd.DataFrame(rows))
    return {"stays": f"stays{suffix}", "events": f"events{suffix}",
            "tabular": {"age": "numeric"}, "memory_gb": 1}  # fmt: skip


def write_lists(folder: Path, own: Rows, happened: Rows, suffix: str = ".csv") -> dict[str, Any]:
    """Write one table, whose rows hold their events as lists, and return the options."""
    names = ("event_time", "event_type", "event_text")
    rows: Rows = []
    for stay in own:
        mine = [row for row in happened if row["stay_id"] == stay["stay_id"]]
        lists = {name: [row[name] for row in mine] for name in names}
        if suffix != ".parquet":
            lists = {name: json.dumps(each) for name, each in lists.items()}
        rows.append(stay | lists)
    _write(folder / f"stays{suffix}", pd.DataFrame(rows))
    return {"stays": f"stays{suffix}", "events": "", "tabular": {"age": "numeric"}, "memory_gb": 1}


def _write(file: Path, frame: pd.DataFrame) -> None:
    if file.suffix == ".parquet":
        frame.to_parquet(file, index=False)
    else:
        frame.to_csv(file, index=False)
