"""Pictures and sounds of a request: files by path or as base64 → what a network's batch holds.

Several heart sounds of one patient are separated by `;` in either form: base64 has no such letter,
and a manifest lists files so. What a row does not name is absent: zeros with a mask of 0, for which
the network has a learned token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import FORMS
from components.core.data.batches import Batch
from components.core.errors import InputError, RecordError
from components.core.media.config import ImageConfig, SoundConfig
from components.core.media.image import check_page, image_array
from components.core.media.sound import log_mel
from components.core.modalities import SPOKEN, MediaModality
from components.core.readers.audio import Sound, read_audio
from components.core.readers.image import Picture, read_image
from components.core.readers.rawfile import DiskFile, MemoryFile, RawFile

Files = Mapping[MediaModality, Sequence[RawFile]]
_SEVERAL = ";"


def sent_files(row: Mapping[Any, Any], facts: BundleFacts) -> dict[MediaModality, list[RawFile]]:
    """Return the files of every modality that the model takes and the row names or carries.

    Args:
        row: of a request; `<modality>_path` or `<modality>_base64`.
        facts: of the bundle.

    Raises:
        InputError: path and base64 of one modality, or a field that holds no text.
        RecordError: a path or a base64 text that cannot be used.
    """
    found: dict[MediaModality, list[RawFile]] = {}
    for name in facts.media:
        files = _of_one(row, name, several=name == "pcg")
        if files:
            found[name] = files
    return found


def _of_one(row: Mapping[Any, Any], name: MediaModality, *, several: bool) -> list[RawFile]:
    path, text = (_text(row, f"{name}_{form}") for form in FORMS)
    if path and text:
        raise InputError(
            f"{SPOKEN[name]} is sent as '{name}_path' and as '{name}_base64'; send one of them"
        )
    given = path or text
    parts = [part.strip() for part in given.split(_SEVERAL)] if several else [given]
    with naming(name):
        if path:
            return [_on_disk(Path(each)) for each in parts if each]
        return [_decoded(each, f"{name}_base64") for each in parts] if text else []


def _on_disk(file: Path) -> RawFile:
    return DiskFile(file, file.parent)


def _decoded(text: str, field: str) -> RawFile:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError(
            "not_base64",
            f"the field '{field}' is not base64",
            field=field,
            advice="send it without line breaks and without 'data:…;base64,' before it",
        ) from error
    if not data:
        raise RecordError("empty_file", f"the field '{field}' holds an empty file", field=field)
    return MemoryFile("upload", data)


def _text(row: Mapping[Any, Any], field: str) -> str:
    value = row.get(field)
    if isinstance(value, (str, Path)):
        return str(value).strip()
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    raise InputError(f"the field '{field}' holds no text; send a text or leave it out")


def media_batch(files: Files, facts: BundleFacts) -> Batch:
    """Return the array modalities of one record as a raw batch of one row.

    Args:
        files: of those that the record has.
        facts: of the bundle; how each is prepared.

    Raises:
        RecordError: a file cannot be used; the sentence names the modality.
    """
    batch: Batch = {}
    if facts.image is not None:
        with naming("ecg_image"):
            pictures = [read_image(each) for each in files.get("ecg_image", ())]
            batch |= image_batch(pictures, facts.image)
    if facts.sound is not None:
        with naming("pcg"):
            sounds = [read_audio(each) for each in files.get("pcg", ())]
            batch |= sound_batch(sounds, facts.sound)
    return batch


def image_batch(pictures: Sequence[Picture], config: ImageConfig) -> Batch:
    """Return `ecg_image` `[1, C, H, W]` uint8 and its mask of the one page that there may be.

    Raises:
        RecordError: `blank_image`.
    """
    values = np.zeros(config.shape, np.uint8)
    for picture in pictures:
        check_page(picture)
        values = image_array(picture, config)
    return _masked("ecg_image", values, there=bool(pictures))


def sound_batch(sounds: Sequence[Sound], config: SoundConfig) -> Batch:
    """Return `pcg` `[1, W, M, T]` float16, its mask and which windows are there `[1, W]`.

    Raises:
        RecordError: `sound_too_short`, `silent`, `bad_rate` of one of them.
    """
    made = log_mel(sounds, config)
    valid = torch.from_numpy(made.valid[None].astype(np.float32))
    return {**_masked("pcg", made.values, there=bool(sounds)), "pcg_valid": valid}


def _masked(name: MediaModality, values: np.ndarray[Any, Any], *, there: bool) -> Batch:
    # A copy: Pillow's own pixels are read-only, which torch does not take.
    own = torch.from_numpy(values[None].copy())
    return {name: own, f"{name}_mask": torch.tensor([float(there)])}


@contextmanager
def naming(name: MediaModality) -> Generator[None]:
    """Name the modality in a record's error: a request may bring several files."""
    try:
        yield
    except RecordError as error:
        raise RecordError(
            error.code, f"{SPOKEN[name]} cannot be used: {error.reason}",
            field=error.field, value=error.value, advice=error.advice,
        ) from error  # fmt: skip
