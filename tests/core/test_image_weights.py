"""`model.image_weights`: a local file, kept by its content, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from components.core.config.task import TaskConfig
from components.core.errors import InputError
from components.core.files import file_hash
from components.core.image_weights import BODY, PREFIX, image_weights, resolve_image_weights
from components.core.models.blocks.resnet2d import ResNet2d
from components.core.pretrained import resolve
from tests.chain import task_config


def task(reference: Path | str) -> TaskConfig:
    return task_config(model={"name": "multimodal", "image_weights": str(reference)})


def saved(file: Path, *, prefix: str = "") -> Path:
    file.parent.mkdir(exist_ok=True)
    torch.manual_seed(0)
    state = ResNet2d(1, width=4, depth=1, dropout=0.0).state_dict()
    save_file({f"{prefix}{key}": value for key, value in state.items()}, str(file))
    return file


@pytest.mark.parametrize("prefix", ["", BODY])
@pytest.mark.parametrize("folder", [True, False])
def test_the_setting_becomes_the_content(
    data_folder: Path, tmp_path: Path, prefix: str, *, folder: bool
) -> None:
    file = saved(tmp_path / "elsewhere" / "best.safetensors", prefix=prefix)
    found = resolve(task(file.parent if folder else file))
    digest = file_hash(file)
    assert found.model["image_weights"] == f"{PREFIX}{digest}"
    file.unlink()
    kept = image_weights(found.model)
    assert kept is not None
    assert kept.is_relative_to(data_folder)
    assert file_hash(kept) == digest
    assert resolve(found) == found


def test_the_same_file_is_copied_once(data_folder: Path, tmp_path: Path) -> None:
    file = saved(tmp_path / "a.safetensors")
    first, second = resolve_image_weights(task(file)), resolve_image_weights(task(file))
    assert first == second
    assert len(list((data_folder / "image_weights").glob("*.safetensors"))) == 1


def test_without_the_setting_nothing_happens(data_folder: Path) -> None:
    plain = task_config()
    assert resolve(plain) is plain
    assert image_weights(plain.model) is None
    assert resolve(task("")) == task("")


def test_a_missing_file_is_named(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"names '.*none', but there is no file '.*none'; name a"):
        resolve(task(tmp_path / "none"))
    with pytest.raises(InputError, match=r"there is no file '.*best.safetensors'"):
        resolve(task(tmp_path))


def test_what_is_no_safetensors_file(data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"other")
    with pytest.raises(InputError, match=r"weights', is no safetensors file \("):
        resolve(task(tmp_path / "weights"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_an_older_script_is_told_why(
    data_folder: Path, tmp_path: Path, *, zipped: bool
) -> None:
    state = {"ecg_branch.0.weight": torch.zeros(2)}
    torch.save(state, tmp_path / "model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"image_weights names '.*model.bin', a checkpoint of an"):
        resolve(task(tmp_path / "model.bin"))
    (tmp_path / "model.bin").rename(tmp_path / "best_model.pth")
    with pytest.raises(InputError, match=r"folder of model.image_weights names 'best_model.pth'"):
        resolve(task(tmp_path))


def test_weights_of_something_else(data_folder: Path, tmp_path: Path) -> None:
    save_file({"fc.weight": torch.zeros(2)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(InputError, match=r"other.safetensors', holds no image body of this"):
        resolve(task(tmp_path / "other.safetensors"))


def test_a_copy_that_has_changed_or_is_not_there(data_folder: Path, tmp_path: Path) -> None:
    found = resolve(task(saved(tmp_path / "a.safetensors")))
    kept = image_weights(found.model)
    assert kept is not None
    kept.write_bytes(b"other")
    with pytest.raises(InputError, match=r"names 'image:.*, which is not in this data folder or"):
        image_weights(found.model)
    kept.unlink()
    with pytest.raises(InputError, match="name the file itself again"):
        resolve(found)
