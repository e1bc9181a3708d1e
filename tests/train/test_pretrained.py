"""A trunk that is taken over: frozen or trained on, fed as it learned, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from components.core.config.fit import FitConfig
from components.core.data import foldstats
from components.core.data.cohort import read_part
from components.core.errors import ConfigError, InputError
from components.core.members import load_model
from components.core.models.blocks.trunk import TrunkModel
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.pretrained import Pretrained, open_trunk, resolve
from components.core.store import Stage, Workspace
from components.train.pretrained import check_fits, keep_patients, stats_for, take_over
from components.train.variants import variants
from tests.chain import LABEL, audited, trained
from tests.pretrained import FIT, TRUNK, VERSION, cohort, source, task, write_trunk


@pytest.fixture(scope="module")
def home(toy_data: Path) -> Path:
    """The bundle of a trunk of ECG, age and notes."""
    folder = toy_data / "home"
    return write_trunk(folder / "bundle", cohort(source(folder / "raw")))


@pytest.fixture(scope="module")
def raw(toy_data: Path) -> Stage:
    """Other patients: twice the amplitude, forty years older."""
    return source(toy_data / "away", prefix="q", gain=2.0)


@pytest.fixture(scope="module")
def away(raw: Stage) -> Stage:
    return cohort(raw)


@pytest.fixture(scope="module")
def start(home: Path) -> Callable[..., Any]:
    def made(sections: dict[str, Any] | None = None, **model: Any) -> Any:
        return resolve(task({"init_from": str(home), **model}, **(sections or {})))

    return made


@pytest.fixture(scope="module")
def trunk(start: Callable[..., Any]) -> Pretrained:
    found = open_trunk(start().model)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def frozen(away: Stage, start: Callable[..., Any]) -> Stage:
    fit = FIT | {"ablate": ("ecg", "text"), "weight_decay": 0.5}
    return trained(audited(away), start({"fit": fit}))


def weights(stage: Stage, number: int = 0) -> dict[str, torch.Tensor]:
    folder = stage.folder / stage.facts["members"][number]["folder"]
    return load_file(str(folder / "best.safetensors"))


def parts(state: dict[str, torch.Tensor], own: str = "trunk.") -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if name.startswith(own)}


def test_a_frozen_trunk_is_left_as_it_was(frozen: Stage, home: Path) -> None:
    before = load_file(str(home / "member0" / "weights.safetensors"))
    after = weights(frozen)
    assert len(parts(before)) > 20
    for name, value in parts(before).items():  # running statistics of normalisation layers too
        assert torch.equal(after[name], value), name
    heads = parts(before, "heads.")
    assert all(not torch.equal(after[name], value) for name, value in heads.items())
    assert frozen.counts["parameters_trained"] == sum(v.numel() for v in heads.values())
    assert frozen.counts["parameters_trained"] < frozen.counts["parameters"]


def test_the_heads_learn(frozen: Stage) -> None:
    import pandas as pd

    folder = frozen.folder / frozen.facts["members"][0]["folder"]
    loss = pd.read_parquet(folder / "history.parquet")["train/loss"]
    assert loss.iloc[-1] < loss.iloc[0]


def test_inputs_are_encoded_as_the_trunk_learned_them(frozen: Stage, home: Path) -> None:
    own = foldstats.load(frozen.folder / frozen.facts["members"][0]["folder"] / "norm_stats.json")
    theirs = foldstats.load(home / "member0" / "norm_stats.json")
    assert own.origin == VERSION
    assert own == theirs.model_copy(update={"origin": VERSION})
    checklist = json.loads((frozen.folder / "checklist.json").read_text())["holdout"]
    assert any("as the pretrained trunk learned them" in line for line in checklist)
    assert "normalisation fitted on train only" not in checklist


def test_validation_predictions_are_the_bundles_trunk_under_the_new_head(
    frozen: Stage, away: Stage, home: Path
) -> None:
    """Asked anew with everything the bundle's, the new head says what training wrote down."""
    import pandas as pd

    from components.core.device import Place
    from components.core.predict import predict_logits

    spec = DataSpec.model_validate(frozen.facts["specs"]["holdout"])
    folder = frozen.folder / frozen.facts["members"][0]["folder"]
    model = load_model(frozen.facts["model"], spec, folder / "best.safetensors")
    stats = foldstats.load(home / "member0" / "norm_stats.json")
    place = Place(device="cpu", precision="fp32", name="CPU")
    found = [
        predict_logits(model, read_part(away, "holdout", "val", stats=each), place=place)["toy"]
        for each in (stats, None)
    ]
    gap = [each[:, 1] - each[:, 0] for each in found]
    said = pd.read_parquet(folder / "val_predictions.parquet")["logit"]
    np.testing.assert_allclose(gap[0], said, atol=1e-6)
    assert np.abs(gap[1] - said).max() > 1e-3  # the cohort's own statistics are others


