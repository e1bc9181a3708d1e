"""What all methods said of all records, for whatever is made of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.explain import ExplainConfig
from components.core.heads.known import binary_truth
from components.core.heads.registry import View
from components.explain.method import Attributed, Method
from components.explain.outputs import RECORD_SCHEMA, who
from components.explain.subject import Subject
from components.explain.subjects import without_beat

_BATCH = 64
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """A subject and what was said of it.

    Attributes:
        subject: networks and records.
        said: method → attributions of groups, records in the subject's order; what a method says at
            the inputs' own resolution is on disk (`outputs.dense`).
        records: of each record `sample_id, patient_id, fold, truth, log_odds, baseline, beats`.
    """

    subject: Subject
    said: dict[str, Attributed]
    records: pd.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """An explanation before it is told.

    Attributes:
        folds: one or more.
        methods: that were run, in the page's order.
        config: with which.
        head: whose log-odds are attributed.
    """

    folds: Sequence[Fold]
    methods: Sequence[Method]
    config: ExplainConfig
    head: View

    @property
    def records(self) -> pd.DataFrame:
        """Return `Fold.records` of all folds."""
        return pd.concat([fold.records for fold in self.folds], ignore_index=True)


def records_of(subject: Subject, head: View) -> pd.DataFrame:
    """Return what the networks say of each record and of its baseline, in `RECORD_SCHEMA`."""
    own: list[Floats] = []
    baseline: list[Floats] = []
    every = np.arange(len(subject))
    for part in subject.parts(every, most=_BATCH):
        batch = subject.batch(part)
        own.append(subject.log_odds(batch))
        baseline.append(subject.log_odds({**batch, **subject.baselines(batch)}))
    truth = binary_truth(head.name, head.head, subject.rows.frame).astype("Int8")
    if head.head.kind == "confidence":  # whether an answer was right is in no manifest
        truth = truth.mask(truth.notna())
    beats = pd.Series(~without_beat(subject), dtype="boolean")
    frame = who(subject, every).assign(
        truth=pd.Series(truth.array, dtype="Int8"),
        log_odds=np.concatenate(own),
        baseline=np.concatenate(baseline),
        beats=beats.mask(pd.Series(subject.segments is None, index=beats.index)),
    )
    return frame[RECORD_SCHEMA.names]
