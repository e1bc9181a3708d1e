"""Patients of the synthetic mechanism with the predictions of a logistic regression: no files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from components.core.metrics.tables import PatientTables
from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import (
    Mechanism,
    morphology_scores,
    subgroup_gain,
    tabular_units,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import simulate


@dataclass(frozen=True)
class Simulated:
    """Test patients: predictions, and the manifest that says who they are."""

    tables: PatientTables
    manifest: pd.DataFrame


def simulated(gap: str | None, *, train: int = 10_000, test: int = 15_000) -> Simulated:
    """Return test patients scored by a regression on ECG scores and clinical columns.

    It is not told who belongs to the planted group, as a network is not.
    """
    people = draw_reference(train + test)
    options = SyntheticOptions(subgroup_gap=gap)
    gain = subgroup_gain(people, options.subgroup_gap)
    scores = morphology_scores(people, gain=gain, rng=stream(11, "scores"))
    label = simulate(people, Mechanism.of(options), stream(11, "course")).label_uncensored
    x = np.column_stack([scores, *tabular_units(people).values(), people.lvef_baseline / 5])
    model = LogisticRegression(max_iter=1000).fit(x[:train], label[:train])
    ids = np.array([f"p{number:06d}" for number in people.index])
    frame = pd.DataFrame(
        {
            "patient_id": ids,
            "row": people.index + 2,
            "site": people.site,
            "tab.sex": np.where(people.female, "F", "M"),
            "tab.age": people.age,
            "tab.therapy": people.therapy(),
        }
    )
    each = pd.DataFrame(
        {
            "repeat": 0,
            "fold": 0,
            "patient_id": ids[train:],
            "label": label[train:].astype(np.float64),
            "weight": 1.0,
            "logit": model.decision_function(x[train:]),
        }
    ).assign(calibrated_logit=lambda table: table["logit"])
    pooled = each.drop(columns=["repeat", "fold"])
    return Simulated(PatientTables(each=each, pooled=pooled, folded=False), frame)