def test_ablations_need_other_trunks(frozen: Stage, away: Stage, start: Any) -> None:
    assert [m["variant"] for m in frozen.facts["members"]] == [""]
    rows = read_part(away, "holdout", "train")
    heads = task().all_heads()
    config = FitConfig(ablate=("ecg",), alone=True)
    both = {**heads, "other": heads["toy"]}
    names = [v.name for v in variants(both, rows, config, pretrained=True)]
    assert names == ["", "alone:toy", "alone:other"]
    assert "without:ecg" in [v.name for v in variants(both, rows, config)]


def test_what_was_left_out_is_told(
    away: Stage, start: Any, capsys: pytest.CaptureFixture[str], toy_data: Path
) -> None:
    fit = FIT | {"ablate": ("ecg",), "epochs": 1}
    trained(audited(away), start({"fit": fit}))
    told = capsys.readouterr().err
    assert "train: trunk of the model 'toy' aaaaaaaaaaaa, frozen, the heads alone" in told
    assert "without:ecg left out, which would need other trunks" in told
    assert str(toy_data) not in told


def test_training_on_starts_from_the_trunk(away: Stage, start: Any, home: Path) -> None:
    before = parts(load_file(str(home / "member0" / "weights.safetensors")))
    slow = {"fit": FIT | {"lr": 1e-9, "epochs": 1}}
    stage = trained(audited(away), start(slow, freeze=False))
    near = parts(weights(stage))
    counted = {n for n in before if "running" in n or "num_batches" in n}
    assert all(torch.allclose(near[n], before[n], atol=1e-6) for n in before if n not in counted)
    assert any(not torch.equal(near[n], before[n]) for n in counted)
    assert stage.counts["parameters_trained"] == stage.counts["parameters"]
    moved = parts(weights(trained(audited(away), start(freeze=False))))
    assert not torch.allclose(moved["trunk.fuse.0.weight"], before["trunk.fuse.0.weight"])


def test_a_frozen_trunk_drops_nothing_and_has_no_gradient(trunk: Pretrained) -> None:
    model = build_model(TRUNK | {"init_from": "trunk:x", "dropout": 0.5}, trunk.spec)
    assert isinstance(model, TrunkModel)
    model.train()
    assert model.training
    assert model.heads.training
    assert not any(module.training for module in model.trunk.modules())
    batch = {
        "ecg": torch.randn(4, 8, trunk.spec.length), "ecg_lead_mask": torch.ones(4, 8),
        "text": torch.randn(4, trunk.spec.text), "tabular": torch.randn(4, trunk.spec.tabular),
    }  # fmt: skip
    assert torch.equal(model.hidden(batch), model.hidden(batch))
    sum(logits.sum() for logits in model(batch).values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is None for p in model.trunk.parameters())
    assert all(p.grad is not None for p in model.heads.parameters())
    free = build_model(TRUNK | {"init_from": "trunk:x", "freeze": False}, trunk.spec)
    assert all(p.requires_grad for p in free.train().parameters())
    assert all(module.training for module in free.modules())


def test_folds_and_refit_share_the_trunk(raw: Stage, start: Any, home: Path) -> None:
    split = {"method": "folds", "folds": 2, "repeats": 1}
    stage = trained(audited(cohort(raw, split=split)), start())
    assert [m["fold"] for m in stage.facts["members"]] == ["r0f0", "r0f1", "refit"]
    before = parts(load_file(str(home / "member0" / "weights.safetensors")))
    for number in range(3):
        after = weights(stage, number)
        assert all(torch.equal(after[name], value) for name, value in before.items())
        folder = stage.folder / stage.facts["members"][number]["folder"]
        assert foldstats.load(folder / "norm_stats.json").origin == VERSION


def test_a_confidence_head_is_judged_on_the_same_trunk(raw: Stage, start: Any) -> None:
    heads = {"toy": {"kind": "binary"}, "sure": {"kind": "confidence", "of": "toy"}}
    control = LABEL | {"shuffle": 1}  # dealt out anew, so that some answers are wrong
    own = start({"heads": heads, "label": control, "fit": FIT | {"epochs": 1}})
    stage = trained(audited(cohort(raw, heads=heads, label=control), label=control), own)
    states = [weights(stage)]
    states += [load_file(str(f)) for f in stage.folder.glob("variants/*/*/*/best.safetensors")]
    assert len(states) == 4
    assert all(torch.equal(s["trunk.fuse.0.bias"], states[0]["trunk.fuse.0.bias"]) for s in states)


