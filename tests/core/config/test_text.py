"""Which settings of the text encoders go together."""

from __future__ import annotations

import pytest

from components.core.config.base import validate
from components.core.config.text import TextConfig
from components.core.errors import ConfigError


def test_without_settings_nothing_is_downloaded() -> None:
    made = TextConfig()
    assert (made.encoder, made.model, made.allow_download) == ("tfidf", "", False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "huggingface"}, "'huggingface' needs model, a local folder"),
        ({"encoder": "huggingface", "model": " "}, "'huggingface' needs model"),
        ({"model": "bert"}, "'tfidf' takes no model, yet model is 'bert'; set encoder"),
        ({"ngram": (2, 1)}, r"ngram is \(2, 1\); give shortest and longest run"),
        ({"ngram": (0, 1)}, r"ngram is \(0, 1\)"),
        ({"max_tokens": 100}, "overlap is 64, more than half of max_tokens, 100; make it smaller"),
        ({"folding": 1}, "unknown key 'folding'"),
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(TextConfig, settings, "task.yaml")
