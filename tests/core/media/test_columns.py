"""Cells of a manifest that name pictures and sounds."""

from __future__ import annotations

import pytest

from components.core.media.columns import MEDIA_COLUMNS, named_files, patient_column
from components.core.modalities import MEDIA


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, []),
        (" ; ;", []),
        ("a.wav", [("", "a.wav")]),
        ("AV=a.wav; MV = b.wav", [("AV", "a.wav"), ("", "MV = b.wav")]),
        ("AV= x/b c.wav;./k=v.wav", [("AV", "x/b c.wav"), ("", "./k=v.wav")]),
        ("2024=a.wav", [("", "2024=a.wav")]),
        ("ninecharsX=a.wav", [("", "ninecharsX=a.wav")]),
    ],
)
def test_sounds_of_a_cell(cell: str | None, expected: list[tuple[str, str]]) -> None:
    assert [(each.site, each.name) for each in named_files("pcg", cell)] == expected


def test_a_picture_is_one_file_whatever_its_name() -> None:
    (only,) = named_files("ecg_image", " I=1;II=2.png ")
    assert (only.name, only.site) == ("I=1;II=2.png", "")


def test_every_array_modality_has_its_column() -> None:
    assert list(MEDIA_COLUMNS) == list(MEDIA)
    assert patient_column("pcg") == "pcg_audio_patient_id"
