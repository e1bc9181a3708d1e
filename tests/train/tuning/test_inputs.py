"""Trials of other cohorts than one table: several heads with notes, groups kept whole, a trunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import roc_auc_score

from components.core.data.texts import NOTE
from components.core.errors import ConfigError
from components.core.members import REFIT
from components.core.pretrained import resolve
from components.core.store import Stage
from components.core.text.tfidf import TfidfEncoder
from components.train.tuning.parts import parts_of
from components.train.tuning.space import search_space
from components.train.tuning.trials import TrainedTrials
from tests import head_cohort, pretrained
from tests.chain import ingest_config, ingested, prepared, task_config, write_table


def test_several_heads_are_judged_by_the_primary_one(data_folder: Path, tmp_path: Path) -> None:
    cohort = head_cohort.prepared_cohort(tmp_path)
    objective = TrainedTrials(cohort=cohort, task=head_cohort.task(epochs=2))
    objective.ready()
    (outcome,) = objective.outcomes({"fit.lr": 0.02}, 0)
    known = outcome.predictions
    assert outcome.figures["val/auroc"] == pytest.approx(
        roc_auc_score(known["label"], known["logit"])
    )
    assert outcome.figures["val/auroc"] > 0.6  # x lowers the LVEF


def test_an_inner_fold_learns_its_notes_from_its_own_training_part(
    data_folder: Path, tmp_path: Path
) -> None:
    split = {"method": "folds", "folds": 2, "repeats": 1}
    cohort = head_cohort.prepared_cohort(tmp_path, split=split)
    own = head_cohort.task()
    for part in parts_of(cohort, own, "r0f0"):
        text = part.train.stats.text
        assert isinstance(text, TfidfEncoder)
        assert part.train.stats.records == len(part.train)
        assert part.train.text.shape[1] == part.val.text.shape[1] > 0
        assert part.val.stats is part.train.stats
        assert part.train.frame[NOTE].notna().any()


def test_groups_that_the_split_keeps_whole_stay_so_inside(
    data_folder: Path, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"pid": f"p{i:03d}", "label": int(i % 9 == 0), "x": i % 7, "site": f"s{i // 4}"}
        for i in range(160)
    ]
    options: dict[str, Any] = {
        "label": "label", "patient_id": "pid", "site": "site", "tabular": {"x": "numeric"},
    }  # fmt: skip
    source = ingested(ingest_config("table", write_table(tmp_path / "t.csv", rows), options))
    split = {"method": "folds", "folds": 2, "repeats": 1, "group": "site"}
    cohort = prepared(source, split=split)
    for fold in ("r0f1", REFIT):
        for part in parts_of(cohort, task_config(), fold):
            assert not set(part.train.frame["site"]) & set(part.val.frame["site"])


@pytest.fixture
def trunk(data_folder: Path, tmp_path: Path) -> tuple[Stage, Any]:
    """A cohort, and a task whose trunk is taken over from a model of another one."""
    home = pretrained.cohort(pretrained.source(tmp_path / "raw"))
    bundle = pretrained.write_trunk(tmp_path / "bundle", home)
    away = pretrained.cohort(pretrained.source(tmp_path / "away", prefix="q"))
    return away, resolve(pretrained.task({"init_from": str(bundle)}, tune={"inner_folds": 2}))


def test_trials_start_from_the_trunk_and_see_what_it_saw(trunk: tuple[Stage, Any]) -> None:
    cohort, own = trunk
    for fold in ("", "holdout"):
        objective = TrainedTrials(cohort=cohort, task=own, fold=fold)
        objective.ready()
        assert {part.train.stats.origin for part in objective.parts} == {pretrained.VERSION}
        assert len(objective.outcomes({"fit.lr": 0.02}, 0)) == len(objective.parts)


def test_what_the_trunk_decides_is_not_searched_for(trunk: tuple[Stage, Any]) -> None:
    _, own = trunk
    free = search_space(pretrained.task())
    bound = search_space(own)
    assert {"model.width", "model.hidden_size", "fit.lr"} <= set(free)
    assert not {"model.width", "model.hidden_size", "model.text_hidden"} & set(bound)
    assert "fit.lr" in bound
    data = own.model_dump(mode="json")
    data["tune"]["space"] = {"model.hidden_size": [8, 16]}
    with pytest.raises(ConfigError, match=r"'tune\.space' has 'model\.hidden_size', which is no"):
        search_space(type(own).model_validate(data))
