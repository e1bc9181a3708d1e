"""Sections refuse what cannot be meant."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.core.config.sections import EcgConfig


def test_flags_that_refuse_must_exist() -> None:
    assert EcgConfig(reject=("flat", "saturated")).reject == ("flat", "saturated")
    with pytest.raises(ValidationError, match="'flatt' is no quality flag; did you mean 'flat'"):
        EcgConfig(reject=("flatt",))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"min_quality": 1.1}, "less than or equal to 1"),
        ({"judge": False, "min_quality": 0.5}, "need judge: true"),
        ({"judge": False, "reject": ["flat"]}, "need judge: true"),
        ({"highpass_hz": 0.3}, r"highpass_hz is 0\.3; choose 0\.05 or 0\.5, or none"),
        ({"notch_hz": 55}, "Input should be 50 or 60"),
        ({"notch_hz": 60, "fs": 120}, "a 60 Hz notch needs fs above 120 Hz, not 120"),
    ],
)
def test_quality_and_filters(options, match) -> None:
    with pytest.raises(ValidationError, match=match):
        EcgConfig(**options)
