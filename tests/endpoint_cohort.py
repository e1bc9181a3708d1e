"""A small tabular cohort whose patients may die, and relapse before: two endpoints, one source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.config.base import Frozen
from components.core.store import Stage
from components.ingest.records import Endpoint, Record
from tests.chain import ingest_config, ingested

# What of each patient is known, in days: death, relapse and last contact.
HORIZON, RELAPSE_HORIZON = 1000.0, 400.0
LABEL: dict[str, Any] = {"name": "death", "horizon_days": HORIZON, "censoring": "ipcw"}
HEADS: dict[str, Any] = {
    "death": {"kind": "binary"},
    "relapse": {"kind": "binary", "endpoint": "relapse", "horizon_days": RELAPSE_HORIZON},
    "relapse_time": {"kind": "survival", "endpoint": "relapse", "horizons_days": [100, 400, 800]},
}
SPLIT: dict[str, Any] = {"method": "holdout"}


def record(number: int, **more: Any) -> Record:
    """Return a patient with one number, followed for 2,000 days unless told otherwise."""
    plain: dict[str, Any] = {
        "record_id": f"r{number:04d}", "patient_id": f"p{number:04d}", "row": number + 2,
        "label": None, "followup_days": 2000.0, "tabular": {"x": float(number % 7)},
    }  # fmt: skip
    return Record(**(plain | more))


def patient(number: int, *, death: float, relapse: float, last: float, x: float) -> Record:
    """Return a patient whose course is seen until the last contact."""
    died = death if death <= last else None
    end = min(death, last)
    own = Endpoint(
        event_time_days=relapse if relapse <= end else None,
        death_days=died if died is not None and relapse > end else None,
        followup_days=end,
    )
    return record(
        number, event_time_days=died, followup_days=end, endpoints={"relapse": own},
        tabular={"x": x},
    )  # fmt: skip


def patients(count: int = 200, *, seed: int = 0) -> list[Record]:
    """Return patients in whom `x` brings both death and relapse nearer."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    death = rng.exponential(1500 * np.exp(-x))
    relapse = rng.exponential(900 * np.exp(-x))
    last = rng.uniform(100, 3000, count)
    days = np.ceil(np.stack([death, relapse, last]))
    return [
        patient(i, death=d, relapse=r, last=e, x=float(x[i]))
        for i, (d, r, e) in enumerate(days.T.tolist())
    ]


class _Source:
    NAME = "endpoints"

    class Options(Frozen):
        """None."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)

    def read(self, path: Path, options: object) -> Iterator[Record]:
        del path, options
        yield from self._records

    def features(self, path: Path, options: object) -> dict[str, str]:
        del path, options
        return {"x": "numeric"}


def ingested_records(
    records: Iterable[Record], folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Stage:
    """Return the ingest stage of records that no file brings."""
    own = _Source(records)
    monkeypatch.setattr("components.ingest.run.source", lambda _: own)
    return ingested(ingest_config("endpoints", folder, max_reject_rate=0.9, **more))
