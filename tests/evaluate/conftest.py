"""Small trained and evaluated cohorts, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core import runs, store
from components.core.config.task import TaskConfig
from components.core.data.held_out import Opening, record_opening
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import patient_tables
from components.core.store import Stage
from components.core.upstream import Upstream, upstream
from components.evaluate import run
from components.evaluate.analyses import survival_view
from components.evaluate.analysis import Context
from components.evaluate.baselines import Features
from components.evaluate.follow_up import follow_up
from components.evaluate.run import evaluate
from tests import event_cohort, head_cohort
from tests.chain import (
    LABEL,
    TABULAR_OPTIONS,
    audited,
    beats,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_table,
    write_tabular_cohort,
    write_wfdb,
)
from tests.evaluate import embedded, media
from tests.evaluate.timed import LABEL_AT, OPTIONS, Timed, timed_context, write_cohort
from tests.event_cohort import ingested_stays, prepared_stays, write_stays

FIT: dict[str, Any] = {
    "epochs": 6, "batch": 16, "lr": 0.02, "patience": 2, "device": "cpu", "precision": "fp32",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """An evaluated training."""

    stage: Stage
    behind: Upstream
    task: TaskConfig
    run_id: str

    @property
    def predictions(self) -> pd.DataFrame:
        """Return `predictions.parquet`."""
        return pd.read_parquet(self.stage.folder / "predictions.parquet")


@pytest.fixture(scope="package")
def examples(
    tmp_path_factory: pytest.TempPathFactory, migrated_store: Path
) -> Iterator[Callable[[str], Example]]:
    """Return an example by its name in `_MAKERS`."""
    folder = tmp_path_factory.mktemp("evaluated")
    made: dict[str, Example] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def get(name: str) -> Example:
        if name not in made:
            with pytest.MonkeyPatch.context() as patch:
                _isolate(patch, folder, migrated_store)
                made[name] = _MAKERS[name](folder)
        return made[name]

    yield get
    torch.set_num_threads(threads)


def _isolate(patch: pytest.MonkeyPatch, folder: Path, migrated: Path) -> None:
    file = folder / "mlflow.db"
    if not file.exists():
        shutil.copyfile(migrated, file)
    patch.setenv("CARDIO_DATA", str(folder / "data"))
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    patch.delenv("MLFLOW_RUN_ID", raising=False)
    patch.chdir(folder)


def context_of(done: Example) -> Context:
    """Return what the analyses of an evaluation look at."""
    split = str(done.behind.cohort.facts["test_split_sha256"])
    opening = Opening(split, done.run_id, 1)
    with pytest.MonkeyPatch.context() as patch:
        # The opening was recorded when the example was made, in a store that is closed by now.
        patch.setattr("components.core.data.held_out.run_tag", lambda run_id, tag: split)
        tests, _ = run._predict(done.behind, done.task, opening)
    predictions = done.predictions
    return Context(
        stages=done.behind, task=done.task, tests=tests, predictions=predictions,
        tables=patient_tables(predictions, folded=len(tests) > 1), plan=Plan(draws=100),
        place=run._place(done.behind), opening=opening,
        features=Features(float(done.behind.cohort.facts["ecg"]["fs"])),
    )  # fmt: skip


def _evaluated(train: Stage, task: TaskConfig) -> Example:
    behind = upstream(train)
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(behind.cohort, recorder)
        inputs = {"train": train.fingerprint}
        print_ = store.fingerprint(
            "evaluate", config=task.section("evaluate"), inputs=inputs, libraries={}, source="test"
        )
        stage, _ = store.build(
            "evaluate", print_, config={}, inputs=inputs,
            compute=lambda work: evaluate(work, behind, task, opening, run_id=recorder.run_id),
        )  # fmt: skip
        return Example(stage, behind, task, recorder.run_id)


def _tabular(
    folder: Path, split: dict[str, Any], shuffle: int | None = None, **fit: Any
) -> Example:
    path = write_tabular_cohort(folder, patients=240)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    label = LABEL | {"shuffle": shuffle}
    task = task_config(fit=FIT | fit, label=label)
    stage = audited(prepared(source, label=label, split=split), label=label)
    return _evaluated(trained(stage, task), task)


def _holdout(folder: Path) -> Example:
    return _tabular(folder, {"method": "holdout"}, seeds=(0, 1))


def _folds(folder: Path) -> Example:
    return _tabular(folder, {"method": "folds", "folds": 2, "repeats": 2})


def _shuffled(folder: Path) -> Example:
    return _tabular(folder, {"method": "holdout"}, shuffle=1)


def _ecg(folder: Path) -> Example:
    options = {"patients": 160, "seed": 2, "broken_files": False, "clean_split": True}
    label = {"horizon_days": 365}
    source = ingested(ingest_config("synthetic", "", options))
    stage = prepared(source, label=label, ecg={"length": 5000})
    task = task_config(
        label={"name": "toy", "definition": "toy event", "prediction_time": "day 0", **label},
        model={"name": "ecg+tabular", "width": 4, "depth": 1},
        fit=FIT | {"epochs": 2, "lr": 0.003},
    )
    return _evaluated(trained(audited(stage, label=label), task), task)


def _heads(folder: Path) -> Example:
    """Two seconds of beats; the sick have inverted T waves and a low LVEF, one in ten is noise."""
    raw = folder / "heads"
    raw.mkdir()
    rng, rows = np.random.default_rng(0), list[dict[str, object]]()
    for i in range(120):
        poor = i % 10 == 7
        noise = rng.normal(0, 0.5, (8, 1000)) if poor else 0.0
        path = write_wfdb(raw, f"r{i:03d}", beats(i, sick=i % 3 == 0) + noise)
        rows.append({
            "patient_id": f"p{i:03d}", "recording_id": f"r{i:03d}", "path": path,
            "lvef": 35 + (i % 3 > 0) * 25, "quality": "unacceptable" if poor else "acceptable",
            "split": ("train", "train", "val", "test")[i // 30],
        })  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    heads = {
        "lvef": {"kind": "binary", "target": "lvef", "below": 50},
        "quality": {"kind": "binary", "target": "quality", "positive": ["unacceptable"]},
        "confidence": {"kind": "confidence", "of": "lvef", "inner_folds": 2},
    }
    label = {"name": "lvef", "derive": "head"}
    targets = {"targets": {"lvef": "numeric", "quality": "categorical"}}
    source = ingested(ingest_config("manifest", raw / "manifest.csv", targets))
    stage = prepared(
        source, label=label, heads=heads, modalities=("ecg",),
        ecg={"length": 1000, "window_days": None},
    )  # fmt: skip
    task = task_config(
        label=LABEL | label, heads=heads, model={"name": "ecg", "width": 4, "depth": 1},
        fit=FIT | {"epochs": 2, "lr": 0.003},
    )  # fmt: skip
    return _evaluated(trained(audited(stage, label=label), task), task)


def _several(folder: Path) -> Example:
    (folder / "several").mkdir()
    own = head_cohort.task(ablate=["text"], alone=True)
    return _evaluated(trained(head_cohort.audited_cohort(folder / "several"), own), own)


def _first(name: str) -> Callable[[Path], Example]:
    """Return the maker of a task whose one head is that of the cohort of several."""

    def make(folder: Path) -> Example:
        own = folder / name
        own.mkdir()
        heads = {name: head_cohort.HEADS[name]}
        label = head_cohort.OWN_LABEL | {"name": name}
        if name == "survival":
            label |= {"horizon_days": 365, "censoring": "survival"}
        source = ingested(
            ingest_config("manifest", head_cohort.write(own / "manifest.csv"), head_cohort.OPTIONS)
        )
        stage = prepared(
            source, label=label, heads=heads, split=head_cohort.SPLIT,
            modalities=head_cohort.MODALITIES, text={"width": 8, "ngram": [1, 1]},
        )  # fmt: skip
        task = head_cohort.task().model_dump(mode="json")
        config = task_config(label=label, heads=heads, model=task["model"], fit=task["fit"])
        return _evaluated(trained(audited(stage, label=label), config), config)

    return make


def _media(folder: Path, split: str = "holdout") -> Example:
    stage = media.cohort(folder / f"media_{split}", patients=360, split=split)
    task = media.task()
    with pytest.MonkeyPatch.context() as patch:
        # What a bundle of pictures and sounds holds is tested with the bundle.
        patch.setattr(run, "bundle", lambda *args, **more: None)
        patch.setattr(run, "bundle_deviation", lambda *args, **more: 0.0)
        return _evaluated(media.trained_with_singles(stage, task), task)


def _embedded(folder: Path, **split: Any) -> Example:
    own = folder / ("embedded_folds" if split else "embedded")
    with pytest.MonkeyPatch.context() as patch:
        # What a bundle of embeddings holds is tested with the bundle.
        patch.setattr(run, "bundle", lambda *args, **more: None)
        patch.setattr(run, "bundle_deviation", lambda *args, **more: 0.0)
        task = embedded.task("logistic_regression", "random_forest")
        if split:  # what folds do not change is looked at in the other
            task = embedded.task("logistic_regression", skip=embedded.PLAIN)
        return _evaluated(trained(embedded.audited_cohort(own, **split), task), task)


def _events(folder: Path) -> Example:
    own = folder / "events"
    own.mkdir()
    source = ingested_stays(write_stays(own, stays=160, longest=20))
    split = {"method": "holdout", "fractions": [0.4, 0.2, 0.4]}
    stage = prepared_stays(source, split=split)
    task = task_config(
        label=event_cohort.LABEL,
        evaluate={"draws": 100, "learning_curve": {"draws": 2, "shares": [0.5, 1.0]}},
        model={"name": "event_transformer", "d_model": 8, "layers": 1, "heads": 2,
               "feedforward": 8, "pool_heads": 2, "hidden": [8, 4]},
        fit=FIT | {"epochs": 8, "batch": 16, "lr": 0.01, "patience": 8},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        # What a bundle of sequences holds is tested with the bundle.
        patch.setattr(run, "bundle", lambda *args, **more: None)
        patch.setattr(run, "bundle_deviation", lambda *args, **more: 0.0)
        return _evaluated(trained(audited(stage, label=event_cohort.LABEL), task), task)


_MAKERS: dict[str, Callable[[Path], Example]] = {
    "holdout": _holdout, "folds": _folds, "ecg": _ecg, "shuffled": _shuffled, "heads": _heads,
    "several": _several, "survival": _first("survival"), "risk": _first("risk"),
    "media": _media, "media_folds": lambda folder: _media(folder, "folds"),
    "embedded": _embedded, "events": _events,
    "embedded_folds": lambda folder: _embedded(folder, method="folds", folds=2, repeats=2),
}  # fmt: skip


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[Timed]:
    """Return a cohort with times, trained on in two folds twice, and its view of times."""
    folder = tmp_path_factory.mktemp("timed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, folder, migrated_store)
        source = ingested(ingest_config("table", write_cohort(folder), OPTIONS))
        stage = prepared(
            source, label=LABEL_AT, split={"method": "folds", "folds": 2, "repeats": 2}
        )
        task = task_config(
            label=LABEL | LABEL_AT,
            fit=FIT | {"refit": False},
            evaluate={"draws": 100, "survival": {"horizons_days": [180, 9999]}},
        )
        context = timed_context(trained(audited(stage, label=LABEL_AT), task), task)
        found = follow_up(context)
        yield Timed(context, found, survival_view.analyse(context), stage)
    torch.set_num_threads(threads)
