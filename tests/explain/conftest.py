"""Small trained models, made once, and a method that has the whole interface."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

from components.core import runs
from components.core.attribution.groups import SEGMENTS, Grouped
from components.core.config.explain import ExplainConfig
from components.core.data.cohort import Rows
from components.core.store import Stage, read_stage
from components.explain import method as methods
from components.explain.method import Attributed
from components.explain.subject import Subject
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
from tests.conftest import Workplace

FIT: dict[str, Any] = {
    "epochs": 2, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "fp32",
}  # fmt: skip
HOLDOUT = {"method": "holdout"}
# Every sixth patient's recording is noise alone, in which no beat is found.
NOISE = 6


def _ecg(folder: Path, shuffle: int | None = None) -> Stage:
    # The same folder for both of them: a control is made of the same records.
    folder = folder.with_name("ecgs")
    file = folder / "manifest.csv"
    table = file if file.exists() else write_ecgs(folder)
    source = ingested(ingest_config("manifest", table, {"tabular": TABULAR}))
    label = LABEL | {"shuffle": shuffle}
    ecg = {"length": 1000, "window_days": None}
    stage = prepared(source, label=label, split=HOLDOUT, ecg=ecg)
    model = {"name": "ecg+tabular", "width": 4, "depth": 1}
    task = task_config(fit=FIT | {"seeds": (0, 1)}, model=model, label=label)
    return trained(audited(stage, label=label), task)


TABULAR = {"age": "numeric"}


def write_ecgs(folder: Path) -> Path:
    """Write eighty records, two of the first patient; the sick have inverted T waves."""
    folder.mkdir()
    rng, rows = np.random.default_rng(0), list[dict[str, object]]()
    for i in range(80):
        blank = i % NOISE == 0
        signal = rng.normal(0, 0.1, (8, 1000)) if blank else beats(i, sick=i % 3 == 1)
        path = write_wfdb(folder, f"r{i:03d}", signal)
        rows.append({
            "patient_id": f"private{i // 2:03d}", "recording_id": f"secret{i:03d}", "path": path,
            "label": int(i % 3 == 1), "age": 50 + (7 * i) % 30,
        })  # fmt: skip
    return write_table(folder / "manifest.csv", rows)


def _tabular(folder: Path, split: dict[str, Any], shuffle: int | None = None) -> Stage:
    # The same folder for all of them: a control is made of the same records.
    folder = folder.with_name("tables")
    folder.mkdir(exist_ok=True)
    source = ingested(ingest_config("table", write_tabular_cohort(folder), TABULAR_OPTIONS))
    label = LABEL | {"shuffle": shuffle}
    task = task_config(fit=FIT, label=label)
    return trained(audited(prepared(source, label=label, split=split), label=label), task)


_MAKERS: dict[str, Callable[[Path], Stage]] = {
    "ecg": _ecg,
    "ecg_shuffled": lambda folder: _ecg(folder, shuffle=1),
    "table": lambda folder: _tabular(folder, HOLDOUT),
    "folds": lambda folder: _tabular(folder, {"method": "folds", "folds": 3, "repeats": 2}),
    "shuffled": lambda folder: _tabular(folder, HOLDOUT, shuffle=1),
}


@dataclass(frozen=True)
class Place:
    """A workplace that holds a trained model.

    Attributes:
        work: folder, data, tracking store.
        train: the training.
        run_id: its run.
    """

    work: Workplace
    train: Stage
    run_id: str

    @property
    def cohort(self) -> Stage:
        """Return the prepared cohort."""
        audit = read_stage(self.train.input_folder("audit"))
        return read_stage(audit.input_folder("preprocess"))

    @property
    def manifest(self) -> pd.DataFrame:
        """Return its manifest."""
        return pd.read_parquet(self.cohort.folder / "manifest.parquet")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """Return data folder and fingerprint of a training by its name in `_MAKERS`."""
    folder = tmp_path_factory.mktemp("explained")
    found: dict[str, str] = {}

    def get(name: str) -> tuple[Path, str]:
        if name not in found:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CARDIO_DATA", str(folder / "data"))
                found[name] = _MAKERS[name](folder / name).fingerprint
        return folder / "data", found[name]

    return get


def recorded(train: Stage, component: str = "train", **tags: object) -> str:
    """Enter a finished run of a training in the tracking store and return its id."""
    own: dict[str, object] = {
        runs.TAG_COMPONENT: component, runs.TAG_FINGERPRINT: train.fingerprint,
        "stage.train": train.fingerprint, "task": "toy", **tags,
    }  # fmt: skip
    with runs.open_run("toy", component, own) as recorder:
        return recorder.run_id


@pytest.fixture
def place(workspace: Workplace, made: Callable[[str], tuple[Path, str]]) -> Callable[[str], Place]:
    """Return a workplace with a copy of a training by its name in `_MAKERS`."""

    def get(name: str) -> Place:
        source, print_ = made(name)
        shutil.copytree(source, workspace.data, dirs_exist_ok=True)
        train = read_stage(workspace.data / "train" / print_)
        return Place(workspace, train, recorded(train))

    return get


def halves(rows: Rows, fs: float) -> npt.NDArray[np.int8]:
    """Return QRS in the first half and `rest` in the second; no beat where there is no peak."""
    assert fs == 500.0
    assert rows.reader is not None
    x = (
        rows.reader.ecg(rows.shard, rows.shard_row)
        * rows.reader.scale(rows.shard, rows.shard_row)[..., None]
    )
    found = np.full((len(rows), x.shape[2]), SEGMENTS.index("rest"), np.int8)
    found[:, : x.shape[2] // 2] = SEGMENTS.index("QRS")
    found[x.max((1, 2)) < 0.8] = -1
    return found


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return gradient times (input − baseline), by modality and for an ECG by segment."""
    del config
    batch = subject.batch(index)
    base = subject.baselines(batch)
    own = {name: batch[name].clone().requires_grad_() for name in base}
    total = subject.target({**batch, **own}).sum()
    grads = torch.autograd.grad(total, list(own.values()))
    values = {
        name: (grad * (batch[name] - base[name])).numpy()
        for name, grad in zip(own, grads, strict=True)
    }
    sums = {name: each.reshape(len(index), -1).sum(1) for name, each in values.items()}
    modality = np.stack(list(sums.values()), axis=1).astype(np.float64)
    grouped = {"modality": Grouped(kind="modality", names=tuple(sums), values=modality)}
    if subject.segments is not None:
        grouped["segment"] = _segments(subject, index, values["ecg"])
    gap = subject.log_odds(batch) - subject.log_odds({**batch, **base})
    return Attributed(
        grouped=grouped, values=values, error=modality.sum(1) - gap, remark="a first-order term"
    )


