"""A training of the network of branches: variants, facts, and weights that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from components.core import store
from components.core.config.fit import FitConfig
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.image_weights import BODY, resolve_image_weights
from components.core.members import Member, load_model
from components.core.models.blocks.resnet2d import ResNet2d
from components.core.models.spec import DataSpec
from components.core.store import Stage
from components.train.image_weights import start_image_branch
from components.train.variants import Variant, variants
from tests.chain import task_config, trained
from tests.train.branched import HEADS, SMALL, network

FIT: dict[str, Any] = {"epochs": 1, "batch": 8, "device": "cpu", "precision": "fp32"}
Parts = tuple[Rows, Rows]


def passed(stage: Stage) -> Stage:
    """Return an audit of the cohort that passed."""
    inputs = {"preprocess": stage.fingerprint}
    print_ = store.fingerprint("audit", config={}, inputs=inputs, libraries={}, source="test")
    return store.build("audit", print_, config={}, inputs=inputs, compute=lambda work: None)[0]


@pytest.fixture
def audit(cohort: Callable[..., Stage]) -> Stage:
    return passed(cohort(ecg=False, arrays=("ecg_image", "pcg")))


def test_each_modality_alone_on_the_same_records(audit: Stage) -> None:
    settings = {"singles": True, "ablate": ["pcg"], "lr_multipliers": {"pcg": 2.0},
                "modulation": "ogm_ge", "modality_dropout": 0.2}  # fmt: skip
    done = trained(audit, task_config(model=SMALL, fit=FIT | settings))
    members = [Member.model_validate(m) for m in done.facts["members"]]
    names = ["", "without:pcg", "only:tabular", "only:ecg_image", "only:pcg"]
    assert [m.variant for m in members] == names
    asked = []
    for member in members:
        val = pd.read_parquet(done.folder / member.folder / "val_predictions.parquet")
        asked.append(val["sample_id"].tolist())
        spec = DataSpec.model_validate(done.facts["specs"][member.spec_key])
        model = load_model(done.facts["model"], spec, done.folder / member.folder /
                           "best.safetensors")  # fmt: skip
        branches = [name for name, _ in model.get_submodule("branches").named_children()]
        there = {"": ["ecg_image", "pcg", "tabular"], "without:pcg": ["ecg_image", "tabular"]}
        assert branches == there.get(member.variant, [member.variant.removeprefix("only:")])
    assert all(each == asked[0] for each in asked)


def test_how_the_classes_were_balanced_is_told(audit: Stage) -> None:
    settings = {"sampler": "balanced", "class_weights": "none", "singles": True}
    done = trained(audit, task_config(model=SMALL, fit=FIT | settings))
    found = done.facts["balance"]
    singles = {f"only:{name}/holdout" for name in ("tabular", "ecg_image", "pcg")}
    assert set(found) == {"holdout", *singles}
    frame = pd.read_parquet(store.read_stage(audit.input_folder("preprocess")).folder /
                            "manifest.parquet")  # fmt: skip
    label = frame.loc[(frame["part.holdout"] == "train"), "label"].dropna()
    own = found["holdout"]
    assert (own["positives"], own["records"]) == (int(label.sum()), len(label))
    assert own["strategy"] == "sampler"
    assert own["said"].startswith(f"{int(label.sum())} with the event (")


def test_variants_are_of_what_the_model_looks_at(branched: Parts) -> None:
    rows, config = branched[0], FitConfig(singles=True)
    assert [v.name for v in variants(HEADS, rows, config, inputs=("pcg", "tabular"))] == [
        "", "only:tabular", "only:pcg",
    ]  # fmt: skip
    assert len(variants(HEADS, rows, config, inputs=("pcg",))) == 1
    assert len(variants(HEADS, rows, config, pretrained=True)) == 1
    assert len(variants(HEADS, rows, FitConfig())) == 1


def test_a_variant_has_no_rate_of_what_it_lacks(branched: Parts) -> None:
    config = FitConfig(lr_multipliers={"pcg": 2.0, "tabular": 0.5}, batch=7)
    for variant, kept in (
        (Variant(name="", heads=HEADS), {"pcg": 2.0, "tabular": 0.5}),
        (Variant(name="without:pcg", heads=HEADS, without="pcg"), {"tabular": 0.5}),
        (Variant(name="only:pcg", heads=HEADS, only="pcg"), {"pcg": 2.0}),
    ):
        found = variant.settings(config, variant.seen(branched[0]))
        assert (found.lr_multipliers, found.batch) == (kept, 7)


def body(file: Path, *, width: int = 4) -> Path:
    torch.manual_seed(9)
    state = ResNet2d(1, width=width, depth=1, dropout=0.0).state_dict()
    save_file(state, str(file))
    return file


def test_the_image_branch_starts_from_the_file(branched: Parts, tmp_path: Path) -> None:
    file = body(tmp_path / "body.safetensors")
    plain, model = network(branched[0]), start_image_branch(network(branched[0]), file)
    state, kept = model.state_dict(), load_file(str(file))
    for name, value in plain.state_dict().items():
        expected = kept[name.removeprefix(BODY)] if name.startswith(BODY) else value
        assert torch.equal(state[name], expected)
    save_file(state, str(tmp_path / "whole.safetensors"))
    again = start_image_branch(network(branched[0], seed=3), tmp_path / "whole.safetensors")
    assert torch.equal(again.state_dict()[f"{BODY}stem.weight"], kept["stem.weight"])


def test_a_network_without_an_image_branch_stays_as_it_is(branched: Parts, tmp_path: Path) -> None:
    alone = network(branched[0].only("pcg"))
    before = {key: value.clone() for key, value in alone.state_dict().items()}
    after = start_image_branch(alone, body(tmp_path / "b.safetensors")).state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_weights_of_another_width(branched: Parts, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"do not fit the image branch \(.*set model.image_width"):
        start_image_branch(network(branched[0]), body(tmp_path / "b.safetensors", width=8))


def test_training_starts_from_them_and_says_which(audit: Stage, tmp_path: Path) -> None:
    file = body(tmp_path / "body.safetensors")
    settings = FIT | {"lr": 1e-12, "weight_decay": 0.0, "refit": False}
    task = task_config(model=SMALL | {"image_weights": str(file)}, fit=settings)
    done = trained(audit, resolve_image_weights(task))
    digest = done.facts["image_weights"]["sha256"]
    assert done.facts["model"]["image_weights"] == f"image:{digest}"
    (member,) = done.facts["members"]
    state = load_file(str(done.folder / member["folder"] / "best.safetensors"))
    torch.testing.assert_close(state[f"{BODY}stem.weight"], load_file(str(file))["stem.weight"])


def test_a_cohort_without_images(cohort: Callable[..., Stage], tmp_path: Path) -> None:
    stage = passed(cohort(ecg=False, arrays=("pcg",)))
    task = task_config(model=SMALL | {"image_weights": str(body(tmp_path / "b"))}, fit=FIT)
    with pytest.raises(ConfigError, match="image_weights is set, but the cohort holds no ECG im"):
        trained(stage, resolve_image_weights(task))
