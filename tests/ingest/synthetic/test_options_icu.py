"""Options of the ICU part are refused where there are none, and those of others there."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.errors import ConfigError
from components.ingest.synthetic.options import ICU_LEAKS, SyntheticOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leaks": ("chart_time",)}, "the part 'therapy' has no leak 'chart_time'; ask for the"),
        ({"leaks": ("length_of_stay",), "media": True}, "part 'therapy' has no leak 'length_of"),
        ({"part": "icu", "leaks": ("label_column",)}, "the part 'icu' has no leak 'label_column'; "
         "here there are length_of_stay, time_to_final_event"),
        ({"part": "icu", "leaks": ("chart_tme",)}, "'chart_tme' in leaks; did you mean 'chart_t"),
        ({"part": "icu", "dominant": "clinical"}, "dominant is 'clinical', but the icu part has"),
        ({"part": "icu", "clean_split": True}, "clean_split is True, but the icu part has none"),
        ({"part": "icu", "media": True}, "media is on, but the part 'icu' has no pictures"),
        ({"part": "icu", "emb_missing": 0.5}, "emb_missing is 0.5, but the part 'icu' has no emb"),
        ({"part": "embeddings", "leaks": ("chart_time",)}, "the embeddings part has none"),
    ],
)  # fmt: skip
def test_options_of_another_part_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticOptions.model_validate(options)


def test_every_leak_of_the_part_can_be_asked_for() -> None:
    asked = SyntheticOptions(part="icu", leaks=ICU_LEAKS)
    assert asked.told()["leaks"] == list(ICU_LEAKS)
    assert not asked.has_split
    assert not any(name.startswith("emb_") for name in asked.told())
