"""A bundle whose files were changed after it was written is refused, file by file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core.bundle import Predictor
from components.core.bundle_files import read_facts
from components.core.bundle_seal import SEAL, check_seal, seal
from components.core.errors import InputError
from tests.media_bundles import write_media_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_media_bundle(tmp_path, members=1)


def test_an_untouched_bundle_is_taken_twice(folder: Path) -> None:
    assert read_facts(folder).sealed
    assert Predictor(folder).facts == Predictor(folder).facts
    assert SEAL not in json.loads((folder / SEAL).read_text())


def test_one_bit_of_a_weight_is_found(folder: Path) -> None:
    file = folder / "member0" / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-3] ^= 1  # of a number: the file stays readable
    file.write_bytes(bytes(data))
    with pytest.raises(
        InputError,
        match=r"^'member0/weights.safetensors' of the model bundle has changed since it was "
        r"written \(its sha256 is another\); download the model again",
    ):
        Predictor(folder)


@pytest.mark.parametrize(
    "name",
    ["bundle.json", "member0/norm_stats.json", "member0/spec.json", "member0/reference.json"],
)
def test_a_changed_setting_is_found(folder: Path, name: str) -> None:
    file = folder / name
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match=f"'{name}' of the model bundle has changed"):
        Predictor(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "member0" / "spec.json").unlink()
    with pytest.raises(InputError, match=r"the model bundle lacks 'member0/spec.json'"):
        Predictor(folder)


@pytest.mark.parametrize("damaged", [None, "", "[1]", "{"])
def test_without_its_checksums_a_sealed_bundle_is_refused(
    folder: Path, damaged: str | None
) -> None:
    (folder / SEAL).unlink()
    if damaged is not None:
        (folder / SEAL).write_text(damaged)
    with pytest.raises(InputError, match=r"'checksums.json' of the model bundle is missing or dam"):
        Predictor(folder)


def test_a_bundle_from_before_there_were_checksums_is_taken(folder: Path) -> None:
    facts = json.loads((folder / "bundle.json").read_text())
    del facts["sealed"]
    (folder / "bundle.json").write_text(json.dumps(facts))
    (folder / SEAL).unlink()
    assert not Predictor(folder).facts.sealed


def test_what_is_added_later_is_sealed_again(folder: Path) -> None:
    (folder / "training_patients.json").write_text("{}")
    seal(folder)
    check_seal(folder)
    (folder / "training_patients.json").write_text("[]")
    with pytest.raises(InputError, match=r"'training_patients.json' of the model bundle has"):
        check_seal(folder)