def _segments(
    subject: Subject, index: npt.NDArray[np.int64], ecg: npt.NDArray[np.float32]
) -> Grouped:
    assert subject.segments is not None
    own = subject.segments[index]
    values = np.stack([(ecg * (own == k)[:, None]).sum((1, 2)) for k in range(len(SEGMENTS))], 1)
    values = np.where((own < 0).all(1)[:, None], np.nan, values.astype(np.float64))
    return Grouped(kind="segment", names=SEGMENTS, values=values)


GRADIENT = SimpleNamespace(
    NAME="gradient", TITLE="Gradient times input", ORDER=1,
    why_not=lambda subject: "",
    passes=lambda subject, config: 5.0,
    explain=explain,
)  # fmt: skip
ECG_ONLY = SimpleNamespace(
    NAME="ecg_only", TITLE="Of the ECG", ORDER=2,
    why_not=lambda subject: "" if "ecg" in subject.inputs else "its inputs are tabular",
    passes=lambda subject, config: float(config.steps),
    explain=explain,
)  # fmt: skip


@pytest.fixture
def halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the segmenter be `halves`: two seconds hold too few beats for the real one."""
    monkeypatch.setattr("components.explain.run.segments_of", halves)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, halved: None) -> None:
    """Let discovery find the two methods above, and the segmenter be `halves`."""
    del halved
    found = MappingProxyType({"gradient": GRADIENT, "ecg_only": ECG_ONLY})
    monkeypatch.setattr(methods, "all_methods", lambda: found)
