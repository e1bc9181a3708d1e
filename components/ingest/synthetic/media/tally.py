"""Patient-level figures of the cohort of pictures and sounds that grow block by block."""

from __future__ import annotations

from collections import Counter

import numpy as np

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.media.columns import IMAGE, SOUND
from components.ingest.synthetic.media.probability import INPUTS
from components.ingest.synthetic.media.survey import Examined
from components.ingest.synthetic.oracle import auroc
from components.ingest.synthetic.recordings import Rows


class Tally:
    """Counts and oracle AUROCs."""

    def __init__(self) -> None:
        self._p: dict[str, list[FloatArray]] = {}
        self._label: list[FloatArray] = []
        self._counts: Counter[str] = Counter()
        self.broken: list[dict[str, str]] = []
        self.near_copies: list[dict[str, str]] = []

    def add(self, examined: Examined, rows: list[Rows], p: dict[str, FloatArray]) -> None:
        """Add one block."""
        used = np.unique([row.patient for row in rows])
        for name, values in p.items():
            self._p.setdefault(name, []).append(values[used])
        self._label.append(examined.condition.abnormal[used].astype(np.float64))
        for name in INPUTS:
            self._counts[f"without_{name}"] += int((~examined.presence.there[name][used]).sum())
        for row in rows:
            self._add_row(row)

    def _add_row(self, row: Rows) -> None:
        name = row.manifest["recording_id"]
        self._counts["rows"] += 1
        self._counts["images"] += bool(row.manifest[IMAGE])
        self._counts["sounds"] += len([part for part in row.manifest[SOUND].split(";") if part])
        if row.broken:
            self.broken.append({"recording_id": name, "kind": row.broken})
        if row.duplicate_of:
            self.near_copies.append({"recording_id": name, "copy_of": row.duplicate_of})

    def counts(self) -> dict[str, int]:
        """Return how many there are of what."""
        label = np.concatenate(self._label)
        own = {"patients": len(label), "abnormal": int(label.sum())}
        return own | dict(sorted(self._counts.items()))

    def oracle(self) -> dict[str, float | None]:
        """Return the AUROC of each true probability over patients (None with one class)."""
        label = np.concatenate(self._label)
        return {name: auroc(label, np.concatenate(values)) for name, values in self._p.items()}
