"""What was planted: probabilities and states per row, places of the causes per cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.identity import planted
from components.ingest.synthetic.loadings import FEATURES, Loadings
from components.ingest.synthetic.mechanism import substrate_estimate
from components.ingest.synthetic.media import disease, heart_sound, page
from components.ingest.synthetic.media.probability import HEAD, INPUTS, SUBSETS
from components.ingest.synthetic.media.survey import Examined, disease_of
from components.ingest.synthetic.media.tally import Tally
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.recordings import Rows
from components.ingest.synthetic.sensitivity import signal_share

VERSION = 1
PROBABILITIES = tuple(f"p_{HEAD}_{'_'.join(subset)}" for subset in SUBSETS)
_FILE_FACTS = [
    ("image_px_per_mm", pa.float64()),
    ("image_rotation_deg", pa.float64()),  # counter-clockwise about the middle of the page
    ("image_format", pa.string()),
    ("pcg_sites", pa.list_(pa.string())),  # in the order of the manifest's cell
    ("pcg_s1_s", pa.list_(pa.list_(pa.float64()))),  # per sound
    ("pcg_s2_s", pa.list_(pa.list_(pa.float64()))),
    ("pcg_nuisance", pa.string()),
]
SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("patient_id", pa.string()),
        *((name, pa.float64()) for name in PROBABILITIES),
        ("abnormal", pa.int8()),
        *((f"has_{name}", pa.bool_()) for name in INPUTS),
        *((f"score_{name}", pa.float64()) for name in (*FEATURES, "murmur", "s3")),
        ("substrate_estimate", pa.float64()),
        ("vulnerability", pa.float64()),
        ("valve", pa.float64()),
        ("age", pa.float64()),
        ("sex", pa.string()),
        ("lvef_baseline", pa.float64()),
        *_FILE_FACTS,
        ("nuisance", pa.string()),
        ("broken", pa.string()),
        ("duplicate_of", pa.string()),
    ]
)


def truth_table(examined: Examined, rows: list[Rows], p: dict[str, FloatArray]) -> pa.Table:
    """Return the truth of one block's rows."""
    at = np.array([row.patient for row in rows], dtype=np.int64)
    drawn, condition = examined.drawn, examined.condition
    columns: dict[str, Any] = {
        "recording_id": [row.manifest["recording_id"] for row in rows],
        "patient_id": [row.manifest["patient_id"] for row in rows],
        **{name: p[name.removeprefix(f"p_{HEAD}_")][at] for name in PROBABILITIES},
        "abnormal": condition.abnormal[at].astype(np.int8),
        **{f"has_{name}": examined.presence.there[name][at] for name in INPUTS},
        **{f"score_{name}": drawn.scores[at, i] for i, name in enumerate(FEATURES)},
        "score_murmur": condition.murmur[at],
        "score_s3": condition.s3[at],
        "substrate_estimate": substrate_estimate(drawn.scores, drawn.loadings)[at],
        "vulnerability": drawn.cohort.vulnerability[at],
        "valve": condition.valve[at],
        "age": drawn.cohort.age[at],
        "sex": np.where(drawn.cohort.female[at], "F", "M"),
        "lvef_baseline": drawn.cohort.lvef_baseline[at],
        **{name: [row.manifest[name] for row in rows] for name, _ in _FILE_FACTS},
        "nuisance": [";".join(row.flags) for row in rows],
        "broken": [row.broken for row in rows],
        "duplicate_of": [row.duplicate_of for row in rows],
    }
    return pa.table(columns, schema=SCHEMA)


def summary(options: SyntheticOptions, tally: Tally) -> dict[str, Any]:
    """Return the content of `truth.json`."""
    loadings, own = Loadings.of(options.ecg_scores), disease_of(options)
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": options.told(),
        "task": HEAD,
        "ecg": {"scores": loadings.told(), **signal_share(loadings)},
        "ecg_image": _image(loadings),
        "pcg": _sound(),
        "tabular": {
            "liability": own.clinical,
            "units": {"age": "decade", "bmi": "5 kg/m2", "lvef_baseline": "5 points lower"},
        },
        "liability": {"vulnerability": own.beta_v, "valve": own.beta_q, "threshold": own.threshold},
        "subgroup_gap": None,
        "oracle_auroc": tally.oracle(),
        "counts": tally.counts(),
        "leaks": list(options.leaks),
        "broken_files": tally.broken,
        "duplicates": tally.near_copies,
        "planted_identifiers": planted(),
    }


def _image(loadings: Loadings) -> dict[str, Any]:
    """Return where on the page which lead lies and how much of the signal it holds.

    III, aVR, aVL and aVF follow from I and II: the table of signal per lead knows I and II alone.
    """
    boxes = page.boxes()
    share: dict[str, dict[str, float]] = signal_share(loadings)["signal_share"]
    per_lead = {lead: round(sum(cells.values()), 4) for lead, cells in share.items()}
    return {
        "page_mm": [page.WIDTH_MM, page.HEIGHT_MM],
        "mm_per_s": page.MM_PER_S,
        "mm_per_mv": page.MM_PER_MV,
        "boxes": boxes,
        "starts_s": {
            name: each.start_s for name, each in zip(page.strip_names(), page.strips(), strict=True)
        },
        "signal_share": per_lead,
        "causal": [lead for lead, value in per_lead.items() if value > 1.0 / len(per_lead)],
    }


def _sound() -> dict[str, Any]:
    """Return when in a beat and in which band the signal lies."""
    return {
        "loading": {"murmur": disease.MURMUR_LOADING, "s3": disease.S3_LOADING},
        "murmur": {
            "from": "pcg_s1_s",
            "to": "pcg_s2_s",
            "hz": list(heart_sound.MURMUR_HZ),
            "loudest_at": "MV",
        },
        "s3": {
            "from": "pcg_s2_s",
            "after_s": [heart_sound.S3_DELAY, heart_sound.S3_DELAY + heart_sound.S3_WIDTH],
            "hz": list(heart_sound.S3_HZ),
        },
    }
