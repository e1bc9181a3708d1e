"""What was planted: true chances per stay, which events moved them, and the cohort's figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.icu import mechanism, sheets
from components.ingest.synthetic.icu.draw import HOUR, Stays
from components.ingest.synthetic.icu.mechanism import NAMES, PLANTED
from components.ingest.synthetic.icu.probability import INPUTS, log_odds, shares
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import auroc

VERSION = 1
SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("patient_id", pa.string()),
        ("exit", pa.string()),  # `kept`, or why no prediction is made; chances are null then
        *((f"p_{name}", pa.float64()) for name in INPUTS),
        ("log_odds_events", pa.float64()),
        ("log_odds_static", pa.float64()),
        *((f"planted_{name}", pa.bool_()) for name in NAMES),  # within the window
        *((f"earlier_{name}", pa.bool_()) for name in NAMES),  # before it, without any risk
        ("severity_early", pa.float64()),
        ("severity_late", pa.float64()),
        ("died", pa.bool_()),
        ("hours_to_final_event", pa.float64()),  # from the prediction
        ("length_of_stay_days", pa.float64()),
    ]
)


def truth_table(stays: Stays, chances: dict[str, FloatArray]) -> pa.Table:
    """Return the truth of one block's stays; short stays earlier in an admission have no row."""
    events, static = log_odds(stays)
    columns: dict[str, Any] = {
        "recording_id": sheets.stay_id(stays).astype(str),
        "patient_id": sheets.subject_id(stays).astype(str),
        "exit": stays.exit,
        **{f"p_{name}": pa.array(own, from_pandas=True) for name, own in chances.items()},
        "log_odds_events": events,
        "log_odds_static": static,
        **{f"planted_{name}": stays.inside[:, k] for k, name in enumerate(NAMES)},
        **{f"earlier_{name}": stays.earlier[:, k] for k, name in enumerate(NAMES)},
        "severity_early": stays.early,
        "severity_late": stays.late,
        "died": stays.died,
        "hours_to_final_event": (stays.end - stays.prediction) / HOUR,
        "length_of_stay_days": (stays.out - stays.intime) / HOUR / 24.0,
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


class Tally:
    """Counts and best possible AUROCs of the kept stays, which grow block by block."""

    def __init__(self) -> None:
        self._chances: dict[str, list[FloatArray]] = {name: [] for name in INPUTS}
        self._died: list[FloatArray] = []
        self._planted = np.zeros((2, len(NAMES)), np.int64)
        self._exits: Counter[str] = Counter()
        self._patients = 0

    def add(self, stays: Stays, chances: dict[str, FloatArray]) -> None:
        """Add one block."""
        kept = stays.kept
        for name in INPUTS:
            self._chances[name].append(chances[name][kept])
        self._died.append(stays.died[kept].astype(np.float64))
        self._planted += [stays.inside[kept].sum(axis=0), stays.earlier[kept].sum(axis=0)]
        self._exits.update(stays.exit.tolist())
        self._patients += int((stays.number == 0).sum())

    def counts(self) -> dict[str, int]:
        """Return how many there are of what."""
        died = np.concatenate(self._died)
        return {
            "patients": self._patients,
            "stays": self._exits.total(),
            "deaths_of_kept": int(died.sum()),
            **dict(sorted(self._exits.items())),
        }

    def prevalence(self) -> float:
        """Return the share of the kept stays that ends in death."""
        died = np.concatenate(self._died)
        return round(float(died.mean()), 4) if len(died) else float("nan")

    def oracle(self) -> dict[str, float | None]:
        """Return the AUROC of the true chance by inputs (None: one class)."""
        died = np.concatenate(self._died)
        return {name: auroc(died, np.concatenate(own)) for name, own in self._chances.items()}

    def planted(self) -> list[dict[str, Any]]:
        """Return each planted event with its size, and in how many kept stays it is."""
        return [
            asdict(each) | {"stays_within": int(within), "stays_earlier": int(earlier)}
            for each, within, earlier in zip(PLANTED, *self._planted, strict=True)
        ]


def summary(options: SyntheticOptions, tally: Tally, rows: dict[str, int]) -> dict[str, Any]:
    """Return the content of `truth.json`.

    Args:
        options: what was asked for.
        tally: of all blocks.
        rows: written, by table.
    """
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": {"part": options.part, **options.told()},
        "task": "mortality",
        "prediction_hours": mechanism.HOURS,
        "planted": tally.planted(),
        "static": {
            "log_odds_a_year": mechanism.LOG_ODDS_A_YEAR,
            "age_centre": mechanism.AGE_CENTRE,
            "admission_type": {name: size for name, (_, size) in mechanism.ADMISSION_TYPES.items()},
        },
        "intercept": mechanism.INTERCEPT,
        "shares": shares(),
        "rates": {"mortality": tally.prevalence()},
        "oracle_auroc": tally.oracle(),
        "counts": tally.counts(),
        "rows": rows,
        "leaks": list(options.leaks),
        "planted_identifiers": [],
    }
