"""What the samples of a model are explained against."""

from __future__ import annotations

from typing import cast

from components.core.data.foldstats import FoldStats
from components.core.data.tabular import TabularEncoder
from components.explain.subjects import Model, tabular_mean


def test_a_cohort_without_clinical_fields_has_a_mean_of_nothing() -> None:
    stats = FoldStats(fold="f", records=3, ids_sha256="", ecg=None, tabular=TabularEncoder())
    # No record is read: a mean over no column would warn.
    assert tabular_mean(cast(Model, None), "f", stats).shape == (0,)
