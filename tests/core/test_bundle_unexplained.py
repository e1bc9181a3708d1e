"""What cannot be explained says why: no answer, no point, a bundle from before, a damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.bundle import Predictor
from components.core.bundle_explained import explained
from components.core.bundle_seal import seal
from components.core.errors import ConfigError, InputError
from tests.bundles import write_toy_bundle, zipped_ecg

SENT: dict[str, Any] = {"age": 61.0, "sex": "F", "ecg_base64": zipped_ecg()}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_toy_bundle(tmp_path_factory.mktemp("toy")))


def test_what_could_not_be_read_cannot_be_explained(toy: Predictor) -> None:
    broken = toy.ready({**SENT, "ecg_base64": "!"})
    with pytest.raises(
        InputError,
        match=r"^there is no answer that could be explained: the field 'ecg_base64' is not base64",
    ):
        explained(toy, broken)


def test_a_path_has_a_point(toy: Predictor) -> None:
    with pytest.raises(ConfigError, match="steps is 0"):
        explained(toy, toy.ready(SENT), steps=0)


def test_an_older_bundle_is_told_to_be_written_again(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path)
    for file in folder.glob("*/reference.json"):
        file.unlink()
    seal(folder)
    predictor = Predictor(folder)
    taken = predictor.ready(SENT)
    assert predictor.answers([taken])[0].error == ""
    with pytest.raises(
        InputError, match=r"was written before explanations of single answers.*evaluate again"
    ):
        explained(predictor, taken)


def test_a_damaged_reference_is_named(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path)
    (folder / "member1" / "reference.json").write_text("{}")
    seal(folder)
    with pytest.raises(InputError, match="'member1' of the model bundle is damaged"):
        Predictor(folder)
