"""What was planted: probabilities and latents per recording, causes and leaks per cohort."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import logit

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.identity import planted
from components.ingest.synthetic.loadings import Loadings
from components.ingest.synthetic.mechanism import (
    DROP_POINTS,
    FEATURES,
    SUBGROUP_GAIN,
    FloatArray,
    Mechanism,
    substrate_estimate,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import INPUTS, REFERENCE, Tally
from components.ingest.synthetic.probability import ProbabilityModel
from components.ingest.synthetic.recordings import Drawn, Rows
from components.ingest.synthetic.sensitivity import signal_share

VERSION = 1
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
        "substrate_estimate": substrate_estimate(drawn.scores, drawn.loadings)[at],
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
    mechanism, loadings = Mechanism.of(options), Loadings.of(options.ecg_scores)
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": options.told(),
        "task": "ctrcd",
        "horizon_days": 365,
        "ecg": {
            "scores": loadings.told(),
            **signal_share(loadings),
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
    """Return the log-odds that one unit more of each tabular column adds, all else equal.

    The mean over the reference population of the difference between the true tabular log-odds
    with and without the unit; units as in `DROP_POINTS`, `lvef_baseline` per point.
    """
    reference = draw_reference(REFERENCE)
    mechanism = Mechanism.of(options)
    model = ProbabilityModel.build(mechanism, 1.0, reference.take(slice(0, 100)))
    base = logit(model.tabular(reference))
    found = {
        name: logit(model.tabular(reference, extra_drop=mechanism.tabular * points)) - base
        for name, points in DROP_POINTS.items()
    }
    higher = replace(reference, lvef_baseline=np.minimum(reference.lvef_baseline + 1.0, 76.0))
    found["lvef_baseline"] = logit(model.tabular(higher)) - base
    return {name: round(float(change.mean()), 4) for name, change in found.items()}
