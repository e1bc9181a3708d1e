"""What clinical fields are compared with, and what a bundle keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from components.core.attribution import reference
from components.core.attribution.reference import Reference, reference_of, tabular_mean
from components.core.data.cohort import read_everyone, read_part
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import TabularEncoder
from components.core.members import REFIT
from components.core.schemas import MANIFEST, TABULAR_PREFIX
from components.core.store import Stage

HEADS = {"ctrcd": {"kind": "binary"}}


def taught(stage: Stage) -> Stage:
    """Return a training of one binary head."""
    return replace(stage, facts={"heads": HEADS})


def test_a_cohort_without_clinical_fields_has_a_mean_of_nothing() -> None:
    stats = FoldStats(fold="f", records=3, ids_sha256="", ecg=None, tabular=TabularEncoder())
    # No record is read: a mean over no column would warn.
    nothing = cast(Stage, None)
    assert tabular_mean(nothing, nothing, "f", stats).shape == (0,)
    assert reference_of(nothing, nothing, "f", stats) == Reference(tabular=())


def test_the_mean_is_that_of_the_records_that_taught_a_fold(cohort: Callable[..., Stage]) -> None:
    stage = cohort(ecg=False, patients=40, folds=("a", "b"))
    found = {}
    for fold in ("a", "b"):
        rows = read_part(stage, fold, "train")
        found[fold] = tabular_mean(taught(stage), stage, fold, rows.stats)
        np.testing.assert_allclose(found[fold], rows.tabular.mean(axis=0), atol=1e-6)
    assert found["a"].tolist() != found["b"].tolist()


def test_a_refit_has_learned_from_everyone(cohort: Callable[..., Stage]) -> None:
    stage = cohort(ecg=False, patients=40, folds=("a", "b"))
    rows = read_everyone(stage, REFIT)
    found = tabular_mean(taught(stage), stage, REFIT, rows.stats)
    np.testing.assert_allclose(found, rows.tabular.mean(axis=0), atol=1e-6)
    assert len(rows) > len(read_part(stage, "a", "train"))


def test_beside_pictures_patients_without_any_field_do_not_count(
    cohort: Callable[..., Stage],
) -> None:
    stage = cohort(ecg=False, patients=40, arrays=("pcg",))
    frame = pd.read_parquet(stage.folder / MANIFEST)
    fields = [name for name in frame if str(name).startswith(TABULAR_PREFIX)]
    frame.loc[frame.index[::3], fields] = None
    frame.to_parquet(stage.folder / MANIFEST)
    rows = read_part(stage, "holdout", "train")
    assert 0 < rows.tabular_there.sum() < len(rows)
    found = tabular_mean(taught(stage), stage, "holdout", rows.stats)
    np.testing.assert_allclose(found, rows.tabular[rows.tabular_there].mean(axis=0), atol=1e-6)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    own = Reference(tabular=(0.1, -2.0, float(np.float32(1 / 3))))
    reference.save(own, tmp_path / "reference.json")
    assert reference.load(tmp_path / "reference.json") == own
