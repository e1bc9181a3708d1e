"""Learning rates of branches, settings that need branches, and the branches' own losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, ConfidenceHead, HeadMap
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.train.branches import branches_of, check_branches, parameter_groups
from components.train.losses import JointLoss
from tests.train.branched import network, run
from tests.train.test_fit import TABULAR
from tests.train.test_fit import run as run_plain

Parts = tuple[Rows, Rows]
FACTORS = {"pcg": 2.0, "tabular": 0.5}


def config(**settings: Any) -> FitConfig:
    return FitConfig.model_validate(settings)


def test_a_group_holds_a_branch_and_its_own_heads(branched: Parts) -> None:
    model = network(branched[0])
    assert list(branches_of(model)) == ["ecg_image", "pcg", "tabular"]
    groups = parameter_groups(model, model, config(lr=0.1, lr_multipliers=FACTORS))
    assert [group.get("lr") for group in groups] == [None, pytest.approx(0.2), pytest.approx(0.05)]
    names = {id(p): name for name, p in model.named_parameters()}
    for group, branch in zip(groups[1:], FACTORS, strict=True):
        found = {names[id(p)] for p in group["params"]}
        starts = (f"branches.{branch}.", f"own_heads.{branch}.")
        assert found == {name for name in names.values() if name.startswith(starts)}
    every = [id(p) for group in groups for p in group["params"]]
    assert sorted(every) == sorted(names)


def test_what_is_frozen_is_in_no_group(branched: Parts) -> None:
    model = network(branched[0])
    branches_of(model)["pcg"].requires_grad_(False)
    (first, own) = parameter_groups(model, model, config(lr_multipliers={"pcg": 2.0}))
    assert all(p.requires_grad for p in [*first["params"], *own["params"]])
    model.get_submodule("own_heads.pcg").requires_grad_(False)
    assert len(parameter_groups(model, model, config(lr_multipliers={"pcg": 2.0}))) == 1


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_the_factors_hold_under_both_schedules(
    branched: Parts, tmp_path: Path, schedule: str
) -> None:
    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == 7:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(branched, tmp_path, epochs=9, patience=6, schedule=schedule, lr_multipliers=FACTORS,
            lr=0.05, monitor="auroc", on_epoch=stop)  # fmt: skip
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    rates = [group["lr"] for group in saved["optimizer_states"][0]["param_groups"]]
    assert rates == pytest.approx([rates[0], 2 * rates[0], 0.5 * rates[0]])
    assert 0 < rates[0] < 0.05  # the schedule was at work


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr_multipliers": {"ecg": 2.0}}, "'ecg', for which the model has no branch; its "
         "branches are ecg_image, pcg, tabular"),
        ({"modulation": "ogm_ge", "auxiliary": 0}, "fit.auxiliary=0 leaves untrained; set"),
    ],
)  # fmt: skip
def test_settings_that_the_branches_do_not_fit(
    branched: Parts, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(branched, tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"lr_multipliers": {"tabular": 2.0}}, "fit.lr_multipliers names 'tabular'"),
        ({"modality_dropout": 0.1}, "fit.modality_dropout needs a model with branches"),
        ({"modulation": "ogm_ge"}, "fit.modulation needs a model with branches"),
    ],
)
def test_settings_that_need_branches(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*this model has none: set model.name"):
        check_branches(nn.Linear(1, 2), config(**settings))


@pytest.mark.parametrize(
    ("name", "spoken"),
    [("pcg", "the heart sound"), ("ecg_image", "the ECG image"), ("tabular", "the table")],
)
def test_a_branch_that_no_training_record_teaches(
    branched: Parts, tmp_path: Path, name: str, spoken: str
) -> None:
    train = branched[0]
    if name == "tabular":
        fields = {column: None for column in train.frame if column.startswith("tab.")}
        lacking = Rows(**_fields(train) | {"frame": train.frame.assign(**fields)})
    else:
        lacking = train.take((~train.arrays[name].there).nonzero()[0])
    with pytest.raises(ConfigError, match=f"no record of the train part of fold .* has {spoken}"):
        run((lacking, branched[1]), tmp_path, model=network(train))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"sound_depth": 4}, r"model.sound_depth=4 halves 8 × 20 points to a single one.* to 3 or"),
        ({"image_depth": 5}, r"model.image_depth=5 halves 24 × 36 points to a single .* to 4 or"),
    ],
)
def test_a_depth_that_leaves_one_point(
    branched: Parts, tmp_path: Path, settings: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        run(branched, tmp_path, model=network(branched[0], **settings))
    # The depth that is named instead is trained, one sound of one window in a batch.
    (name, depth), rows = next(iter(settings.items())), branched[0]
    has = rows.arrays["pcg"].there
    alone = rows.take(np.concatenate([(~has).nonzero()[0][:1], has.nonzero()[0][:1]]))
    model = network(rows, **{name: depth - 1})
    run((alone.take(np.array([0, 1])), branched[1]), tmp_path / "one", model=model, epochs=1,
        batch=2, class_weights="none")  # fmt: skip


def test_modulation_of_a_head_of_several_classes(branched: Parts) -> None:
    from components.core.config.heads import SurvivalHead
    from components.train.module import Module

    settings = config(modulation="ogm_ge")
    rows = branched[0]
    frame = rows.frame.assign(time_days=10.0, event_code=rows.frame["label"])
    heads: HeadMap = {"toy": SurvivalHead()}
    with pytest.raises(ConfigError, match=r"fit.modulation=ogm_ge needs a primary head of two"):
        Module(network(rows), Rows(**{**_fields(rows), "frame": frame}), config=settings,
               heads=heads, seed=0)  # fmt: skip


def _fields(rows: Rows) -> dict[str, Any]:
    return {name: getattr(rows, name) for name in Rows.__dataclass_fields__}


def test_own_losses_are_of_the_records_that_have_the_modality(tabular: Parts) -> None:
    heads: HeadMap = {"y": BinaryHead(weight=3.0), "sure": ConfidenceHead(of="y", weight=0.5)}
    joint = JointLoss(heads, tabular[0], config(class_weights="none"))
    torch.manual_seed(0)
    logits = {key: torch.randn(4, 2) for key in ("y", "sure", "y@pcg", "sure@pcg", "y@tabular",
                                                 "sure@tabular", "y@ecg_image")}  # fmt: skip
    label, sure = torch.tensor([0, 1, 1, 0]), torch.tensor([1.0, 0.0, 1.0, 1.0])
    batch = {
        "label": label, "weight": torch.ones(4), "y.sure": sure, "pcg": torch.zeros(4, 3),
        "pcg_mask": torch.tensor([1.0, 0.0, 1.0, 0.0]), "ecg_image_mask": torch.zeros(4),
    }  # fmt: skip
    found = joint.own(logits, batch)
    assert set(found) == {"pcg", "tabular", "ecg_image"}
    for name, use in (("pcg", [0, 2]), ("tabular", [0, 1, 2, 3])):
        y = functional.cross_entropy(logits[f"y@{name}"][use], label[use])
        odds = logits[f"sure@{name}"][use, 1] - logits[f"sure@{name}"][use, 0]
        other = functional.binary_cross_entropy_with_logits(odds, sure[use])
        torch.testing.assert_close(found[name], 3 * y + 0.5 * other)
    assert float(found["ecg_image"]) == 0
    assert joint.own({"y": logits["y"], "sure": logits["sure"]}, batch) == {}


def test_the_total_is_main_and_a_share_of_each_own_loss(branched: Parts, tmp_path: Path) -> None:
    size = len(branched[0])
    found = run(branched, tmp_path, epochs=1, batch=size, auxiliary=0.5)
    row = found.history.iloc[0]
    own = row[["train/loss_ecg_image", "train/loss_pcg", "train/loss_tabular"]]
    assert (own > 0).all()
    assert row["train/loss"] == pytest.approx(row["train/loss_main"] + 0.5 * own.sum(), rel=1e-5)
    alone = run(branched, tmp_path / "alone", epochs=1, batch=size, auxiliary=0)
    assert alone.history["train/loss"][0] == pytest.approx(row["train/loss_main"], rel=1e-6)
    assert not [name for name in alone.history if "loss_" in name]
    # Validation's loss is the main one, whatever is added in training.
    assert found.val is not None
    logit, label = found.val["logit"].to_numpy(), found.val["label"].to_numpy(float)
    each = functional.softplus(torch.tensor((1 - 2 * label) * logit)).numpy()
    weight, shares = found.val["weight"].to_numpy(), class_shares(branched[0])
    expected = (each * weight * shares[label.astype(int)]).mean()
    assert row["val/loss"] == pytest.approx(expected, rel=1e-5)


def class_shares(rows: Rows) -> Any:
    """Return both class weights, directly: equal total weight, mean 1 over the training part."""
    import numpy as np

    total = np.bincount(rows.label, weights=rows.weight)
    each = rows.weight.sum() / (2 * total)
    return each / np.mean(rows.weight * each[rows.label])


def test_models_without_branches_train_as_before(tabular: Parts, tmp_path: Path) -> None:
    first, second = (
        run_plain(tabular, tmp_path / str(share), TABULAR, auxiliary=share) for share in (0.0, 0.5)
    )
    assert first.history.drop(columns="seconds").equals(second.history.drop(columns="seconds"))
    assert "train/loss_main" not in first.history
