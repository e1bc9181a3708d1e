"""Records with pages turned and scaled, and recordings with beats, in small arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from components.core.media.config import SoundConfig
from components.core.store import Stage
from components.explain.planted_media.facts import Facts
from components.explain.planted_media.hearing import Heard
from components.explain.planted_media.paper import Paper
from components.explain.subject import Subject
from tests.cohorts import ARRAY_SHAPES
from tests.explain.media_toy import INPUTS, Weighted, rows_of, subject_with

# As many filters, windows and frames as the small cohort's arrays.
SOUND = SoundConfig(mels=8, windows=3, window_s=0.38)
TRUTH: dict[str, Any] = {
    "ecg_image": {
        "page_mm": [280.0, 160.0],
        "boxes": {
            "V3": [0.1, 0.1, 0.4, 0.5],
            "V4": [0.6, 0.4, 0.9, 0.8],
            "I": [0.1, 0.6, 0.3, 0.9],
        },
        "causal": ["V3", "V4"],
    },
    "pcg": {
        "murmur": {"hz": [150.0, 400.0]},
        "s3": {"after_s": [0.05, 0.1], "hz": [25.0, 60.0]},
    },
    "tabular": {"liability": {"age": 0.4}, "units": {"age": "decade"}},
}
VIEWS = ((3.0, 1.2), (4.0, -1.2), (3.5, 0.0))


def facts(subject: Subject) -> list[Facts]:
    """Return a page turned in one of three ways, and two beats; of the first page a lead is off."""
    there = {name: part.there for name, part in subject.rows.arrays.items()}
    heard = Heard(s1=(0.05, 0.45), s2=(0.15, 0.57), seconds=0.8)
    return [
        Facts(
            paper=paper(*VIEWS[k % len(VIEWS)]) if there["ecg_image"][k] else None,
            silent=("V4",) if k == 0 else (),
            heard=(heard,) if there["pcg"][k] else (),
        )
        for k in range(len(subject))
    ]


def paper(px_per_mm: float, degrees: float) -> Paper:
    """Return how a page lies in the small array."""
    _, height, width = ARRAY_SHAPES["ecg_image"]
    return Paper(
        page_mm=(280.0, 160.0), px_per_mm=px_per_mm, degrees=degrees, shape=(height, width)
    )


def subject(cohort: Callable[..., Stage]) -> Subject:
    """Return records of whom some lack the picture and others the sound."""
    rows = rows_of(cohort)
    assert set(rows.modalities) == set(INPUTS)
    return replace(subject_with(Weighted(rows.tabular.shape[1]), rows), sound=SOUND)