def test_whom_the_trunk_had_seen_is_kept(trunk: Pretrained, tmp_path: Path, home: Path) -> None:
    keep_patients(trunk, Workspace(folder=tmp_path))
    kept = tmp_path / "pretrained" / "training_patients.json"
    assert kept.read_bytes() == (home / "training_patients.json").read_bytes()
    bare = tmp_path / "bare"
    bare.mkdir()
    keep_patients(replace(trunk, folder=bare), Workspace(folder=tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"modalities": ("tabular", "text")},
         r"number of leads of the cohort \w{12}: 0; the trunk of the model 'toy' aaaaaaaaaaaa was "
         r"trained with 8; prepare it with the settings of that model, or train a trunk of its"),
        ({"ecg": {"length": 800}},
         r"length of the ECGs in samples of the cohort \w{12}: 800; .* was trained with 1000; "),
        ({"ecg": {"length": 1000, "highpass_hz": 0.5}},
         r"preprocess.ecg.highpass_hz of the cohort \w{12}: 0.5; .* trained with None; prepare"),
        ({"modalities": ("ecg", "tabular")},
         r"width of the embedded notes of the cohort \w{12}: 0; .* was trained with [1-9]"),
        ({"modalities": ("ecg", "text")},
         r"number of clinical fields of the cohort \w{12}: 0; .* was trained with 1; bring age"),
        ({"notes": {"mask": False}},
         r"notes_masked of the cohort \w{12}: False; .* was trained with True; prepare it with"),
    ],
)  # fmt: skip
def test_a_cohort_of_another_kind(
    raw: Stage, trunk: Pretrained, sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_fits(trunk, cohort(raw, **sections))


def test_a_lead_order_or_a_field_of_another_kind(away: Stage, trunk: Pretrained) -> None:
    ecg = away.facts["ecg"] | {"leads": away.facts["ecg"]["leads"][::-1]}
    with pytest.raises(InputError, match=r"order of leads of the cohort .*V6, .* with I, "):
        check_fits(trunk, replace(away, facts=away.facts | {"ecg": ecg}))
    facts = trunk.facts.model_copy(update={"features": {"age": "categorical"}})
    message = r"clinical fields of the .*: age \(numeric\); .* age \(categorical\); set preproc"
    with pytest.raises(InputError, match=message):
        check_fits(replace(trunk, facts=facts), away)
    more = trunk.facts.model_copy(update={"features": {}})
    with pytest.raises(
        InputError, match=r"number of clinical fields .*: 1; .* trained with 0; set"
    ):
        check_fits(replace(trunk, facts=more), away)


def test_notes_that_the_trunk_would_not_read(away: Stage, trunk: Pretrained) -> None:
    deaf = replace(trunk, spec=trunk.spec.model_copy(update={"text": 0}))
    with pytest.raises(InputError, match=r"width of the embedded notes .*: \d+; .* trained with 0"):
        check_fits(deaf, away)
    wide = replace(away, facts=away.facts | {"text_encoder": {"width": 768}})
    with pytest.raises(InputError, match=r"width of the embedded notes of .*: 768; .* with \d+;"):
        check_fits(trunk, wide)


def test_a_trunk_without_ecg_is_no_less_particular(raw: Stage, away: Stage, toy_data: Path) -> None:
    table = cohort(raw, modalities=("tabular",))
    bundle = write_trunk(toy_data / "table" / "bundle", table)
    found = open_trunk(resolve(task({"init_from": str(bundle)})).model)
    assert found is not None
    check_fits(found, table)
    with pytest.raises(InputError, match=r"number of leads of .*: 8; .* was trained with 0"):
        check_fits(found, away)


def test_weights_that_do_not_fit_or_a_model_without_a_trunk(
    trunk: Pretrained, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trunk.folder, tmp_path / "copy"))
    model = build_model(TRUNK, trunk.spec)
    wide = build_model(TRUNK | {"hidden_size": 9}, trunk.spec)
    message = r"the weights of the model 'toy' aaaaaaaaaaaa that model.init_from names do not fit"
    with pytest.raises(InputError, match=message):
        take_over(wide, trunk)
    (folder / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match=message):
        take_over(model, replace(trunk, folder=folder))
    with pytest.raises(ConfigError, match=r"needs a model with a trunk; set model.name=trunk"):
        take_over(torch.nn.Linear(1, 1), trunk)
    assert stats_for(trunk, "f9").fold == "f9"
