"""Options of the embeddings are refused where there are none, and those of others there."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.errors import ConfigError
from components.ingest.synthetic.options import SyntheticOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"emb_missing": 0.5}, "emb_missing is 0.5, but the part 'therapy' has no embeddings"),
        ({"part": "surveillance", "emb_dependence": 0.0}, "emb_dependence is 0.0, but the part"),
        ({"emb_widths": (8, 8, 8, 8, 8)}, "ask for the part 'embeddings' or leave emb_widths out"),
        ({"part": "embeddings", "emb_widths": (8, 8, 3, 8, 8)}, "emb_widths names 3, but an"),
        ({"part": "embeddings", "leaks": ("label_column",)}, "the embeddings part has none"),
        ({"part": "embeddings", "clean_split": True}, "clean_split is True, but the embeddings"),
        ({"part": "embeddings", "media": True}, "media is on, but the part 'embeddings'"),
    ],
)
def test_options_of_another_part_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticOptions.model_validate(options)


def test_the_truth_of_other_parts_does_not_speak_of_embeddings() -> None:
    assert not any(name.startswith("emb_") for name in SyntheticOptions().told())
    told = SyntheticOptions(part="embeddings").told()
    assert told["emb_widths"] == [64, 96, 48, 128, 80]
