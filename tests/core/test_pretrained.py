"""`model.init_from` becomes the hash of what it names, or says why it cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.core import pretrained, registry, stages
from components.core.config.task import TaskConfig
from components.core.data.patient_set import read_patient_set, write_patient_set
from components.core.errors import CardioError, ConfigError, InputError
from components.core.pretrained import open_trunk, resolve, trunk_folder, trunk_identity
from tests.bundles import write_toy_bundle
from tests.pretrained import TRUNK, VERSION, cohort, source, task, write_trunk


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bundle with a trunk, made once."""
    folder = tmp_path_factory.mktemp("trunk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        patch.delenv("CARDIO_PATIENT_KEY", raising=False)
        stage = cohort(source(folder / "raw"), modalities=("tabular",))
        yield write_trunk(folder / "bundle", stage)


@pytest.fixture
def bundle(made: Path, tmp_path: Path, data_folder: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "bundle"))


def starting(bundle: Path | str, **model: Any) -> TaskConfig:
    return task({"init_from": str(bundle), **model})


def test_a_folder_becomes_the_hash_of_its_content(bundle: Path, data_folder: Path) -> None:
    found = resolve(starting(bundle))
    name = found.model["init_from"]
    assert name.startswith("trunk:")
    assert len(name) == len("trunk:") + 32
    assert str(bundle) not in found.to_yaml()
    assert resolve(found) == found
    trunk = open_trunk(found.model)
    assert trunk is not None
    assert trunk.facts.version == VERSION
    assert trunk.name == f"'toy' {VERSION[:12]}"
    files = {p.name for p in trunk.folder.iterdir()}
    assert files == {
        "bundle.json", "weights.safetensors", "spec.json", "norm_stats.json",
        "training_patients.json",
    }  # fmt: skip
    assert {p.name for p in data_folder.iterdir()} == {"trunks"}
    moved = bundle.rename(bundle.with_name("elsewhere"))
    assert resolve(starting(moved)) == found


def test_without_a_reference_nothing_happens(data_folder: Path) -> None:
    own = task()
    assert resolve(own) is own
    assert open_trunk(own.model) is None
    assert trunk_identity({"name": "ecg"}) == {}
    assert not data_folder.exists()


@pytest.mark.parametrize("file", ["member0/weights.safetensors", "training_patients.json"])
def test_another_content_is_another_identity(bundle: Path, file: str) -> None:
    first = resolve(starting(bundle))
    (bundle / file).write_bytes((bundle / file).read_bytes() + b" ")
    second = resolve(starting(bundle))
    assert first.model["init_from"] != second.model["init_from"]
    for component in ("audit", "train"):
        one, other = (stages.stage_config(component, each) for each in (first, second))
        assert one["init_from"] != other["init_from"]
    assert stages.stage_config("evaluate", first) == stages.stage_config("evaluate", second)


def test_another_version_is_another_identity(bundle: Path) -> None:
    first = resolve(starting(bundle)).model["init_from"]
    facts = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(facts | {"version": "b" * 32}))
    assert resolve(starting(bundle)).model["init_from"] != first


def test_a_registered_reference_is_asked_of_the_registry(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def found(reference: str) -> Path:
        asked.append(reference)
        return bundle

    monkeypatch.setattr(pretrained, "bundle_folder", found)
    own = resolve(starting("models:/toy_head@champion"))
    assert asked == ["models:/toy_head@champion"]
    assert f"the trunk of models:/toy_head@champion is {own.model['init_from']}" in (
        capsys.readouterr().err
    )
    assert own == resolve(starting(bundle))


def test_a_reference_to_nothing(workspace: Any) -> None:
    with pytest.raises(InputError, match="the registry has no 'models:/no_head@champion'"):
        resolve(starting("models:/no_head@champion"))
    with pytest.raises(InputError, match="is neither a run of this tracking store nor a folder"):
        resolve(starting("f" * 32))
    assert pretrained.bundle_folder is registry.bundle_folder


def test_a_fingerprint_needs_the_hash(bundle: Path) -> None:
    for component in ("audit", "train"):
        with pytest.raises(CardioError, match="was used before it was resolved"):
            stages.stage_config(component, starting(bundle))
    with pytest.raises(CardioError, match="this is a fault of the software"):
        trunk_folder({"init_from": "models:/toy_head@champion"})


def test_a_copy_that_is_not_there_or_was_changed(bundle: Path, data_folder: Path) -> None:
    gone = "trunk:" + "0" * 32
    with pytest.raises(InputError, match=f"'{gone}', which is not in this data folder; name the"):
        resolve(starting(gone))
    own = resolve(starting(bundle))
    folder = trunk_folder(own.model)
    assert folder is not None
    write_patient_set(folder, ["someone else"])
    with pytest.raises(InputError, match=r"has changed since it was made; delete the folder data/"):
        resolve(own)


def test_a_killed_copy_is_made_again(bundle: Path, data_folder: Path) -> None:
    own = resolve(starting(bundle))
    folder = trunk_folder(own.model)
    assert folder is not None
    shutil.rmtree(folder)
    left = folder.with_name(f".tmp-{folder.name}")
    left.mkdir()
    (left / "spec.json").write_text("half")
    assert resolve(starting(bundle)) == own
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("file", ["bundle.json", "member0/spec.json", "member0/norm_stats.json"])
def test_a_damaged_bundle(bundle: Path, file: str) -> None:
    (bundle / file).unlink()
    if file == "bundle.json":
        (bundle / file).write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"that model.init_from names cannot be read \("):
        resolve(starting(bundle))


def test_a_model_without_a_trunk(tmp_path: Path, data_folder: Path) -> None:
    with pytest.raises(InputError, match=r"a model 'ecg\+tabular' without a trunk; name one"):
        resolve(starting(write_toy_bundle(tmp_path)))


def test_every_width_that_differs_is_named_with_both_numbers(bundle: Path) -> None:
    wrong = starting(bundle, hidden_size=16, tabular_hidden=6, head_hidden=99, width=32)
    message = (
        r"the trunk of 'toy' aaaaaaaaaaaa does not fit this model: model.hidden_size is 16 here "
        r"and 8 there, model.tabular_hidden is 6 here and 4 there; set model.hidden_size=8 "
        r"model.tabular_hidden=4$"
    )
    with pytest.raises(ConfigError, match=message):
        resolve(wrong)
    assert TRUNK["hidden_size"] == 8


def test_the_list_of_patients_is_of_train_and_validation(bundle: Path) -> None:
    listed = read_patient_set(bundle)
    assert listed is not None
    assert len(listed.hashes) == 30
    assert listed.complete
