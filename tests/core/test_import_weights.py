"""A head of the older scripts answers as it did, in this project's order; the rest is refused."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from components.core.errors import ConfigError, InputError
from components.core.import_weights import LAYOUTS, import_head
from components.core.imported_head import PARTS, ImportedHead, load_imported, put_into
from components.core.models.blocks.trunk import TrunkModel
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec

HIDDEN = 24
ORDER = ("dysfunction", "normal")


def older() -> nn.Sequential:
    """Return the module of the older scripts, with drawn weights."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(HIDDEN, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 2))


def saved(folder: Path, content: Any = None) -> Path:
    file = folder / "weights.pt"
    torch.save(older().state_dict() if content is None else content, file)
    return file


def imported(file: Path, **options: Any) -> ImportedHead:
    known: dict[str, Any] = {
        "hidden_size": HIDDEN, "classes": ORDER, "head": "lvef", "layout": "sequential",
    }  # fmt: skip
    return import_head(file, **known | options)


def trunk(**options: int) -> TrunkModel:
    spec = DataSpec(tabular=3, heads={"lvef": 2, "risk": 3})
    model = build_model({"name": "trunk", "hidden_size": HIDDEN, **options}, spec)
    assert isinstance(model, TrunkModel)
    return model.eval()


def test_the_older_modules_probabilities_come_out_after_the_flip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = imported(saved(tmp_path))
    hidden = torch.randn(50, HIDDEN, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = older().eval()(hidden).softmax(1)
    # No tolerance but single precision's: another width of vector unit may sum in another order.
    torch.testing.assert_close(found.probability(hidden), before[:, 0], rtol=0, atol=1e-7)
    assert before[:, 0].std() > 0.01
    assert found.facts.flipped
    assert found.facts.classes == ("normal", "dysfunction")
    said = capsys.readouterr().err
    assert "has 'dysfunction' as output 0, here 'dysfunction' is output 1: its two out" in said
    assert "exchanged" in said


def test_weights_are_the_files_own_but_for_the_exchanged_rows(tmp_path: Path) -> None:
    state = imported(saved(tmp_path)).state
    own = older().state_dict()
    assert torch.equal(state["heads.lvef.0.weight"], own["0.weight"])
    assert torch.equal(state["heads.lvef.0.bias"], own["0.bias"])
    assert torch.equal(state["heads.lvef.3.weight"], own["3.weight"][[1, 0]])
    assert torch.equal(state["heads.lvef.3.bias"], own["3.bias"][[1, 0]])


def test_an_order_that_is_ours_already_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = imported(saved(tmp_path), classes=("normal", "dysfunction"))
    assert torch.equal(found.state["heads.lvef.3.bias"], older().state_dict()["3.bias"])
    assert (found.facts.flipped, found.facts.classes) == (False, ("normal", "dysfunction"))
    assert "its outputs stay as they are" in capsys.readouterr().err
    other = imported(saved(tmp_path), classes=("low", "high"), positive="low")
    assert (other.facts.flipped, other.facts.classes) == (True, ("high", "low"))


@pytest.mark.parametrize("layout", ["net", "fc", "own"])
def test_every_declared_layout_gives_the_same_head(tmp_path: Path, layout: str) -> None:
    own = older().state_dict()
    mine = {part: f"head.{part}" for part in PARTS}
    keys = {part: key for key, part in LAYOUTS.get(layout, {}).items()} or mine
    plain = dict(zip(PARTS, own.values(), strict=True))
    file = saved(tmp_path, OrderedDict((keys[part], plain[part]) for part in reversed(PARTS)))
    declared = layout if layout in LAYOUTS else {key: part for part, key in mine.items()}
    found, first = imported(file, layout=declared), imported(saved(tmp_path))
    assert found.state.keys() == first.state.keys()
    assert all(torch.equal(value, first.state[key]) for key, value in found.state.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_taken_as_they_are(tmp_path: Path, dtype: torch.dtype) -> None:
    halves = {key: value.to(dtype) for key, value in older().state_dict().items()}
    found = imported(saved(tmp_path, halves))
    assert torch.equal(found.state["heads.lvef.0.weight"], halves["0.weight"].float())


def with_(**changes: Any) -> dict[str, Any]:
    """Return the older state dict with some keys changed (`_` stands for a dot)."""
    own: dict[str, Any] = dict(older().state_dict())
    return own | {name.lstrip("k").replace("_", "."): value for name, value in changes.items()}


class Object:
    """Something that pickle would run code for."""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (torch.zeros(3), "holds a Tensor, no state dict; save the older module with torch.save"),
        ([1, 2], "holds a list, no state dict"),
        (Object(), "holds pickled objects other than tensors"),
        (older(), "holds pickled objects other than tensors"),
        ({"state_dict": older().state_dict(), "epoch": 3}, "'state_dict' of 'weights.pt' is a O"),
        (with_(epoch=3), "'epoch' of 'weights.pt' is a int, no tensor; save the older module's"),
        ({0: torch.zeros(2)}, "'weights.pt' has 0 of type int for a key, no name; save"),
        (with_(k4_bias=torch.zeros(2)), "has the keys 0.weight, 0.bias, .*, 4.bias, the declared"),
        (with_(k4_bias=torch.zeros(2)), "; a whole network is not imported: which branches it had"),
        ({}, "has the keys none, the declared layout 0.weight, 0.bias, 3.weight, 3.bias; decl"),
        (with_(k0_weight=torch.zeros(256, 9)), r"'0.weight' of .* \(256, 9\), .* \(256, 24\) \("),
        (with_(k0_bias=torch.zeros(64)), r"'0.bias' of 'weights.pt' has the shape \(64,\), decl"),
        (with_(k3_weight=torch.zeros(3, 256)), r"'3.weight' .* \(3, 256\), declared is \(2, 256"),
        (with_(k3_bias=torch.zeros(1)), r"'3.bias' of 'weights.pt' has the shape \(1,\), decl"),
        (with_(k3_bias=torch.tensor([0.0, np.nan])), "'3.bias' of .* that are not finite; take"),
        (with_(k3_bias=torch.zeros(2).double()), "'3.bias' of 'weights.pt' is torch.float64, t"),
        (with_(k3_bias=torch.zeros(2).int()), "'3.bias' of 'weights.pt' is torch.int32, torch"),
        (with_(k3_bias=torch.zeros(2).to_sparse()), "torch.sparse_coo on cpu; dense float32"),
        (with_(k3_bias=torch.zeros(2, device="meta")), "'3.bias' of .* on meta; dense float32"),
    ],
)
def test_anything_else_is_refused_with_the_reason(
    tmp_path: Path, content: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        imported(saved(tmp_path, content))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:2000])


