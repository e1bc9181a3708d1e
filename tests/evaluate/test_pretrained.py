"""Evaluating a model on a pretrained trunk: its statistics everywhere, and whom it had seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from components.core.data.cohort import folds
from components.core.data.patient_set import read_patient_set
from components.core.pretrained import resolve
from components.core.store import Stage
from components.core.trained import stats_of
from components.core.upstream import Upstream, upstream
from components.evaluate.external import external_upstream, seen_by_baselines, unseen
from components.evaluate.training_patients import training_patients, write_training_patients
from tests.chain import audited, manifest_of, trained
from tests.pretrained import VERSION, cohort, source, task, write_trunk


@dataclass(frozen=True)
class Made:
    raw: Stage
    home: Path
    folded: Upstream


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A trunk of some patients, and a cross-validated model of others that starts from it."""
    folder = tmp_path_factory.mktemp("pretrained")
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        patch.delenv("CARDIO_PATIENT_KEY", raising=False)
        raw = source(folder / "raw")
        home = write_trunk(folder / "bundle", cohort(raw))
        split = {"method": "folds", "folds": 2, "repeats": 1}
        away = cohort(source(folder / "away", prefix="q", gain=2.0), split=split)
        own = resolve(task({"init_from": str(home)}))
        yield Made(raw, home, upstream(trained(audited(away), own)))
    torch.set_num_threads(threads)


def test_the_simple_models_see_what_the_networks_see(made: Made) -> None:
    for fold in folds(made.folded.cohort):
        assert stats_of(made.folded.train, fold).origin == VERSION
        seen = seen_by_baselines(made.folded, fold)
        assert {rows.stats.origin for rows in seen} == {VERSION}


def test_another_cohort_without_those_whom_the_trunk_had_seen(made: Made) -> None:
    other = cohort(made.raw, seed=7)
    stages = external_upstream(made.folded, other)
    rows, overlap = unseen(stages)
    listed = read_patient_set(made.home)
    assert listed is not None
    assert overlap.by_id == len(listed.hashes) == 30
    assert len(rows) == 10
    assert not any(listed.holds(p) for p in rows["patient_id"])
    (everyone,) = seen_by_baselines(stages, "external")
    assert everyone.stats.origin == VERSION
    assert len(everyone) == 40


def test_a_bundle_lists_everyone_of_a_cross_validation(made: Made, tmp_path: Path) -> None:
    assert training_patients(made.folded) == sorted(manifest_of(made.folded.cohort)["patient_id"])
    write_training_patients(tmp_path, made.folded)
    found = read_patient_set(tmp_path)
    assert found is not None
    assert found.complete
    assert len(found.hashes) == 70  # forty of its own, thirty of the trunk


def test_a_trunk_that_lists_nobody_leaves_the_list_incomplete(made: Made, tmp_path: Path) -> None:
    lost = replace(made.folded.train, folder=tmp_path)
    write_training_patients(tmp_path, replace(made.folded, train=lost))
    found = read_patient_set(tmp_path)
    assert found is not None
    assert not found.complete
    assert len(found.hashes) == 40


def test_unknown_patients_are_not_listed(made: Made, tmp_path: Path) -> None:
    facts = made.folded.cohort.facts | {"patients_known": False}
    unknown = replace(made.folded, cohort=replace(made.folded.cohort, facts=facts))
    write_training_patients(tmp_path, unknown)
    assert list(tmp_path.iterdir()) == []


def test_patients_of_unknown_truth_were_not_trained_on(made: Made, tmp_path: Path) -> None:
    frame = manifest_of(made.folded.cohort)
    frame["label"] = frame["label"].mask(frame["patient_id"] == "q003")
    frame.to_parquet(tmp_path / "manifest.parquet")
    cut = replace(made.folded, cohort=replace(made.folded.cohort, folder=tmp_path))
    assert set(training_patients(made.folded)) - set(training_patients(cut)) == {"q003"}
