"""What was planted: true chances per patient, and the best possible figures of the cohort."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import logit

from components.core.modalities import EMBEDDED, short_name
from components.core.planted_factors import PlantedFactors
from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.embeddings import mechanism
from components.ingest.synthetic.embeddings.draw import Patients
from components.ingest.synthetic.embeddings.files import patient_id
from components.ingest.synthetic.embeddings.probability import HEADS, HORIZONS, SUBSETS
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import auroc

VERSION = 1
_COUNTED = (
    "patients", "nothing_left", "censored_before_5_years", "not_finite",
    *(f"with_{name}" for name in EMBEDDED),
)  # fmt: skip
_GIVEN = ("factors", "full", *("_".join(subset) for subset in SUBSETS))
# The heads of times answer the same question at their last horizon.
_ALL = "_".join(EMBEDDED)
_TIMED = tuple(f"{head}_time" for head in HEADS)
SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("patient_id", pa.string()),
        *((f"p_{head}_{given}", pa.float64()) for head in HEADS for given in _GIVEN),
        *((f"p_{head}_{_ALL}", pa.float64()) for head in _TIMED),
        *((f"has_{name}", pa.bool_()) for name in EMBEDDED),
        ("broken", pa.string()),  # the embedding that holds an entry that is no number
        ("patches", pa.int64()),
        ("death_day_uncensored", pa.float64()),
        ("recurrence_day_uncensored", pa.float64()),  # inf = death comes first
        ("log_hazard_death", pa.float64()),
        ("log_hazard_recurrence", pa.float64()),
    ]
)


def truth_table(
    planted: PlantedFactors, patients: Patients, chances: dict[str, FloatArray]
) -> pa.Table:
    """Return the truth of one block's patients."""
    ids = [patient_id(int(each)) for each in patients.index]
    broken = [
        next((name for name in EMBEDDED if patients.broken[name][row]), "")
        for row in range(patients.size)
    ]
    columns: dict[str, Any] = {
        # As the source names records: by the line of the table of outcomes.
        "recording_id": [f"row-{each + 2}" for each in patients.index.tolist()],
        "patient_id": ids,
        **{
            f"p_{head}_{given}": chances[given][:, place]
            for place, head in enumerate(HEADS)
            for given in _GIVEN
        },
        **{f"p_{head}_{_ALL}": chances[_ALL][:, place] for place, head in enumerate(_TIMED)},
        **{f"has_{name}": patients.there[name] for name in EMBEDDED},
        "broken": broken,
        "patches": patients.patches,
        "death_day_uncensored": patients.course.death,
        "recurrence_day_uncensored": patients.course.recurrence,
        "log_hazard_death": patients.factors @ planted.risks[mechanism.DEATH],
        "log_hazard_recurrence": patients.factors @ planted.risks[mechanism.RECURRENCE],
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


class Tally:
    """Counts and best possible AUROCs, which grow block by block."""

    def __init__(self) -> None:
        self._chances: dict[str, list[FloatArray]] = {name: [] for name in _GIVEN}
        self._events: list[FloatArray] = []
        self._counts: Counter[str] = Counter()

    def add(self, patients: Patients, chances: dict[str, FloatArray]) -> None:
        """Add one block; those without any embedding are no part of the figures."""
        usable = np.stack([patients.usable(name) for name in EMBEDDED])
        some = usable.any(axis=0)
        for name in _GIVEN:
            self._chances[name].append(chances[name][some])
        days = np.stack([patients.course.death, patients.course.recurrence], axis=1)
        self._events.append((days <= HORIZONS)[some].astype(np.float64))
        censored = patients.course.last < np.minimum(patients.course.death, HORIZONS[0])
        self._counts += Counter(
            patients=patients.size,
            nothing_left=int((~some).sum()),
            censored_before_5_years=int(censored[some].sum()),
            not_finite=int(sum(each.sum() for each in patients.broken.values())),
        )
        for name in EMBEDDED:
            self._counts[f"with_{name}"] += int(patients.there[name].sum())

    def counts(self) -> dict[str, int]:
        """Return how many there are of what."""
        # Not the items: a Counter's sum drops what was counted as zero.
        return {name: self._counts[name] for name in _COUNTED}

    def rates(self) -> dict[str, float]:
        """Return the share of events by the horizon, had nobody been censored."""
        events = np.concatenate(self._events)
        return {
            head: round(float(events[:, place].mean()), 4) if len(events) else float("nan")
            for place, head in enumerate(HEADS)
        }

    def oracle(self) -> dict[str, dict[str, float | None]]:
        """Return the AUROC of the true chance per head and what it is given (None: one class)."""
        events = np.concatenate(self._events)
        return {
            head: {
                name: auroc(events[:, place], np.concatenate(self._chances[name])[:, place])
                for name in _GIVEN
            }
            for place, head in enumerate(HEADS)
        }


def log_odds_slopes() -> dict[str, dict[str, float]]:
    """Return head → endpoint → change of its log-odds per unit of that log hazard, both being 0.

    Death competes with recurrence, so that its hazard lowers the chance of that.
    """
    step = 1e-4
    around = step * np.array([[[1.0, 0.0], [-1.0, 0.0]], [[0.0, 1.0], [0.0, -1.0]]])
    logits = logit(mechanism.incidences(around, HORIZONS))
    slopes = (logits[:, 0] - logits[:, 1]) / (2 * step)
    found = {
        head: {
            endpoint: round(float(slopes[row, column]), 6)
            for row, endpoint in enumerate((mechanism.DEATH, mechanism.RECURRENCE))
        }
        for column, head in enumerate(HEADS)
    }
    return found | {timed: found[head] for timed, head in zip(_TIMED, HEADS, strict=True)}


def summary(options: SyntheticOptions, tally: Tally) -> dict[str, Any]:
    """Return the content of `truth.json`."""
    return {
        "version": VERSION,
        "seed": options.seed,
        "options": {"part": options.part, **options.told()},
        "task": "hcat",
        "horizons_days": dict(zip(HEADS, HORIZONS, strict=True)),
        "widths": {
            short_name(name): width
            for name, width in zip(EMBEDDED, options.emb_widths, strict=True)
        },
        "factors": {
            "shared": mechanism.SHARED,
            "private": mechanism.PRIVATE,
            "dependence": options.emb_dependence,
            "shares": dict(zip(("factors", "private", "noise"), mechanism.SHARES, strict=True)),
        },
        "missing": {"share": options.emb_missing, "not_at_random": mechanism.NOT_AT_RANDOM,
                    "probit_per_sd_of_log_hazard": -mechanism.SICK_WITHOUT},
        "log_odds_per_log_hazard": log_odds_slopes(),
        "hazards": {"yearly_at_zero": mechanism.YEARLY, "sd_of_log_hazard": mechanism.SPREAD},
        "rates": tally.rates(),
        "oracle_auroc": tally.oracle(),
        "counts": tally.counts(),
        "leaks": [],
        "planted_identifiers": [],
    }  # fmt: skip
