"""Too few patients: said at the head of every section, not at the top of the page alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.tables import PatientTables, floats
from components.core.report.section import Section


def class_sizes(patients: pd.DataFrame) -> tuple[int, int]:
    """Return how many patients have the event and how many have not, among known labels.

    Args:
        patients: one row per patient, `label` and `weight` (0 for an unknown label).
    """
    label = floats(patients, "label")[floats(patients, "weight") > 0]
    return int((label == 1).sum()), int((label == 0).sum())


def prevalence(patients: pd.DataFrame) -> float:
    """Return the share of patients with the event, weighted; the table as in `class_sizes`."""
    return float(np.average(floats(patients, "label"), weights=floats(patients, "weight")))


def is_small(patients: pd.DataFrame) -> bool:
    """Return whether either class has fewer than 20 patients."""
    return min(class_sizes(patients)) < RARE_PATIENTS


def cautioned(sections: Iterable[Section], tables: PatientTables) -> tuple[Section, ...]:
    """Return the sections, each with a first sentence of caution where the test part is too small.

    Under cross-validation the test part is everyone, so that events are pooled over the folds.
    """
    label = tables.pooled["label"].to_numpy(np.float64)
    if not np.isin(label, (0, 1)).all() or not is_small(tables.pooled):
        return tuple(sections)
    events, others = class_sizes(tables.pooled)
    text = (
        f"Underpowered: {events:,} patient(s) with and {others:,} without the event were tested, "
        f"fewer than {RARE_PATIENTS} in one class. Read the intervals, not the values."
    )
    return tuple(replace(each, text=(text, *each.text)) for each in sections)
