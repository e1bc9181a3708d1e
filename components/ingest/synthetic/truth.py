"""What was planted: probabilities and latents per recording, causes and leaks per cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from components.ingest.synthetic.block import Drawn, Rows
from components.ingest.synthetic.cohort import Cohort, draw_reference
from components.ingest.synthetic.identity import planted
from components.ingest.synthetic.mechanism import (
    DROP_POINTS,
    FEATURES,
    LOADING,
    SUBGROUP_GAIN,
    FloatArray,
    Mechanism,
    subgroup_gain,
    substrate_estimate,
    tabular_units,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.probability import ProbabilityModel
from components.ingest.synthetic.sensitivity import signal_share

VERSION = 1
INPUTS = ("p_ecg_tabular", "p_ecg", "p_tabular")
# The ECG-alone average moves by less than 1e-3 beyond this many reference patients.
_REFERENCE = 20_000
SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("patient_id", pa.string()),
        *((name, pa.float64()) for name in INPUTS),
        ("label_uncensored", pa.int8()),
        *((f"score_{name}", pa.float64()) for name in FEATURES),
        ("substrate_estimate", pa.float64()),
        ("vulnerability", pa.float64()),
        ("ecg_gain", pa.float64()),
        ("age", pa.float64()),
        ("sex", pa.string()),
        ("lvef_baseline", pa.float64()),
        ("lvef_visits", pa.list_(pa.float64())),
        ("nuisance", pa.string()),
        ("broken", pa.string()),
        ("duplicate_of", pa.string()),
    ]
)


class Oracle:
    """The true probabilities of every patient under `options`."""

    def __init__(self, options: SyntheticOptions) -> None:
        reference = draw_reference(_REFERENCE)
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
        estimate = substrate_estimate(drawn.scores)
        result = {name: np.empty(drawn.cohort.size) for name in INPUTS}
        for gain, model in self._models.items():
            rows = drawn.gain == gain
            members = drawn.cohort.take(rows)
            result["p_ecg_tabular"][rows] = model.ecg_tabular(members, estimate[rows])
            result["p_ecg"][rows] = model.ecg(estimate[rows])
            result["p_tabular"][rows] = model.tabular(members)
        return result


def truth_table(drawn: Drawn, rows: list[Rows], p: dict[str, FloatArray]) -> pa.Table:
    """Return the truth of one block's recordings."""
    at = np.array([row.patient for row in rows], dtype=np.int64)
    cohort, outcomes = drawn.cohort, drawn.outcomes
    scores = {f"score_{name}": drawn.scores[at, i] for i, name in enumerate(FEATURES)}
    columns: dict[str, Any] = {
        "recording_id": [row.manifest["recording_id"] for row in rows],
        "patient_id": [row.manifest["patient_id"] for row in rows],
        **{name: p[name][at] for name in INPUTS},
        "label_uncensored": outcomes.label_uncensored[at].astype(np.int8),
        **scores,
        "substrate_estimate": substrate_estimate(drawn.scores)[at],
        "vulnerability": cohort.vulnerability[at],
        "ecg_gain": drawn.gain[at],
        "age": cohort.age[at],
        "sex": np.where(cohort.female[at], "F", "M"),
        "lvef_baseline": cohort.lvef_baseline[at],
        "lvef_visits": list(outcomes.lvef[at]),
        "nuisance": [";".join(row.flags) for row in rows],
        "broken": [row.broken for row in rows],
        "duplicate_of": [row.duplicate_of for row in rows],
    }
    return pa.table(columns, schema=SCHEMA)


def summary(options: SyntheticOptions, tally: Tally) -> dict[str, Any]:
    """Return the content of `truth.json`."""
    mechanism = Mechanism.of(options)
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": options.model_dump(mode="json"),
        "task": "ctrcd",
        "horizon_days": 365,
        "ecg": {
            "scores": {name: {"loading": value} for name, value in LOADING.items()},
            **signal_share(),
        },
        "tabular": {
            "lvef_points": {k: mechanism.tabular * v for k, v in DROP_POINTS.items()},
            "log_odds": tabular_log_odds(options),
        },
        "vulnerability_lvef_points": mechanism.beta_v,
        "subgroup_gap": (
            None
            if options.subgroup_gap is None
            else {"subgroup": options.subgroup_gap, "ecg_gain": SUBGROUP_GAIN}
        ),
        "oracle_auroc": tally.oracle(),
        "counts": tally.counts(),
        "leaks": list(options.leaks),
        "broken_files": tally.broken,
        "duplicates": tally.duplicates,
        "planted_identifiers": planted(),
    }


def tabular_log_odds(options: SyntheticOptions) -> dict[str, float]:
    """Return the log-odds per unit of each tabular column, all else equal.

    The least-squares projection of the true tabular log-odds on the columns over the reference
    population; `lvef_baseline` is per point.
    """
    reference = draw_reference(_REFERENCE)
    columns = {**tabular_units(reference), "lvef_baseline": reference.lvef_baseline}
    model = ProbabilityModel.build(Mechanism.of(options), 1.0, reference.take(slice(0, 100)))
    p = np.clip(model.tabular(reference), 1e-9, 1 - 1e-9)
    design = np.column_stack([np.ones(reference.size), *columns.values()])
    found, *_ = np.linalg.lstsq(design, np.log(p / (1 - p)), rcond=None)
    return {name: round(float(value), 4) for name, value in zip(columns, found[1:], strict=True)}


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


__all__ = ["Cohort", "Oracle", "Tally", "auroc", "summary", "truth_table"]