def _script(file: Path) -> None:
    torch.jit.save(torch.jit.trace(older().eval(), torch.zeros(1, HIDDEN)), str(file))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    "damage",
    [_cut, _script, lambda f: f.write_bytes(b""), lambda f: f.write_text("weights"),
     lambda f: np.savez(f.open("wb"), x=1)],
)  # fmt: skip
def test_what_is_no_whole_file_of_weights_is_refused(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    file = saved(tmp_path)
    damage(file)
    with pytest.raises(InputError, match=r"'weights.pt' (cannot be read as a|holds pickled obj)"):
        imported(file)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file '.*no.pt'; give the older weights.pt"):
        imported(tmp_path / "no.pt")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layout": "sequentiel"}, "no layout 'sequentiel'; did you mean 'sequential'"),
        ({"layout": {}}, "the layout names nothing; map one key of the file to each of first.w"),
        ({"layout": {"a": "first.weight", "b": "first.weight"}}, "names first.weight, first.we"),
        ({"classes": ("dysfunction",)}, "classes is .* name what the older outputs 0 and 1 st"),
        ({"classes": ("dysfunction", "dysfunction")}, "classes is .* name what the older outp"),
        ({"classes": ("a", "b")}, "positive 'dysfunction'; name what the older outputs 0 and"),
        ({"head": "LVEF 50"}, "'head' in the imported head is 'LVEF 50'"),
    ],
)
def test_a_declaration_that_says_too_little_is_refused(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        imported(saved(tmp_path), **options)


def test_the_width_that_was_declared_and_the_files_own_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\(256, 24\), declared is \(256, 1024\)"):
        imported(saved(tmp_path), hidden_size=1024)
    with pytest.raises(InputError, match=r"\(256, 24\), declared is \(128, 24\)"):
        imported(saved(tmp_path), head_hidden=128)


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    found = imported(saved(tmp_path))
    found.save(tmp_path / "head")
    again = load_imported(tmp_path / "head")
    assert again.facts == found.facts
    assert len(found.facts.source_sha256) == 64
    hidden = torch.ones(1, HIDDEN)
    assert torch.equal(again.probability(hidden), found.probability(hidden))
    assert sorted(p.name for p in (tmp_path / "head").iterdir()) == [
        "head.json",
        "head.safetensors",
    ]


def _another_width(folder: Path) -> None:
    facts = json.loads((folder / "head.json").read_text())
    (folder / "head.json").write_text(json.dumps(facts | {"hidden_size": 7}))


@pytest.mark.parametrize(
    "damage",
    [_another_width, lambda f: (f / "head.json").unlink(),
     lambda f: (f / "head.json").write_text("{}"),
     lambda f: (f / "head.safetensors").write_bytes(b"x")],
)  # fmt: skip
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    imported(saved(tmp_path)).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=r"holds no imported head \(.*\); import the weights ag"):
        load_imported(tmp_path)


def test_a_trunk_takes_it_and_keeps_its_other_heads(tmp_path: Path) -> None:
    model, found = trunk(), imported(saved(tmp_path))
    kept = model.heads.heads["risk"].state_dict()["0.weight"].clone()
    put_into(model, found)
    batch = {"tabular": torch.randn(4, 3)}
    with torch.no_grad():
        said = model(batch)["lvef"].softmax(1)[:, 1]
        expected = found.probability(model.hidden(batch))
    torch.testing.assert_close(said, expected, rtol=0, atol=1e-7)
    assert torch.equal(model.heads.heads["risk"].state_dict()["0.weight"], kept)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"hidden_size": 16}, "has 24 hidden features, the model's 16; train the model with"),
        ({"head_hidden": 64}, "has 256 units in its hidden layer, the model's 64; train"),
    ],
)
def test_a_trunk_of_other_widths_is_refused_with_both(
    tmp_path: Path, model: dict[str, int], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        put_into(trunk(**model), imported(saved(tmp_path)))


def test_a_head_that_the_trunk_lacks_or_has_otherwise_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the model has no head 'other', which the imported"):
        put_into(trunk(), imported(saved(tmp_path), head="other"))
    with pytest.raises(InputError, match="'risk' has 2 outputs, the model's 3; train"):
        put_into(trunk(), imported(saved(tmp_path), head="risk"))


@pytest.mark.parametrize("shape", [(3, 7), (HIDDEN,)])
def test_hidden_features_of_another_width_are_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match=r"'lvef' reads 24 hidden features, .* of shape \("):
        imported(saved(tmp_path)).probability(torch.zeros(shape))
