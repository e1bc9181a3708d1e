"""The test part. Evaluate and explain alone import this, and every opening is recorded first.

The import contract in `pyproject.toml` keeps it out of train, tune, audit and preprocess.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from components.core.data.cohort import Rows, make_rows, rows_of
from components.core.data.foldstats import FoldStats
from components.core.errors import RefusedError
from components.core.runs import TAG_TEST_SPLIT, Recorder, count_openings, run_tag
from components.core.store import Stage


@dataclass(frozen=True)
class Opening:
    """Permission to read a test split, given when its opening has been recorded.

    Attributes:
        test_split: hash of the split.
        run_id: the run that opened it.
        count: how often it has been opened, this time included.
    """

    test_split: str
    run_id: str
    count: int


def record_opening(stage: Stage, recorder: Recorder) -> Opening:
    """Record on the run that it opens the stage's test split."""
    test_split = str(stage.facts["test_split_sha256"])
    recorder.tags({TAG_TEST_SPLIT: test_split})
    return Opening(test_split, recorder.run_id, count_openings(test_split))


def read_test(
    stage: Stage,
    fold: str,
    opening: Opening,
    *,
    unlabelled: bool = False,
    stats: FoldStats | None = None,
) -> Rows:
    """Return the test records of a fold whose label is known; with `unlabelled` all of them.

    Args:
        stage: a prepared cohort.
        fold: its name.
        opening: recorded for that cohort.
        unlabelled: take those of unknown label, too.
        stats: what the records are encoded by; None takes the fold's own.

    Raises:
        RefusedError: the opening is of another split, or was not recorded.
    """
    _check(stage, opening)
    return rows_of(stage, fold, "test", unlabelled=unlabelled, stats=stats)


def read_external(stage: Stage, frame: pd.DataFrame, opening: Opening, stats: FoldStats) -> Rows:
    """Return manifest rows of another cohort under the statistics of a model's own training.

    Args:
        stage: the other prepared cohort.
        frame: rows of its manifest, with `weight`.
        opening: recorded for that cohort.
        stats: of the model's training part.

    Raises:
        RefusedError: the opening is of another split, or was not recorded.
    """
    _check(stage, opening)
    return make_rows(stage, frame, stats)


def _check(stage: Stage, opening: Opening) -> None:
    if opening.test_split != stage.facts["test_split_sha256"]:
        raise RefusedError("the opening was recorded for another test split; record this one")
    if run_tag(opening.run_id, TAG_TEST_SPLIT) != opening.test_split:
        raise RefusedError("the opening of the test split was not recorded on its run")
