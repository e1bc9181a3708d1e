"""The best network of each head and of their mean, the final one, and which of them goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from components.core import store
from components.core.config.heads import BinaryHead
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.metrics.discrimination import auroc
from components.core.metrics.patients import by_patient
from components.core.store import Stage
from components.train import publish
from components.train.fit import FitResult, predictions_of
from components.train.summary import SUMMARY
from components.train.variants import Variant
from tests.chain import task_config, trained
from tests.train.embedded import CPU, HEADS, Parts, cohort, network, parts, run

ALL: dict[str, Any] = {"epochs": 8, "monitor": "auroc", "lr": 0.05, "checkpoints": "all",
                       "patience": 8}  # fmt: skip
FIT: dict[str, Any] = ALL | {"batch": 16, "device": "cpu", "precision": "fp32", "epochs": 2}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        return parts(cohort())


@pytest.fixture(scope="module")
def kept(rows: Parts, tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    return still(rows, tmp_path_factory.mktemp("fit"))


def still(rows: Parts, folder: Path, **settings: Any) -> FitResult:
    """Return a fit whose imputation never improves, so that every epoch may be kept."""
    model = network(rows[0], alpha=0.0)
    return run(rows, folder, model=model, **ALL | settings)


def predicted(rows: Parts, file: Path) -> pd.DataFrame:
    model = network(rows[0])
    model.load_state_dict(load_file(file))
    return predictions_of(model, rows[1], HEADS, place=CPU, train=rows[0])


def judged(frame: pd.DataFrame, name: str) -> float:
    own = frame[["patient_id", "weight"]].assign(
        label=frame[f"truth.{name}"], logit=frame[f"logit.{name}"]
    )
    found = by_patient(own)
    return auroc(found.label, found.logit)


def test_every_head_keeps_its_best_network(rows: Parts, kept: FitResult) -> None:
    history = kept.history
    epochs = {name: each["epoch"] for name, each in kept.checkpoints.items()}
    mean = history[["val/auroc_toy", "val/auroc_other"]].mean(axis=1)
    assert history["val/auroc_mean"].to_numpy() == pytest.approx(mean.to_numpy())
    assert history["val/auroc_toy"].to_numpy() == pytest.approx(history["val/auroc"].to_numpy())
    assert epochs == {
        "kept": int(history["val/auroc"].to_numpy().argmax()),
        "final": 7,
        "toy": int(history["val/auroc_toy"].to_numpy().argmax()),
        "other": int(history["val/auroc_other"].to_numpy().argmax()),
        "mean": int(mean.to_numpy().argmax()),
    }
    assert len({epochs[name] for name in ("toy", "other", "final")}) > 1
    for name in ("toy", "other"):
        each = kept.checkpoints[name]
        assert each["file"] == f"best_{name}.safetensors"
        found = judged(predicted(rows, kept.folder / each["file"]), name)
        assert found == pytest.approx(each["figures"][f"val/auroc_{name}"], abs=1e-6)
    frame = predicted(rows, kept.folder / kept.checkpoints["mean"]["file"])
    both = np.mean([judged(frame, name) for name in HEADS])
    assert both == pytest.approx(kept.checkpoints["mean"]["figures"]["val/auroc_mean"], abs=1e-6)
    last = predicted(rows, kept.folder / "final.safetensors")
    assert judged(last, "toy") == pytest.approx(history["val/auroc"].iloc[-1], abs=1e-6)


@pytest.mark.parametrize("keep", ["mean", "other"])
def test_the_network_that_goes_on(rows: Parts, tmp_path: Path, keep: str) -> None:
    found = still(rows, tmp_path, keep=keep)
    assert found.best_epoch == found.checkpoints[keep]["epoch"]
    assert found.best_epoch == int(found.history[f"val/auroc_{keep}"].to_numpy().argmax())
    best, own = (load_file(found.folder / name) for name in
                 ("best.safetensors", f"best_{keep}.safetensors"))  # fmt: skip
    assert all((best[name] == own[name]).all() for name in best)
    assert not list(tmp_path.glob("*.ckpt"))


def test_without_asking_one_network_is_kept_and_the_others_epochs_told(
    rows: Parts, tmp_path: Path, kept: FitResult
) -> None:
    found = still(rows, tmp_path, checkpoints="best")
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["best.safetensors"]
    assert {n: c["epoch"] for n, c in found.checkpoints.items()} == {
        n: c["epoch"] for n, c in kept.checkpoints.items()
    }
    assert {n: c["file"] for n, c in found.checkpoints.items()} == {
        "kept": "best.safetensors", "final": "", "toy": "", "other": "", "mean": "",
    }  # fmt: skip


def test_a_loss_is_kept_where_it_is_least(rows: Parts, tmp_path: Path) -> None:
    found = still(rows, tmp_path, monitor="loss", epochs=5)
    for name in ("toy", "other", "mean"):
        least = int(found.history[f"val/loss_{name}"].to_numpy().argmin())
        assert found.checkpoints[name]["epoch"] == least
    both = found.history[["val/loss_toy", "val/loss_other"]].sum(axis=1)
    assert found.history["val/loss"].to_numpy() == pytest.approx(both.to_numpy(), rel=1e-5)


def test_one_head_alone_is_its_own_mean(rows: Parts, tmp_path: Path) -> None:
    heads = {"toy": HEADS["toy"]}
    found = run(rows, tmp_path, heads=heads, **ALL | {"epochs": 3, "keep": "mean"})
    assert set(found.checkpoints) == {"kept", "final", "toy"}
    assert found.checkpoints["toy"]["epoch"] == found.best_epoch
    assert not [column for column in found.history if column.endswith(("_toy", "_mean"))]


def test_a_head_that_is_not_there(rows: Parts, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fit.keep is 'third', which is no head; give monitor, "
                                          "mean or one of toy, other"):  # fmt: skip
        run(rows, tmp_path, keep="third")


def test_a_head_with_the_name_of_a_word(rows: Parts, tmp_path: Path) -> None:
    for name in ("mean", "monitor", "kept", "final"):
        with pytest.raises(ConfigError, match=rf"a head cannot be called '{name}', a word of"):
            run(rows, tmp_path, heads={"toy": HEADS["toy"], name: BinaryHead()})


def one_class(rows: Rows) -> Rows:
    from dataclasses import replace

    return replace(rows, frame=rows.frame.assign(**{"y.other": 1.0}))


def test_a_head_that_validation_cannot_judge(rows: Parts, tmp_path: Path) -> None:
    blind = (rows[0], one_class(rows[1]))
    with pytest.raises(ConfigError, match="validation part of fold f0 has one class only for that"):
        run(blind, tmp_path / "a", keep="other")
    found = run(blind, tmp_path / "b", **ALL | {"epochs": 2})
    assert "other" not in found.checkpoints
    assert found.history["val/auroc_mean"].tolist() == found.history["val/auroc_toy"].tolist()


def test_a_variant_of_one_head_keeps_by_its_own_figure(rows: Parts) -> None:
    from components.core.config.fit import FitConfig

    config = FitConfig(keep="other", pretrain_epochs=3)
    alone = {name: Variant(name=f"alone:{name}", heads={name: HEADS[name]}) for name in HEADS}
    assert alone["toy"].settings(config, rows[0]).keep == "monitor"
    assert alone["other"].settings(config, rows[0]).keep == "other"
    only = Variant(name="only:emb_clinical", heads=HEADS, only="emb_clinical")
    assert only.settings(config, rows[0]).pretrain_epochs == 0
    without = Variant(name="without:emb_clinical", heads=HEADS, without="emb_clinical")
    assert without.settings(config, rows[0]).pretrain_epochs == 3


def audit_of(stage: Stage) -> Stage:
    return store.build("audit", "a" * 32, config={}, inputs={"preprocess": stage.fingerprint},
                       compute=lambda work: work.facts.update(refused=""))[0]  # fmt: skip


@pytest.mark.usefixtures("linear_model")
def test_a_training_of_folds_seeds_and_variants_is_summed_up(workspace: Any) -> None:
    settings = {"seeds": (0, 1), "ablate": ["emb_spatial"], "alone": True,
                "pretrain_epochs": 1}  # fmt: skip
    heads = {"toy": {"kind": "binary"},
             "other": {"kind": "binary", "target": "other", "above": 0.5}}  # fmt: skip
    task = task_config(model={"name": "linear"}, heads=heads, fit=FIT | settings)
    done = trained(audit_of(cohort(folds=("f0", "f1"))), task)
    found = json.loads((done.folder / SUMMARY).read_text())
    named = [(each["fold"], each["variant"], each["seed"]) for each in found["networks"]]
    beside = ["without:emb_spatial", "alone:toy", "alone:other"]
    fold = [("", 0), ("", 1), *[(variant, 0) for variant in beside]]
    assert named == [*[(name, *each) for name in ("f0", "f1") for each in fold],
                     ("refit", "", 0), ("refit", "", 1)]  # fmt: skip
    for each in found["networks"]:
        assert each["pretraining_epochs"] == 1
        folder = done.folder / each["folder"]
        for checkpoint in each["checkpoints"].values():
            assert (folder / checkpoint["file"]).is_file()
        assert (folder / "final.safetensors").is_file()
        assert done.facts["checkpoints"][each["folder"]] == each["checkpoints"]
    assert set(found["networks"][0]["checkpoints"]) == {"kept", "final", "toy", "other", "mean"}
    assert set(found["networks"][-1]["checkpoints"]) == {"kept", "final"}
    assert found["options"]["fit"]["checkpoints"] == "all"
    assert found["options"]["heads"]["other"]["target"] == "other"
    assert all(value > 0 for value in found["seconds"].values())
    pictures = [file.parent for file in done.folder.rglob("training_history.png")]
    assert {f"{folder.parent.name}/{folder.name}" for folder in pictures} == {
        "f0/seed0", "f1/seed0",
    }  # fmt: skip
    assert {SUMMARY, "training_history.png"} <= set(_artifacts(done))


def _artifacts(done: Stage) -> list[str]:
    found: list[str] = []

    class Recorder:
        def artifact(self, file: Path, under: str | None = None) -> None:
            found.append(file.name)

        def metrics(self, values: dict[str, float]) -> None:
            assert all(np.isfinite(value) for value in values.values())

    recorder: Any = Recorder()
    publish.stage(done, recorder)
    return found
