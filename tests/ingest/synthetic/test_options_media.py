"""Options of pictures and sounds name what they refuse, and change nothing where they are off."""

from __future__ import annotations

import pytest

from components.core.errors import ConfigError
from components.ingest.synthetic.options import SyntheticOptions


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"media": True, "part": "surveillance"}, "media is on, but the part 'surveillance' has"),
        ({"media": True, "subgroup_gap": "site=C"}, "subgroup_gap is 'site=C', but pictures"),
        ({"media": True, "leaks": ["late_feature"]}, "'late_feature' is none of pictures .* glued"),
        ({"leaks": ["glued"]}, "the leak 'glued' is one of pictures and sounds, but media is off"),
        ({"media_prevalence": 0.75}, "media_prevalence is 0.75, but media is off"),
    ],
)
def test_what_does_not_go_together_is_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticOptions.model_validate(asked)


def test_the_truth_is_told_of_media_only_where_there_are() -> None:
    assert not {"media", "media_prevalence"} & set(SyntheticOptions().told())
    told = SyntheticOptions(media=True).told()
    assert (told["media"], told["media_prevalence"]) == (True, 0.7)


def test_near_copies_come_with_a_split() -> None:
    assert SyntheticOptions(media=True, leaks=("near_copy",)).has_split
    assert not SyntheticOptions(media=True, leaks=("glued", "reused_recording")).has_split
