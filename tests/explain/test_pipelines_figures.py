"""Whose figures stand on the pipeline's run: those of its own head, and of nothing less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import mlflow
import pytest

from components.core.config.explain import ExplainConfig
from components.core.upstream import upstream
from components.explain import job
from components.explain.samples import Asked
from tests.explain.conftest import Place, recorded
from tests.explain.test_explain import newest, started

Get = Callable[[str], Place]

pytestmark = pytest.mark.usefixtures("known")


def test_the_figures_land_on_the_pipelines_run(place: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    at = place("table")
    parent = recorded(at.train, component="pipeline")
    monkeypatch.setattr("components.explain.telling.figures_of", lambda _: {"explain/some": 0.5})
    done = started("--run", parent, "--samples", "4")
    assert done.exit_code == 0, done.output
    assert mlflow.get_run(parent).data.metrics == {"explain/some": 0.5}
    assert newest().data.metrics["explain/some"] == 0.5


@pytest.mark.parametrize(
    "arguments", [("--methods", "gradient"), ("--part", "test"), ("--samples", "rows:{row}")]
)
def test_figures_of_a_part_of_it_stay_off_the_pipelines_run(
    place: Get, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    at = place("table")
    row = at.manifest.loc[at.manifest["part.holdout"] == "val", "row"].iloc[0]
    parent = recorded(at.train, component="pipeline")
    monkeypatch.setattr("components.explain.telling.figures_of", lambda _: {"explain/some": 0.5})
    done = started("--run", parent, *(each.format(row=row) for each in arguments))
    assert done.exit_code == 0, done.output
    assert mlflow.get_run(parent).data.metrics == {}
    assert "note: the figures stand on this run alone, not on the pipeline's" in done.stderr


def test_another_heads_figures_stay_off_the_pipelines_run(place: Get) -> None:
    train = place("table").train
    facts = train.facts | {"head": "another"}
    own, other = (
        job.job(upstream(each), Asked(), ExplainConfig(), head=str(train.facts["head"]))
        for each in (train, replace(train, facts=facts))
    )
    assert own.headline
    assert not other.headline
