"""Settings are honest of the split that they were searched for on, and of no other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from components.core.config.tune import Tuned
from components.core.errors import InputError
from components.core.searched import search_of
from components.core.store import Stage
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    prepared,
    write_tabular_cohort,
)
from tests.searches import searched

FOLDS = {"r0f0": {"fit.lr": 0.1}, "r0f1": {}}


@pytest.fixture
def source(tmp_path: Path, data_folder: Path) -> Stage:
    path = write_tabular_cohort(tmp_path)
    return ingested(ingest_config("table", path, TABULAR_OPTIONS))


def audit_of(source: Stage, seed: int = 0, **more: Any) -> Stage:
    split = {"method": "folds", "folds": 2, "repeats": 1, "seed": seed}
    return audited(prepared(source, split=split), **more)


def tuned(search: Stage, folds: dict[str, Any]) -> Tuned:
    return Tuned(search=search.fingerprint, folds=folds)


def test_a_search_on_the_same_split_is_returned(source: Stage) -> None:
    audit = audit_of(source)
    made = searched(audit, nested=True, fold_settings=FOLDS)
    assert search_of(tuned(made, FOLDS), audit) == made
    # The same patients in the same folds, audited with another setting.
    other = audit_of(source, label_auroc=0.99)
    assert other.fingerprint != audit.fingerprint
    assert search_of(tuned(made, FOLDS), other) == made


def test_a_search_on_another_split_of_the_same_patients_is_refused(source: Stage) -> None:
    audit, other = audit_of(source), audit_of(source, seed=7)
    made = searched(other, nested=True, fold_settings=FOLDS)
    with pytest.raises(
        InputError,
        match=r"searched for by \w{12} on the split \w{12} and this cohort has the split \w{12}, "
        r"so that patients tested here may have chosen them; search again on this cohort or, where "
        r"no patient of that search is in it, set tuned=null$",
    ):
        search_of(tuned(made, FOLDS), audit)


def test_a_fold_whose_settings_were_taken_out_is_named(source: Stage) -> None:
    audit = audit_of(source)
    made = searched(audit, nested=True, fold_settings=FOLDS)
    with pytest.raises(
        InputError,
        match=r"tuned\.folds lacks those of r0f1, which would be trained with settings that its "
        r"test patients have helped to choose; take best\.yaml as it was",
    ):
        search_of(tuned(made, {"r0f0": {}}), audit)


@pytest.mark.parametrize("component", ["search", "audit", "preprocess"])
def test_a_search_that_cannot_be_looked_at_is_not_taken_for_honest(
    source: Stage, component: str
) -> None:
    audit, other = audit_of(source), audit_of(source, seed=7)
    made = searched(other)
    gone = {
        "search": made.folder,
        "audit": other.folder,
        "preprocess": other.input_folder("preprocess"),
    }[component]
    shutil.rmtree(gone)
    with pytest.raises(
        InputError,
        match=rf"searched for by {made.fingerprint[:12]}, and data/{component}/{gone.name[:12]}, "
        "which says on whom, is not there; copy it there, or search again on this cohort",
    ):
        search_of(tuned(made, {}), audit)
