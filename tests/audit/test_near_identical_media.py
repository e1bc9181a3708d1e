"""Copied pages and heart sounds are found, each beside a twin without copies."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.signal import butter, sosfilt

from components.audit.checks import near_identical_images, near_identical_sounds
from components.audit.finding import Finding
from components.core.media.sound import LogMel
from tests.audit.media_cohort import audited, heart, page, patients, picture, spectrum

N = 40  # more than are compared pair by pair


@cache
def pages() -> list[np.ndarray]:
    return [picture(page(seed)) for seed in range(N)]


@cache
def hearts() -> list[LogMel]:
    return [spectrum(heart(seed)) for seed in range(N)]


def _jpeg(made: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    made.save(stream, "JPEG", quality=40)
    return Image.open(stream)


PICTURES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "coded anew": _jpeg,
    "darkened": lambda made: ImageEnhance.Brightness(made).enhance(0.8),
    "pale": lambda made: ImageEnhance.Contrast(made).enhance(0.6),
    "turned": lambda made: made.rotate(1.5, Image.Resampling.BICUBIC, fillcolor="white"),
    "smaller": lambda made: made.resize((500, 333)),
}
SOUNDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "softer": lambda values: values / 30,
    "later": lambda values: values[round(1.7 * 2000) :],
    "much later": lambda values: values[round(3.3 * 2000) :],
    "filtered": lambda values: sosfilt(butter(2, 40, "high", fs=2000, output="sos"), values),
    "coarse": lambda values: np.round(values / np.abs(values).max() * 60) / 60,
}


def look(folder: Path, what: str, items: list[Any], **columns: Any) -> Finding:
    frame = patients(len(items)).assign(**columns)
    name, check = (
        ("ecg_image", near_identical_images) if what == "images" else ("pcg", near_identical_sounds)
    )
    return check.check(audited(folder, frame, {name: items}))


@pytest.mark.parametrize("what", ["images", "sounds"])
def test_different_people_pass(tmp_path: Path, what: str) -> None:
    items: list[Any] = list(pages() if what == "images" else hearts())
    items[5] = None
    found = look(tmp_path, what, items)
    assert found.passed
    assert "none of 39" in found.sentence
    assert (found.evidence["compared"], found.evidence["listed"]) == (39, [])


@pytest.mark.parametrize("how", PICTURES)
def test_a_copied_page(tmp_path: Path, how: str) -> None:
    copy = picture(PICTURES[how](page(6)))
    found = look(tmp_path, "images", [*pages()[:-1], copy])
    assert not found.passed
    assert "1 pair(s) of ECG images of different patients in different parts" in found.sentence
    (pair,) = found.evidence["listed"]
    assert (pair["row"], pair["of_row"]) == (6 + 2, N - 1 + 2)
    assert pair["similarity"] >= 0.8


@pytest.mark.parametrize("how", SOUNDS)
def test_a_copied_heart_sound(tmp_path: Path, how: str) -> None:
    copy = spectrum(SOUNDS[how](heart(6)))
    found = look(tmp_path, "sounds", [*hearts()[:-1], copy])
    assert not found.passed
    assert "1 pair(s) of heart sounds of different patients in different parts" in found.sentence
    (pair,) = found.evidence["listed"]
    assert (pair["row"], pair["of_row"]) == (6 + 2, N - 1 + 2)
    assert pair["similarity"] >= 0.9


@pytest.mark.parametrize("what", ["images", "sounds"])
@pytest.mark.parametrize("number", [3, N])
def test_few_records_are_compared_alike(tmp_path: Path, what: str, number: int) -> None:
    items: list[Any] = list(pages() if what == "images" else hearts())[:number]
    other = picture(_jpeg(page(0))) if what == "images" else spectrum(heart(0)[5000:])
    found = look(tmp_path, what, [*items[: number - 1], other, None], **{"part.holdout": ["train",
                 *["test"] * number]})  # fmt: skip
    assert found.evidence["pairs"] == 1


@pytest.mark.parametrize("what", ["images", "sounds"])
def test_a_copy_in_the_same_part_is_counted_and_does_not_block(tmp_path: Path, what: str) -> None:
    copy: Any = picture(_jpeg(page(0))) if what == "images" else spectrum(heart(0) / 9)
    items = [pages()[0], pages()[1], copy] if what == "images" else [*hearts()[:2], copy]
    found = look(tmp_path, what, items)
    assert found.passed
    assert "; 1 pair(s) of patients of one part have copies" in found.sentence
    assert found.evidence["pairs_within_a_part"] == 1


@pytest.mark.parametrize("what", ["images", "sounds"])
def test_one_patients_own_copies_are_another_checks_business(tmp_path: Path, what: str) -> None:
    item: Any = pages()[0] if what == "images" else hearts()[0]
    found = look(tmp_path, what, [item, item], patient_id="p0")
    assert found.passed
    assert found.evidence["candidate_pairs"] == 0


@pytest.mark.parametrize(("what", "column"), [("images", "ecg_image"), ("sounds", "pcg")])
def test_the_same_file_in_two_parts(tmp_path: Path, what: str, column: str) -> None:
    items: list[Any] = [pages()[0], pages()[0], pages()[2]]
    if what == "sounds":
        items = [hearts()[0], hearts()[0], hearts()[2]]
    found = look(tmp_path, what, items, **{f"sha256.{column}": ["a", "a", "b"]})
    assert not found.passed
    assert found.sentence.startswith("1 of the ")
    assert "lie in more than one part of a fold" in found.sentence
    assert found.evidence["identical_per_fold"] == {"holdout": 1}
    assert found.evidence["identical_rows"] == [2, 3]
    assert found.evidence["pairs"] == 0  # not told twice


def test_one_file_of_several_in_two_parts(tmp_path: Path) -> None:
    files = [["a", "b"], ["c", "b"], ["d", "e"]]
    found = look(
        tmp_path, "sounds", [hearts()[0], hearts()[1], hearts()[2]],
        **{"sha256.pcg": ["ab", "cb", "de"], "files_sha256.pcg": files},
    )  # fmt: skip
    assert found.evidence["identical_per_fold"] == {"holdout": 1}
    assert found.evidence["identical_rows"] == [2, 3]


@pytest.mark.parametrize("what", ["images", "sounds"])
def test_a_cohort_without_them(tmp_path: Path, what: str) -> None:
    check = near_identical_images if what == "images" else near_identical_sounds
    assert "the cohort has no" in check.check(audited(tmp_path, patients(4), {})).sentence
    name: Any = "ecg_image" if what == "images" else "pcg"
    frame = patients(2).assign(**{f"shard.{name}": None, f"shard_row.{name}": None})
    item: Any = pages()[0] if what == "images" else hearts()[0]
    other = audited(tmp_path, patients(1), {name: [item]})
    assert check.check(replace(other, manifest=frame)).passed


def test_blank_pages_and_silent_windows_are_no_copies(tmp_path: Path) -> None:
    blank = np.full_like(pages()[0], 255)
    assert look(tmp_path / "a", "images", [blank, blank.copy(), pages()[0]]).passed
    quiet = LogMel(
        values=np.full_like(hearts()[0].values, -120), valid=np.array([True, False]),
        site=np.array([0, -1]),
    )  # fmt: skip
    assert look(tmp_path / "b", "sounds", [quiet, quiet, hearts()[0]]).passed
    many = [quiet] * (N // 2) + hearts()[: N // 2]
    assert look(tmp_path / "c", "sounds", many).passed
    assert look(tmp_path / "d", "sounds", [quiet] * N).passed
