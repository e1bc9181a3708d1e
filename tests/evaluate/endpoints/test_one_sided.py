"""Folds that cannot teach an endpoint's threshold, or in which a simple model cannot be fitted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from components.core.bundle import Predictor
from components.core.errors import InputError
from components.core.store import Stage
from components.core.trained import members_of
from components.evaluate.heads.calibrated import calibrations, one_sided, threshold_of
from components.ingest.records import Endpoint, Record
from tests.chain import audited, manifest_of, prepared, task_config, trained
from tests.endpoint_cohort import HEADS, LABEL, ingested_records, record
from tests.evaluate import conftest
from tests.evaluate.conftest import Example

KNOWN = {name: HEADS[name] for name in ("death", "relapse")}
FOLDS: dict[str, Any] = {"method": "folds", "folds": 2, "repeats": 1}
PATIENTS = 120


def patient(number: int, *, relapsed: bool) -> Record:
    """Return a patient followed for long, in whom one number tells both outcomes nearly."""
    died = number % 3 == 0
    own = Endpoint(event_time_days=200 if relapsed else None, followup_days=2000)
    return record(
        number, event_time_days=500.0 if died else None, endpoints={"relapse": own},
        tabular={"x": died + relapsed + number % 7 / 3},
    )  # fmt: skip


def cohort(folder: Path, relapsed: set[int], **split: Any) -> Stage:
    # The stage is known by what its folder holds.
    (folder / "relapsed.txt").write_text(str(sorted(relapsed)))
    with pytest.MonkeyPatch.context() as patch:
        records = [patient(i, relapsed=i in relapsed) for i in range(PATIENTS)]
        source = ingested_records(records, folder, patch)
    return prepared(source, label=LABEL, heads=KNOWN, modalities=["tabular"], split=split)


def evaluated(stage: Stage) -> Example:
    task = task_config(
        label={"definition": "death", "prediction_time": "day 0"} | LABEL,
        heads=KNOWN,
        model={"name": "trunk", "hidden_size": 8, "tabular_hidden": 8, "head_hidden": 8},
        fit={"epochs": 2, "batch": 32, "device": "cpu", "precision": "fp32", "monitor": "loss",
             "refit": False},
        evaluate={"draws": 100, "baselines": ["logistic_regression", "gradient_boosting"],
                  "skip": ["learning_curve", "optimism", "patients", "survival_view"]},
    )  # fmt: skip
    return conftest._evaluated(trained(audited(stage, label=LABEL), task), task)


def numbers(parts: pd.DataFrame, part: str) -> list[int]:
    """Return the patients of a part of the first fold."""
    first = next(c for c in parts if str(c).startswith("part."))
    return [int(own[1:]) for own in parts.loc[parts[first] == part, "patient_id"]]


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        conftest._isolate(patch, tmp_path_factory.mktemp("one_sided"), migrated_store)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Return two folds: of the first one's patients one relapses, in training; others many."""
    folder = tmp_path_factory.mktemp("folds")
    parts = manifest_of(cohort(folder, set(range(0, PATIENTS, 2)), **FOLDS))
    many = {number for number in numbers(parts, "test") if number % 2 == 0}
    return evaluated(cohort(folder, {numbers(parts, "train")[0], *many}, **FOLDS))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Return one split in whose validation part nobody relapses."""
    folder = tmp_path_factory.mktemp("single")
    parts = manifest_of(cohort(folder, set(range(0, PATIENTS, 2)), method="holdout"))
    own = {i for part in ("train", "test") for i in numbers(parts, part) if i % 2 == 0}
    return evaluated(cohort(folder, own, method="holdout"))


def told(done: Example, sentence: str) -> bool:
    return any(sentence in line for line in done.stage.facts["headline"])


def test_what_a_fold_cannot_teach_is_left_out_and_said(folds: Example) -> None:
    kept = pd.read_parquet(folds.stage.folder / "endpoints.parquet")
    own = kept.groupby("head")["figure"].apply(set)
    assert own["death"] == {"auroc", "auprc", "f1", "brier", "ece"}
    assert own["relapse"] == {"auroc", "auprc"}
    assert kept.loc[kept["head"] == "relapse", "patients"].unique() == [PATIENTS]
    figures = folds.stage.facts["figures"]
    assert {name for name in figures if re.search("relapse/(f1|brier|ece)", name)} == set()
    assert told(
        folds,
        "warning: relapse (relapse by day 400): in 1 of 2 folds the validation patients are all of "
        "one class, which teaches no threshold and no recalibration. F1, Brier score, ECE are left "
        "out; AUROC, AUPRC are of all folds.",
    )
    assert "left out: 1 of 2 folds untaught" in (folds.stage.folder / "report.html").read_text()


def test_a_simple_model_that_a_fold_cannot_fit_is_left_out_and_said(folds: Example) -> None:
    rows = pd.read_parquet(folds.stage.folder / "endpoint_baselines.parquet")
    own = rows.groupby("head")["model"].apply(set)
    assert own["death"] == {"logistic_regression", "gradient_boosting"}
    assert own["relapse"] == {"gradient_boosting"}
    assert folds.stage.facts["tags"]["best_baseline.relapse"] == "gradient_boosting"
    assert told(
        folds,
        "relapse: logistic regression is left out, since in 1 of 2 folds the training part has "
        "fewer than two patients with or without the event",
    )
    assert told(folds, "relapse: in 1 of 2 folds the validation patients are all of one class")
    assert not told(folds, "does not answer of this endpoint")


def test_the_bundle_answers_of_what_some_fold_taught(folds: Example, single: Example) -> None:
    both, one = (Predictor(each.stage.folder / "bundle").facts for each in (folds, single))
    assert set(both.heads) == set(both.calibrations) == set(both.thresholds) == set(KNOWN)
    assert set(one.heads) == set(one.calibrations) == set(one.thresholds) == {"death"}
    assert told(
        single,
        "warning: relapse (relapse by day 400): no fold's validation patients taught a "
        "recalibration; the registered model does not answer of this endpoint.",
    )


def test_no_best_simple_model_without_validation(single: Example) -> None:
    rows = pd.read_parquet(single.stage.folder / "endpoint_baselines.parquet")
    own = rows[rows["head"] == "relapse"]
    assert set(own["model"]) == {"logistic_regression", "gradient_boosting"}
    assert not own["best"].any()
    assert own["value"].notna().all()
    assert "best_baseline.relapse" not in single.stage.facts["tags"]
    assert "test/head/relapse/minus_best_baseline" not in single.stage.facts["figures"]
    assert told(single, "relapse: no best simple model is known to compare the network with")


def test_without_recalibration_the_threshold_alone_is_missing(folds: Example) -> None:
    train, names = folds.behind.train, ["r0f0", "r0f1"]
    members = [member for name in names for member in members_of(train, name)]
    assert [one_sided(train, [name], "relapse") for name in names] == [True, False]
    assert not one_sided(train, names, "relapse")
    assert not one_sided(train, ["r0f0"], "death")
    assert set(calibrations(train, ["r0f0"], members, "platt")) == {"death"}
    assert set(calibrations(train, ["r0f0"], members, "none")) == {"death", "relapse"}
    with pytest.raises(InputError, match="so no threshold can be chosen"):
        threshold_of(train, ["r0f0"], "relapse", "youden")
