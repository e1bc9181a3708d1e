"""The true probabilities of a cohort, and the AUROC that nothing can beat."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import (
    FloatArray,
    Mechanism,
    subgroup_gain,
    substrate_estimate,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.probability import ProbabilityModel
from components.ingest.synthetic.recordings import Drawn, Rows

INPUTS = ("p_ecg_tabular", "p_ecg", "p_tabular")
# The ECG-alone average moves by less than 1e-3 beyond this many reference patients.
REFERENCE = 20_000


class Oracle:
    """The true probabilities of every patient under `options`."""

    def __init__(self, options: SyntheticOptions) -> None:
        reference = draw_reference(REFERENCE)
        gains = subgroup_gain(reference, options.subgroup_gap)
        mechanism = Mechanism.of(options)
        self._models = {
            float(gain): ProbabilityModel.build(
                mechanism, float(gain), reference.take(gains == gain)
            )
            for gain in np.unique(gains)
        }

    def probabilities(self, drawn: Drawn) -> dict[str, FloatArray]:
        """Return P(label = 1) per input set, each `[patients]`.

        In a planted subgroup gap the ECG-alone figure knows the subgroup.
        """
        estimate = substrate_estimate(drawn.scores, drawn.loadings)
        result = {name: np.empty(drawn.cohort.size) for name in INPUTS}
        for gain, model in self._models.items():
            rows = drawn.gain == gain
            members = drawn.cohort.take(rows)
            result["p_ecg_tabular"][rows] = model.ecg_tabular(members, estimate[rows])
            result["p_ecg"][rows] = model.ecg(estimate[rows])
            result["p_tabular"][rows] = model.tabular(members)
        return result


class Tally:
    """Patient-level figures that grow block by block (a few numbers per patient)."""

    def __init__(self) -> None:
        self._p: dict[str, list[FloatArray]] = {name: [] for name in INPUTS}
        self._true: list[FloatArray] = []
        self._label: list[FloatArray] = []
        self._recordings = 0
        self.broken: list[dict[str, str]] = []
        self.duplicates: list[dict[str, str]] = []

    def add(self, drawn: Drawn, rows: list[Rows], p: dict[str, FloatArray]) -> None:
        """Add one block."""
        used = max(row.patient for row in rows) + 1
        for name in INPUTS:
            self._p[name].append(p[name][:used])
        self._true.append(drawn.outcomes.label_uncensored[:used])
        self._label.append(drawn.outcomes.label[:used])
        self._recordings += len(rows)
        for row in rows:
            name = row.manifest["recording_id"]
            if row.broken:
                self.broken.append({"recording_id": name, "kind": row.broken})
            if row.duplicate_of:
                self.duplicates.append({"recording_id": name, "duplicate_of": row.duplicate_of})

    def oracle(self) -> dict[str, float | None]:
        """Return the AUROC of each true probability over patients (None with one class)."""
        label = np.concatenate(self._true)
        return {
            name.removeprefix("p_"): auroc(label, np.concatenate(values))
            for name, values in self._p.items()
        }

    def counts(self) -> dict[str, int]:
        """Return patients, recordings, events and undetermined labels."""
        label = np.concatenate(self._label)
        return {
            "patients": len(label),
            "recordings": self._recordings,
            "events": int(np.nansum(label)),
            "censored": int(np.isnan(label).sum()),
            "events_uncensored": int(np.concatenate(self._true).sum()),
        }


def auroc(label: FloatArray, score: FloatArray) -> float | None:
    """Return the Mann-Whitney AUROC of `score` for `label` 1, rounded to 1e-4."""
    positive = label == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if n1 == 0 or n0 == 0:
        return None
    u = rankdata(score)[positive].sum() - n1 * (n1 + 1) / 2
    return round(float(u / (n1 * n0)), 4)
