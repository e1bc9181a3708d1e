"""One batch and how far it is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.serve.schema import State
from components.serve.shelf import Served

# In the folder of a batch.
RESULT, TABLE, ARCHIVE, FILES = "result.csv", "table.csv", "files.zip", "files"


@dataclass(eq=False)
class Job:
    """A batch.

    Attributes:
        id: that nobody can guess.
        served: version that answers all of it.
        folder: of its files.
        status: how far it is.
        rows: of the table; None until it has been counted.
        done: rows answered or refused.
        refused: rows that could not be answered.
        abstained: rows that the model abstained from.
        detail: why it failed.
        started: when the first row was taken up; None before.
        ended: when it ended; None before.
        task: that runs it.
        suspect: whether a process was stopped for one of its rows.
    """

    id: str
    served: Served
    folder: Path
    status: State = "queued"
    rows: int | None = None
    done: int = 0
    refused: int = 0
    abstained: int = 0
    detail: str = ""
    started: float | None = None
    ended: float | None = None
    task: asyncio.Task[None] | None = None
    suspect: bool = False

    @property
    def open(self) -> bool:
        """Return whether it has not ended."""
        return self.ended is None

    def told(self, keep_s: float) -> dict[str, Any]:
        """Return the batch as `components.serve.schema.Job` has it."""
        now = time.monotonic()
        spent = (self.ended or now) - (self.started or now)
        rate = self.done / spent if spent > 0 and self.done else None
        left = None
        if self.status == "running" and rate is not None and self.rows is not None:
            left = (self.rows - self.done) / rate
        ready = self.status == "done"
        return {
            "id": self.id, "model": self.served.model, "version": self.served.version,
            "status": self.status, "rows": self.rows, "done": self.done,
            "refused": self.refused, "abstained": self.abstained, "per_second": rate,
            "seconds_left": left, "detail": self.detail,
            "result": f"/predict/batch/{self.id}/result" if ready else None,
            "kept_seconds": max(0.0, keep_s - (now - self.ended)) if self.ended else None,
        }  # fmt: skip
