"""Another cohort: who is tested, by what, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from components.core import runs, store
from components.core.config.task import TaskConfig
from components.core.data.held_out import Opening, record_opening
from components.core.errors import InputError, RefusedError
from components.core.metrics.resampling import Plan
from components.core.store import Stage
from components.core.upstream import upstream
from components.evaluate.analyses import calibration_drift
from components.evaluate.external import check_alike, external_upstream, unseen
from components.evaluate.run import evaluate
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    task_config,
    trained,
    write_table,
    write_tabular_cohort,
)
from tests.evaluate.conftest import FIT, Example
from tests.tracking_names import uncovered

Get = Callable[[str], Example]


@pytest.fixture(autouse=True)
def home(examples: Get, monkeypatch: pytest.MonkeyPatch) -> Example:
    """The training, in whose folder everything here is written."""
    done = examples("holdout")
    folder = done.stage.folder.parents[2]
    monkeypatch.setenv("CARDIO_DATA", str(folder / "data"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(folder)
    return done


def other_cohort(folder: Path, *, shared: int = 10, shift: float = 0.0, **more: Any) -> Stage:
    """Return a cohort of other patients but the first `shared`; `shift` lowers its risk."""
    folder.mkdir(exist_ok=True)
    path = write_tabular_cohort(folder, patients=200, seed=5)
    frame = pd.read_csv(path)
    new = frame.index >= shared
    frame["pid"] = np.where(new, "q" + frame["pid"], frame["pid"])
    frame["x"] += shift
    write_table(path, frame.to_dict("records"))
    return prepared(ingested(ingest_config("table", path, TABULAR_OPTIONS)), **more)


def outside(done: Example, cohort: Stage, task: TaskConfig | None = None) -> Stage:
    behind = external_upstream(done.behind, cohort)
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(cohort, recorder)
        inputs = {"train": done.behind.train.fingerprint, "cohort": cohort.fingerprint}
        print_ = store.fingerprint(
            "evaluate", config={}, inputs=inputs, libraries={}, source="external"
        )
        return store.build(
            "evaluate", print_, config={}, inputs=inputs,
            compute=lambda work: evaluate(
                work, behind, task or done.task, opening, run_id=recorder.run_id
            ),
        )[0]  # fmt: skip


@pytest.fixture
def cohort(home: Example, tmp_path: Path) -> Stage:
    return other_cohort(tmp_path / "other", shift=1.0)


def test_all_but_shared_patients_are_tested_by_the_training_as_it_is(
    home: Example, cohort: Stage
) -> None:
    done = outside(home, cohort)
    frame = pd.read_parquet(done.folder / "predictions.parquet")
    assert len(frame) == 190
    assert frame["patient_id"].str.startswith("q").all()
    figures = done.facts["figures"]
    assert uncovered(figures) == []
    y = frame["label"].astype(int)
    assert figures["test/auroc"] == pytest.approx(sk.roc_auc_score(y, frame["logit"]))
    assert figures["test/patients"] == 190
    internal = home.predictions
    for column in ("calibrated_logit", "margin"):  # the very lines of the internal validation
        line = np.polyfit(internal["logit"], internal[column], 1)
        np.testing.assert_allclose(np.polyval(line, frame["logit"]), frame[column], atol=1e-8)
    assert "logit.gradient_boosting" in frame
    assert figures["baseline/logistic_regression/auroc"] > 0.6
    assert not (done.folder / "bundle").exists()


def test_the_report_says_that_it_is_external_and_how_calibration_drifts(
    home: Example, cohort: Stage
) -> None:
    done = outside(home, cohort)
    page = (done.folder / "report.html").read_text()
    assert '<p class="verdict">External validation: AUROC' in page
    assert done.facts["headline"][0].startswith("External validation: ")
    assert "10 patient(s) who are in the training&#39;s cohort were left out (10 by id, 0" in page
    assert "Calibration drift" in page
    assert (done.folder / "plots" / "calibration_drift.svg").is_file()
    figures = done.facts["figures"]
    frame = pd.read_parquet(done.folder / "predictions.parquet")
    ratio = frame["label"].astype(int).mean() / frame["calibrated"].mean()
    assert figures["test/observed_expected"] == pytest.approx(ratio)
    assert figures["test/observed_expected_hi"] < 1  # risks were shifted upwards
    own = home.stage.facts["figures"]["test/calibration_slope"]
    gap = figures["test/calibration_slope"] - own
    assert figures["test/drift/calibration_slope"] == pytest.approx(gap)
    tags = done.facts["tags"]
    assert tags["external"] == "yes"
    assert tags["promotable"].startswith("no")
    assert tags["trained_on"] == home.behind.cohort.fingerprint
    assert tags["test_split"] == cohort.facts["test_split_sha256"]


def test_a_cross_validated_model_is_judged_by_its_refit(examples: Get, tmp_path: Path) -> None:
    folds = examples("folds")
    done = outside(folds, other_cohort(tmp_path / "other", shared=0))
    frame = pd.read_parquet(done.folder / "predictions.parquet")
    assert set(frame["split"]) == {"external"}
    assert sk.roc_auc_score(frame["label"].astype(int), frame["logit"]) > 0.75


def test_without_an_internal_evaluation_only_the_external_figures_stand(
    home: Example, cohort: Stage
) -> None:
    behind = replace(external_upstream(home.behind, cohort), internal=None)
    frame = calibration_drift._predictions(home.stage)
    context = type("Context", (), {})()
    context.stages, context.plan = behind, Plan(draws=100)
    context.tables = type("Tables", (), {"pooled": frame})()
    assert calibration_drift.applies(context)
    found = calibration_drift.analyse(context)
    assert "No finished evaluation on the training's own test part" in found.text[0]
    assert set(found.figures) == {"observed_expected"}
    few = frame.groupby("label").head(5)
    assert "rests on 5 events" in calibration_drift._underpowered(few)[0].text


def test_a_cohort_does_not_drift_from_itself(home: Example) -> None:
    frame = calibration_drift._predictions(home.stage)
    gap = calibration_drift.unpaired(frame, frame, Plan(draws=400))
    for interval in gap.values():
        assert interval.value == 0
        assert interval.lo < 0 < interval.hi
    own = calibration_drift.figures(frame, Plan(draws=400))["auroc"]
    # Two independent draws: about √2 as wide as either figure; on the same draws it would be 0.
    wide = (gap["auroc"].hi - gap["auroc"].lo) / (own.hi - own.lo)
    assert 1.2 < wide < 1.8


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"ecg": {"fs": 250.0}}, r"was prepared with preprocess.ecg.fs 250.0, the training's"),
        ({"ecg": {"leads": ["I", "II"]}}, r"preprocess.ecg.leads I, II, the training's"),
        ({"ecg": {"unit": "z"}}, r"preprocess.ecg.unit z"),
        ({"modalities": ["tabular"]}, r"lacks ecg, which the training's"),
        ({"features": ["age"]}, r"lacks sex, which the training's [0-9a-f]{12} has; prepare it w"),
    ],
)
def test_another_preparation_is_refused(
    cohort_of: Callable[..., Stage], facts: dict[str, Any], sentence: str
) -> None:
    own = cohort_of()
    changed = {k: own.facts[k] | v if k == "ecg" else v for k, v in facts.items()}
    other = replace(own, fingerprint="f" * 32, facts=own.facts | changed)
    with pytest.raises(InputError, match=sentence):
        check_alike(own, other)
    check_alike(own, replace(own, fingerprint="f" * 32))


@pytest.fixture
def cohort_of() -> Callable[..., Stage]:
    """Builder of a cohort that is facts alone."""

    def build() -> Stage:
        ecg = {"leads": ["I"], "fs": 500.0, "length": 10, "unit": "mV"}
        facts = {"ecg": ecg, "modalities": ["ecg", "tabular"], "features": ["age", "sex"]}
        config = {"label": {"name": "toy", "horizon_days": 365}}
        return Stage(
            folder=Path(), component="preprocess", fingerprint="a" * 32, config=config, inputs={},
            facts=facts,
        )  # fmt: skip

    return build


def test_another_label_and_the_same_cohort_are_refused(cohort_of: Callable[..., Stage]) -> None:
    own = cohort_of()
    other = replace(own, fingerprint="f" * 32, config={"label": {"name": "toy"}})
    with pytest.raises(InputError, match=r"label.horizon_days None, the training's .* with 365"):
        check_alike(own, other)
    with pytest.raises(InputError, match="is the one that the model was trained on; leave 'cohor"):
        check_alike(own, own)


def test_a_cohort_of_the_same_patients_is_refused(home: Example, tmp_path: Path) -> None:
    cohort = other_cohort(tmp_path / "same", shared=200)
    with pytest.raises(RefusedError, match=r"no patients of both classes are left .*200 by id"):
        unseen(external_upstream(home.behind, cohort))


def test_ids_that_mean_nothing_are_not_compared(home: Example, cohort: Stage) -> None:
    behind = external_upstream(home.behind, cohort)
    keyed = {"ingest": {"patient_key_fingerprint": "0" * 16}}
    strange = replace(behind, ingest=replace(behind.ingest, config=keyed))
    rows, overlap = unseen(strange)
    assert len(rows) == 200
    assert not overlap.comparable
    assert "Ids could not be compared" in overlap.sentence()


def test_an_opening_of_another_cohort_opens_nothing(home: Example, cohort: Stage) -> None:
    from components.core.device import resolve
    from components.evaluate.external import external_test

    behind = external_upstream(home.behind, cohort)
    with pytest.raises(RefusedError, match="recorded for another test split"):
        external_test(behind, home.task, Opening("0" * 64, "run", 1), resolve("cpu", "fp32"))


def test_one_site_is_tested_by_a_model_of_the_others(examples: Get) -> None:
    """The synthetic cohort's own files, taken apart by site; one recording lies at both."""
    done = examples("ecg")
    (folder,) = (done.stage.folder.parents[1] / "synthetic").iterdir()
    raw = pd.read_csv(folder / "manifest.csv", dtype=str).drop(columns="split", errors="ignore")
    there = raw["site"] == "A"
    copied = raw[~there].iloc[[0]].assign(patient_id="stranger", recording_id="copy", site="A")
    raw[~there].to_csv(folder / "here.csv", index=False)
    pd.concat([raw[there], copied]).to_csv(folder / "there.csv", index=False)
    options = {"tabular": {"age": "numeric", "sex": "categorical"}}
    label = {"horizon_days": 365}
    stages = [
        prepared(ingested(ingest_config("manifest", folder / name, options)), label=label,
                 split={"method": "holdout"}, modalities=("tabular",))
        for name in ("here.csv", "there.csv")
    ]  # fmt: skip
    task = task_config(
        label={"name": "toy", "definition": "toy event", "prediction_time": "day 0", **label},
        fit=FIT | {"epochs": 1},
        evaluate={"draws": 100, "baselines": ["gradient_boosting"]},
    )
    behind = upstream(trained(audited(stages[0], label=label), task))
    example = Example(done.stage, behind, task, "")
    result = outside(example, stages[1], task)
    frame = pd.read_parquet(result.folder / "predictions.parquet")
    sites = manifest_of(stages[1]).set_index("sample_id")["site"]
    assert set(sites[frame["sample_id"]]) == {"A"}
    assert "stranger" not in set(frame["patient_id"])
    page = (result.folder / "report.html").read_text()
    assert "1 patient(s) who are in the training&#39;s cohort" in page
    assert "0 by id, 1 by an identical recording" in page
    kept = json.loads((result.folder / "metrics_test.json").read_text())
    assert "observed_expected" in kept
