"""Weights that an image branch starts from: `model.image_weights`, resolved to a copy by content.

A folder's name tells about the machine, and its content may be another tomorrow. So before a
fingerprint is made, the file is copied to `data/image_weights/`, and the setting becomes
`image:<sha256>`, which enters the fingerprint of train by itself. Nothing is ever downloaded.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from components.core import store
from components.core.config.task import TaskConfig
from components.core.errors import InputError, shorten
from components.core.files import file_hash, storage_errors
from components.core.older_checkpoint import refusal, refuse_checkpoint, was_saved_by_torch

PREFIX = "image:"
FOLDER = "image_weights"
SETTING = "image_weights"
# Name of a trained network's weights in its folder.
WEIGHTS = "best.safetensors"
# Where the image's `ResNet2d` lies in a network of branches.
BODY = "branches.ecg_image.encoder.body."
# A tensor that every `ResNet2d` has.
_STEM = "stem.weight"


def resolve_image_weights(task: TaskConfig) -> TaskConfig:
    """Return the task with `model.image_weights` as `image:<sha256>`, the file copied beforehand.

    Raises:
        InputError: there is no such file, it holds no image body, or is a checkpoint of an older
            script.
    """
    reference = str(task.model.get(SETTING) or "")
    if not reference or reference.startswith(PREFIX):
        image_weights(task.model)
        return task
    given = Path(reference)
    file = given / WEIGHTS if given.is_dir() else given
    if not file.is_file():
        for other in sorted(given.glob("*")):
            refuse_checkpoint(other.name, "the folder of model.image_weights")
        raise InputError(
            f"model.image_weights names '{reference}', but there is no file '{file}'; name a "
            f"safetensors file, or a folder with a {WEIGHTS}"
        )
    _check_body(file, reference)
    renamed = {**task.model, SETTING: f"{PREFIX}{_kept(file)}"}
    return task.model_copy(update={"model": renamed})


def image_weights(model: dict[str, Any]) -> Path | None:
    """Return the file that a resolved `model.image_weights` names; None where it is empty.

    Raises:
        InputError: it is not in this data folder, or has changed.
    """
    reference = str(model.get(SETTING) or "")
    if not reference:
        return None
    digest = reference.removeprefix(PREFIX)
    file = _place(digest)
    if not file.is_file() or file_hash(file) != digest:
        raise InputError(
            f"model.image_weights names '{reference}', which is not in this data folder or has "
            "changed; name the file itself again"
        )
    return file


def _place(digest: str) -> Path:
    return store.data_root() / FOLDER / f"{Path(digest).name}.safetensors"


def _kept(file: Path) -> str:
    """Copy the file and return the hash that it is kept under."""
    digest = file_hash(file)
    target = _place(digest)
    with storage_errors(f"the folder data/{FOLDER}"), store.exclusive(FOLDER):
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".tmp-{digest}")  # a killed copy is written over
            shutil.copyfile(file, partial)
            partial.rename(target)
    return digest


def _check_body(file: Path, reference: str) -> None:
    try:
        with safe_open(str(file), framework="np") as opened:
            names = set(opened.keys())
    except (OSError, SafetensorError) as error:
        if isinstance(error, SafetensorError) and was_saved_by_torch(file):
            raise InputError(refusal(reference, "model.image_weights")) from error
        raise InputError(
            f"the file that model.image_weights names, '{reference}', is no safetensors file "
            f"({shorten(error)})"
        ) from error
    if not names & {_STEM, f"{BODY}{_STEM}"}:
        raise InputError(
            f"the file that model.image_weights names, '{reference}', holds no image body of this "
            "project; name the weights of a model with an ECG image branch"
        )
