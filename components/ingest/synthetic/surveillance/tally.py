"""Patient-level figures of the surveillance part that grow block by block."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.oracle import auroc
from components.ingest.synthetic.recordings import Rows
from components.ingest.synthetic.surveillance.hazards import HORIZONS
from components.ingest.synthetic.surveillance.notes import Note
from components.ingest.synthetic.surveillance.probability import HEADS, INPUTS, LVEF_CUTOFF
from components.ingest.synthetic.surveillance.visit import Surveyed


def head_labels(surveyed: Surveyed, measured: FloatArray) -> dict[str, FloatArray]:
    """Return the binary view of every head that nobody's loss to follow-up hides, `[patients]`.

    `measured` is the LVEF of the paired echo, NaN where there is none: so is the head's label then.
    """
    future = surveyed.future
    low = np.where(np.isnan(measured), np.nan, measured < LVEF_CUTOFF)
    days = {f"survival_{d}d": (future.event <= d).astype(np.float64) for d in HORIZONS[:-1]}
    survival = (future.event <= HORIZONS[-1]).astype(np.float64)
    high = (future.annotated == 2).astype(np.float64)
    return {"lvef": low, "survival": survival, "risk": high, **days}


class Tally:
    """Counts and oracle AUROCs of those who come back."""

    def __init__(self) -> None:
        self._p: dict[str, list[FloatArray]] = {}
        self._labels: dict[str, list[FloatArray]] = {name: [] for name in HEADS}
        self._counts: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.broken: list[dict[str, str]] = []
        self.duplicates: list[dict[str, str]] = []

    def add(
        self,
        surveyed: Surveyed,
        rows: list[Rows],
        p: dict[str, FloatArray],
        labels: dict[str, FloatArray],
    ) -> None:
        """Add one block."""
        there = np.unique([row.patient for row in rows])
        for name, values in p.items():
            self._p.setdefault(name, []).append(values[there])
        for name, values in labels.items():
            self._labels[name].append(values[there])
        self._counts["patients"] += len(there)
        self._counts["recordings"] += len(rows)
        self._counts["patients_without_note"] += int((~surveyed.findings.has_note[there]).sum())
        for row in rows:
            self._add_row(row)

    def _add_row(self, row: Rows) -> None:
        name = row.manifest["recording_id"]
        self._counts["unacceptable_annotated"] += row.manifest["quality"] == "unacceptable"
        self._counts["unacceptable_true"] += row.manifest["quality_true"] == "unacceptable"
        if row.broken:
            self.broken.append({"recording_id": name, "kind": row.broken})
        if row.duplicate_of:
            self.duplicates.append({"recording_id": name, "duplicate_of": row.duplicate_of})

    def add_note(self, note: Note) -> None:
        """Add one note."""
        self._counts["notes"] += 1
        self._counts["notes_after_echo"] += note.after
        if note.form:
            self._counts["ef_mentions"] += 1
            self.forms[note.form] += 1

    def counts(self) -> dict[str, int]:
        """Return how many there are of what."""
        return dict(sorted(self._counts.items()))

    def rates(self) -> dict[str, float]:
        """Return the share of positives per head, among the known."""
        labels = {name: np.concatenate(values) for name, values in self._labels.items()}
        return {
            name: round(float(np.nanmean(values)), 4) if np.isfinite(values).any() else float("nan")
            for name, values in labels.items()
        }

    def oracle(self) -> dict[str, dict[str, Any]]:
        """Return the AUROC of the true probability per head and input set (None with one class)."""
        found: dict[str, dict[str, Any]] = {}
        for head in HEADS:
            label = np.concatenate(self._labels[head])
            known = np.isfinite(label)
            found[head] = {
                inputs: auroc(label[known], np.concatenate(self._p[f"{head}_{inputs}"])[known])
                for inputs in INPUTS
            }
        return found
