"""What was planted in the surveillance part: probabilities and states per recording, causes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.identity import planted
from components.ingest.synthetic.loadings import ALL, FEATURES
from components.ingest.synthetic.mechanism import substrate_estimate
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.recordings import Rows
from components.ingest.synthetic.sensitivity import signal_share
from components.ingest.synthetic.surveillance import hazards, phrases, state
from components.ingest.synthetic.surveillance.probability import HEADS, INPUTS, LVEF_CUTOFF
from components.ingest.synthetic.surveillance.substrate import RHO
from components.ingest.synthetic.surveillance.tally import Tally
from components.ingest.synthetic.surveillance.visit import Surveyed

IntArray = npt.NDArray[np.int64]

VERSION = 1
PROBABILITIES = tuple(f"{head}_{inputs}" for head in HEADS for inputs in INPUTS)
SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("patient_id", pa.string()),
        *((f"p_{name}", pa.float64()) for name in PROBABILITIES),
        ("lvef_true", pa.float64()),
        ("lvef_low", pa.int8()),  # of the paired echo; null where there is none
        ("event_day_uncensored", pa.float64()),  # from the first ECG; inf = death comes first
        ("death_day_uncensored", pa.float64()),
        ("risk_true", pa.string()),
        ("risk_annotated", pa.string()),
        ("incidence_365", pa.float64()),  # true, given LVEF and tabular columns
        ("snr_db", pa.float64()),
        ("quality_true", pa.string()),
        *((f"score_{name}", pa.float64()) for name in FEATURES),
        ("substrate_estimate", pa.float64()),
        ("findings", pa.list_(pa.int8())),  # 0 silent, 1 asserted, 2 negated; null without a note
        ("age", pa.float64()),
        ("sex", pa.string()),
        ("lvef_baseline", pa.float64()),
        ("nuisance", pa.string()),
        ("broken", pa.string()),
        ("duplicate_of", pa.string()),
    ]
)


def truth_table(
    surveyed: Surveyed, rows: list[Rows], p: dict[str, FloatArray], labels: dict[str, FloatArray]
) -> pa.Table:
    """Return the truth of one block's recordings."""
    at = np.array([row.patient for row in rows], dtype=np.int64)
    cohort, future = surveyed.drawn.cohort, surveyed.future
    categories = np.array(hazards.CATEGORIES)
    rates = hazards.hazards(cohort, surveyed.state.lvef)
    columns: dict[str, Any] = {
        "recording_id": [row.manifest["recording_id"] for row in rows],
        "patient_id": [row.manifest["patient_id"] for row in rows],
        **{f"p_{name}": p[name][at] for name in PROBABILITIES},
        "lvef_true": surveyed.state.lvef[at],
        "lvef_low": pa.array(labels["lvef"][at], from_pandas=True).cast(pa.int8()),
        "event_day_uncensored": future.event[at],
        "death_day_uncensored": future.death[at],
        "risk_true": categories[future.category[at]],
        "risk_annotated": categories[future.annotated[at]],
        "incidence_365": hazards.incidence(rates, 365.0)[at],
        **_recording_columns(surveyed, rows, at),
        "age": cohort.age[at],
        "sex": np.where(cohort.female[at], "F", "M"),
        "lvef_baseline": cohort.lvef_baseline[at],
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _recording_columns(surveyed: Surveyed, rows: list[Rows], at: IntArray) -> dict[str, Any]:
    scores, findings = surveyed.drawn.scores, surveyed.findings
    return {
        "snr_db": [row.manifest["snr_db"] for row in rows],
        "quality_true": [row.manifest["quality_true"] for row in rows],
        **{f"score_{name}": scores[at, i] for i, name in enumerate(FEATURES)},
        "substrate_estimate": substrate_estimate(scores)[at],
        "findings": [
            findings.status[i].tolist() if findings.has_note[i] else None for i in at.tolist()
        ],
        "nuisance": [";".join(row.flags) for row in rows],
        "broken": [row.broken for row in rows],
        "duplicate_of": [row.duplicate_of for row in rows],
    }


def summary(options: SyntheticOptions, tally: Tally) -> dict[str, Any]:
    """Return the content of `truth.json`."""
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": {"part": options.part, **options.told()},
        "task": "heads",
        "lvef_cutoff": LVEF_CUTOFF,
        "horizons_days": list(hazards.HORIZONS),
        "ecg": {
            "loading_on_burden": RHO,
            "scores": ALL.told(),
            **signal_share(),
        },
        "text": _text(tally),
        "effects": _effects(),
        "rates": tally.rates(),
        "oracle_auroc": tally.oracle(),
        "counts": tally.counts(),
        "leaks": [],
        "broken_files": tally.broken,
        "duplicates": tally.duplicates,
        "planted_identifiers": planted(),
    }


def _text(tally: Tally) -> dict[str, Any]:
    listed = {
        each.name: {
            "log_odds": each.log_odds,
            "at_zero": each.at_zero,
            "kind": each.kind,
            "forms": list(each.forms),
        }
        for each in phrases.PHRASES
    }
    return {
        "phrases": listed,
        "negated": {
            "log_odds": -phrases.NEGATED_LOG_ODDS,
            "at_zero": phrases.NEGATED_AT_ZERO,
        },
        "no_note": {"log_odds": phrases.NO_NOTE_LOG_ODDS, "at_zero": phrases.NO_NOTE_AT_ZERO},
        "ef_mentions": {"count": tally.forms.total(), "forms": dict(sorted(tally.forms.items()))},
    }


def _effects() -> dict[str, Any]:
    return {
        "burden": {"centre_lvef": state.BURDEN_CENTRE, "points_per_unit": state.BURDEN_SCALE},
        "late_component": {
            "regression": state.REGRESSION,
            "centre": state.CENTRE,
            "mean": state.LATE_MEAN,
            "sd": state.LATE_SD,
        },
        "event_log_hazard": {"burden": hazards.EVENT_BURDEN, **hazards.EVENT_LOG_RATIO},
        "event_yearly_at_zero": hazards.EVENT_YEARLY,
        "death_log_hazard": {"burden": hazards.DEATH_BURDEN},
        "risk_thresholds": list(hazards.THRESHOLDS),
        "risk_annotator_error": hazards.ANNOTATOR_ERROR,
    }
