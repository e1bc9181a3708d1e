"""Analyses are found, ordered, skipped by name, and named once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from components.core import discovery
from components.core.errors import CardioError, ConfigError
from components.core.report.section import Section
from components.evaluate import analysis


@pytest.fixture
def fresh(monkeypatch):
    """Let a test change what is found."""
    analysis.all_analyses.cache_clear()
    yield monkeypatch
    analysis.all_analyses.cache_clear()


def context(**settings):
    return SimpleNamespace(task=SimpleNamespace(evaluate=SimpleNamespace(skip=(), **settings)))


def test_every_analysis_has_the_interface() -> None:
    found = analysis.all_analyses()
    assert "decision_curve" in found
    assert [each.ORDER for each in found.values()] == sorted(e.ORDER for e in found.values())
    for name, each in found.items():
        assert name == each.NAME
        assert callable(each.applies)
        assert callable(each.analyse)


def test_two_of_one_name_are_refused(fresh) -> None:
    twin = SimpleNamespace(NAME="twin", ORDER=1)
    fresh.setattr(discovery.importlib, "import_module", lambda name: twin)
    fresh.setattr(
        discovery.pkgutil, "iter_modules", lambda path: [SimpleNamespace(name=n) for n in "ab"]
    )
    with pytest.raises(CardioError, match=r"two analyses are named 'twin'; rename one"):
        analysis.all_analyses()


def test_what_does_not_apply_or_is_skipped_is_left_out(monkeypatch) -> None:
    def make(name, applies):
        return SimpleNamespace(
            applies=lambda context: applies, analyse=lambda context: Section(name=name, title=name)
        )

    known = {"a": make("a", True), "b": make("b", False), "c": make("c", True)}
    monkeypatch.setattr(analysis, "all_analyses", lambda: known)
    found = analysis.run_analyses(context())
    assert [each.name for each in found] == ["a", "c"]
    one = SimpleNamespace(task=SimpleNamespace(evaluate=SimpleNamespace(skip=("a",))))
    assert [each.name for each in analysis.run_analyses(one)] == ["c"]
    wrong = SimpleNamespace(task=SimpleNamespace(evaluate=SimpleNamespace(skip=("aa",))))
    with pytest.raises(ConfigError, match=r"evaluate.skip names 'aa'"):
        analysis.run_analyses(wrong)
