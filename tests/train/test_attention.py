"""Attention recorded while a network is trained, on a small cohort of event sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from components.core import store
from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.batches import raw_batch
from components.core.data.cohort import read_part
from components.core.device import Place
from components.core.errors import ConfigError
from components.core.members import data_spec, load_model
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.store import Stage
from components.train import publish
from components.train.attention_monitor import attention_monitors, chosen, record_file
from components.train.fit import BEST, FitJob, FitResult, OnEpoch, OnPicture, fit
from components.train.module import Module
from tests.chain import task_config, trained
from tests.event_cohort import LABEL, ingested_stays, prepared_stays, write_stays
from tests.train.conftest import Parts
from tests.train.test_fit import same

CPU = Place("cpu", "fp32", "test")
HEADS: HeadMap = {"mortality": BinaryHead()}
SMALL: dict[str, Any] = {
    "name": "event_transformer", "d_model": 8, "layers": 2, "heads": 2, "feedforward": 8,
    "pool_heads": 2, "hidden": (8, 4), "temporal_weight": 0.2,
}  # fmt: skip
PLAIN: dict[str, Any] = {"epochs": 2, "batch": 8, "lr": 0.01, "monitor": "loss"}


@pytest.fixture(scope="module")
def stage(toy_data: Path) -> Stage:
    folder = toy_data / "stays"
    folder.mkdir()
    return prepared_stays(ingested_stays(write_stays(folder, stays=40, longest=12)))


@pytest.fixture
def stays(stage: Stage) -> Parts:
    return read_part(stage, "holdout", "train"), read_part(stage, "holdout", "val")


def network(stays: Parts) -> nn.Module:
    torch.manual_seed(0)
    return build_model(SMALL, data_spec(stays[0], leads=0, length=0, heads={"mortality": 2}))


def job(
    stays: Parts,
    folder: Path,
    *,
    on_epoch: OnEpoch | None = None,
    on_picture: OnPicture | None = None,
    refit: bool = False,
    **settings: Any,
) -> FitJob:
    config = FitConfig.model_validate(PLAIN | settings)
    return FitJob(train=stays[0], val=None if refit else stays[1], config=config, heads=HEADS,
                  place=CPU, seed=0, folder=folder, on_epoch=on_epoch,
                  on_picture=on_picture)  # fmt: skip


def run(stays: Parts, folder: Path, **more: Any) -> FitResult:
    return fit(network(stays), job(stays, folder, **more))


def records(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for file in sorted((folder / "attention").glob("*.npz")):
        with np.load(file, allow_pickle=False) as stored:
            found[file.name] = dict(stored)
    return found


def test_records_hold_the_first_stays_and_change_no_training(stays: Parts, tmp_path: Path) -> None:
    plain = run(stays, tmp_path / "plain")
    seen: list[tuple[int, str, int]] = []

    def shown(epoch: int, file: Path) -> None:
        with Image.open(file) as picture:
            seen.append((epoch, file.name, picture.width))

    watched = run(stays, tmp_path / "own", on_picture=shown, save_attention_every=2,
                  attention_stays=3)  # fmt: skip
    assert same(plain, watched)
    assert not (tmp_path / "plain" / "attention").exists()
    found = records(tmp_path / "own")
    assert set(found) == {record_file(epoch, place) for epoch in (0, 1) for place in (0, 2)}
    assert seen == [(epoch, f"attention_epoch_{epoch}.png", 1080) for epoch in (0, 1)]
    batch = raw_batch(stays[1], np.arange(3))
    steps = batch["events"].shape[1]
    for own in found.values():
        shapes = {name: value.shape for name, value in own.items()}
        assert shapes == {
            "layers": (2, 3, 2, steps, steps), "pooling": (3, 2, 1, steps), "query": (8,),
            "encoded": (3, steps, 8), "events_valid": (3, steps), "events_hours": (3, steps),
            "row": (3,),
        }  # fmt: skip
        assert own["row"].tolist() == [0, 1, 2]
        assert np.array_equal(own["events_valid"], batch["events_valid"].numpy())
        assert np.array_equal(own["events_hours"], batch["events_hours"].numpy())
        assert np.allclose(own["pooling"].sum(3), 1)
        assert np.allclose(own["layers"].sum(4), own["events_valid"][None, :, None])
    first, last = found[record_file(0, 0)], found[record_file(1, 2)]
    assert not np.allclose(first["query"], last["query"])


def test_the_last_record_is_of_the_weights_of_its_step(stays: Parts, tmp_path: Path) -> None:
    # One epoch of batches after which nothing changes: the record is what the kept weights give.
    steps = len(stays[0]) // 8 + 8
    result = run(stays, tmp_path, epochs=1, save_attention_every=1)
    found = records(tmp_path)
    last = max(place for place in range(steps) if record_file(0, place) in found)
    spec = data_spec(stays[0], leads=0, length=0, heads={"mortality": 2})
    model = load_model(SMALL, spec, result.folder / BEST)
    with torch.no_grad():
        _, own = model.recorded(raw_batch(stays[1], np.arange(4)))  # type: ignore[operator]
    stored = found[record_file(0, last)]
    assert np.allclose(own.layers.numpy(), stored["layers"], atol=1e-6)
    assert np.allclose(own.encoded.numpy(), stored["encoded"], atol=1e-5)


def test_the_loss_of_events_has_the_weights_of_the_head_s(stays: Parts) -> None:
    model = network(stays)
    Module(model, stays[0], config=FitConfig(), heads=HEADS, seed=0)
    label = stays[0].frame["label"].to_numpy(np.int64)
    share = label.mean()
    expected = (0.5 / (1 - share), 0.5 / share)
    assert model.temporal.weights["mortality"] == pytest.approx(expected, rel=1e-6)  # type: ignore[union-attr]


def test_a_resumed_training_records_the_same(stays: Parts, tmp_path: Path) -> None:
    settings = {"epochs": 2, "save_attention_every": 2}
    whole = run(stays, tmp_path / "whole", **settings)

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == 0:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(stays, tmp_path / "cut", on_epoch=stop, **settings)
    assert same(whole, run(stays, tmp_path / "cut", **settings))
    files = [
        {file.name: file.read_bytes() for file in (tmp_path / each / "attention").iterdir()}
        for each in ("whole", "cut")
    ]
    assert len(files[0]) == 6
    assert files[0] == files[1]


def test_stays_beyond_the_cap_are_left_out_and_that_is_said(
    stays: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = raw_batch(stays[1], np.arange(4))["events_valid"].sum(1).int().tolist()
    model = network(stays)
    shortest = min(lengths)
    assert shortest < max(lengths)
    size = model.record_bytes(1, shortest)  # type: ignore[operator]
    run(stays, tmp_path, epochs=1, save_attention_every=50, attention_megabytes=size / 1e6)
    (own,) = records(tmp_path).values()
    assert own["row"].tolist() == [lengths.index(shortest)]
    assert own["events_valid"].shape == (1, shortest)
    said = capsys.readouterr().err
    assert "fit: attention of 1 of 4 validation stay(s) is recorded, 0.0 MB each time" in said
    assert f"0 without an event and 3 beyond fit.attention_megabytes={size / 1e6:g} are" in said


def test_nothing_is_recorded_where_no_stay_fits(
    stays: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(stays, tmp_path, epochs=1, save_attention_every=1, attention_megabytes=1e-6)
    assert records(tmp_path) == {}
    assert "attention of 0 of 4 validation stay(s) is recorded" in capsys.readouterr().err


def test_stays_are_chosen_in_order_below_the_cap(stays: Parts) -> None:
    class Sized:
        def record_bytes(self, records: int, steps: int) -> int:
            return records * steps * 1000

    config = FitConfig(attention_megabytes=0.03)
    # The second would widen the record for both; the third has no event.
    assert chosen(Sized(), [10.0, 20.0, 0.0, 5.0, 10.0, 1.0], config) == [0, 3, 4]  # type: ignore[arg-type]


def test_the_model_itself_is_recorded_not_what_stands_beside_it(stage: Stage) -> None:
    fit_settings = {**PLAIN, "epochs": 1, "device": "cpu", "precision": "fp32",
                    "ablate": ("events",), "save_attention_every": 50}  # fmt: skip
    task = task_config(label=LABEL, model=SMALL, fit=fit_settings)
    seen: list[tuple[str, int, str]] = []
    audit = store.build("audit", "b" * 32, config={}, inputs={"preprocess": stage.fingerprint},
                        compute=lambda work: work.facts.update(refused=""))[0]  # fmt: skip
    done = trained(
        audit, task, on_picture=lambda name, epoch, file: seen.append((name, epoch, file.name))
    )
    assert seen == [("holdout", 0, "attention_epoch_0.png")]
    assert [each["variant"] for each in done.facts["members"]] == ["", "without:events"]
    (file,) = done.folder.rglob("*.npz")
    own = done.folder / done.facts["members"][0]["folder"]
    assert file == own / "attention" / record_file(0, 0)


def test_a_picture_of_every_epoch_is_logged_as_one_image(tmp_path: Path) -> None:
    told: list[tuple[str, str, int]] = []

    class Recorder:
        def image(self, file: Path, key: str, step: int) -> None:
            told.append((file.name, key, step))

    shown = publish.pictures(Recorder())  # type: ignore[arg-type]
    shown("holdout", 0, tmp_path / "a.png")
    shown("r0f1", 3, tmp_path / "b.png")
    assert told == [("a.png", "attention", 0), ("b.png", "attention/r0f1", 3)]


def test_a_refit_records_nothing(stays: Parts, tmp_path: Path) -> None:
    asked = job(stays, tmp_path, refit=True, save_attention_every=1)
    assert attention_monitors(network(stays), asked) == []


def test_a_model_without_attention_is_refused(stays: Parts, tmp_path: Path) -> None:
    spec = DataSpec(tabular=stays[0].tabular.shape[1], heads={"mortality": 2})
    asked = job(stays, tmp_path, save_attention_every=5)
    with pytest.raises(ConfigError, match=r"=5 records attention, but a TabularModel has none"):
        fit(build_model({"name": "tabular"}, spec), asked)


def test_a_cohort_without_sequences_is_refused(stays: Parts, tmp_path: Path) -> None:
    table = (stays[0].without("events"), stays[1].without("events"))
    with pytest.raises(ConfigError, match=r"the cohort holds no event sequences; set it to 0"):
        run(table, tmp_path, save_attention_every=1)
