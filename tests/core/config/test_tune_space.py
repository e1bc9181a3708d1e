"""The searched space as people write it: dotted names, sections, ranges, choices, nothing."""

from __future__ import annotations

import pytest

from components.core.config.task import load_task
from components.core.config.tune import Range, TuneConfig
from components.core.errors import ConfigError


def test_sections_and_dotted_names_are_one() -> None:
    dotted = {"model.width": [16, 32], "fit.lr": {"low": 1e-4, "high": 1e-2}, "fit.batch": None}
    inside = {
        "model": {"width": [16, 32]},
        "fit": {"lr": {"low": 1e-4, "high": 1e-2}, "batch": None},
    }
    found = TuneConfig.model_validate({"space": inside})
    assert found == TuneConfig.model_validate({"space": dotted})
    assert found.space["fit.lr"] == Range(low=1e-4, high=1e-2)
    assert found.space["fit.batch"] is None
    assert TuneConfig.model_validate(found.model_dump(mode="json")) == found


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("{low: 1, high: 0}", r"fit.lr.range' in .* low is 1 and high 0; low must be below high"),
        ("{low: 0, high: 1, log: true}", "low is 0; a logarithm needs a number above 0"),
        ("{low: 1, high: 9, log: true, step: 2}", "a range has either 'log' or 'step'"),
        ("{low: -.inf, high: 1}", "low is -inf; a range needs finite numbers, give another low"),
        ("{low: 1, high: .inf}", "high is inf; a range needs finite numbers, give another high"),
        ("{low: .nan, high: 1}", "low is nan; a range needs finite numbers, give another low"),
        ("{low: 1, high: 3, step: .nan}", "step is nan; a range needs finite numbers, give anoth"),
        ("[1.0, .inf]", "a choice is inf; choices of numbers are finite, leave it out"),
        ("{low: 1}", r"'tune.space.fit.lr.range.high' is missing"),
        ("3", r"'tune.space.fit.lr.choices' in .* is '3'"),
        ("[]", r"'tune.space.fit.lr.choices' in "),
    ],
)
def test_a_wrong_dimension_is_named(given: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_task("ctrcd", overrides=f"'tune.space.fit.lr={given}'")


def test_a_space_that_is_no_mapping() -> None:
    with pytest.raises(ConfigError, match=r"'tune.space' in ctrcd.yaml is '3'"):
        load_task("ctrcd", overrides="tune.space=3")
