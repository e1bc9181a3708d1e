"""The section on contributions: shares, tables, pictures of the training, notices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from components.core.contribution_facts import KEY, Network
from components.core.store import Stage
from components.core.upstream import Upstream
from components.evaluate import tracking
from components.evaluate.analyses import contributions
from components.evaluate.analysis import all_analyses
from tests.core.report.test_training_history import HISTORY
from tests.core.test_contribution_facts import network


def context(folder: Path, *networks: Network, external: bool = False) -> Any:
    members: list[dict[str, Any]] = []
    for each in networks:
        own = folder / "members" / each.fold / f"seed{each.seed}"
        own.mkdir(parents=True)
        HISTORY.to_parquet(own / "history.parquet")
        members.append({"fold": each.fold, "seed": each.seed, "best_epoch": each.epoch,
                        "folder": own.relative_to(folder).as_posix()})  # fmt: skip
    # What stands beside the model has no contributions of its own.
    members += [one | {"variant": "without:pcg"} for one in members[:1]]
    facts = {KEY: [each.to_fact() for each in networks], "members": members} if networks else {}
    train = Stage(folder=folder, component="train", fingerprint="t", config={}, inputs={},
                  facts=facts)  # fmt: skip
    return SimpleNamespace(external=external, stages=SimpleNamespace(train=train))


def test_it_is_found_and_applies_where_contributions_were_measured(tmp_path: Path) -> None:
    assert all_analyses()[contributions.NAME] is contributions
    assert not contributions.applies(context(tmp_path))
    own = network(0.1, 0.1, 0.1)
    assert contributions.applies(context(tmp_path / "a", own))
    assert not contributions.applies(context(tmp_path / "b", own, external=True))


def test_one_network_has_its_shares_and_its_picture(tmp_path: Path) -> None:
    section = contributions.analyse(context(tmp_path, network(0.1, 0.2, 0.0)))
    (table,) = section.tables
    assert table.rows == (
        ("clinical fields", "0.0 %", "0.000", "0.000", "0.500", "0.800", "below 10 %"),
        ("ECG image", "33.3 %", "0.100", "0.050", "0.600", "0.700", "within"),
        ("heart sound", "66.7 %", "0.200", "0.100", "0.700", "0.600", "above 60 %"),
    )
    (plot,) = section.plots
    assert plot.name == "training_history_holdout"
    assert "<svg" in plot.svg
    assert [(each.level, each.text) for each in section.notices] == [
        ("warning", "The table contributes 0.0 %, below 10 % (share of the Shapley values "
         "of AUROC, validation)."),
        ("warning", "The heart sound contributes 66.7 %, above 60 % (share of the Shapley values "
         "of AUROC, validation)."),
    ]  # fmt: skip
    assert "within 20 % to 40 %, none below 10 % or above 60 %" in section.text[1]
    assert section.figures == {}


def test_several_networks_stand_side_by_side(tmp_path: Path) -> None:
    networks = [
        network(0.1, 0.1, 0.1, fold=f"r{i // 5}f{i % 5}", seed=seed)
        for i in range(6)
        for seed in (3, 4)
    ]
    networks[0] = network(0.2, 0.1, 0.1, fold="r0f0", seed=3)
    section = contributions.analyse(context(tmp_path, *networks))
    together, each = section.tables
    assert together.rows[1][1] == "35.1 % (33.3 % to 50.0 %)"
    assert each.rows[0] == ("r0f0", "3", "4", "0.900", "25.0 %", "50.0 %", "25.0 %")
    assert len(each.rows) == 12
    # One picture a fold, the first five of them.
    names = [plot.name for plot in section.plots]
    assert names == [f"training_history_r0f{i}" for i in range(5)]
    assert section.notices == ()
    assert "Means over 12 networks" in section.text[-1]


def test_a_share_outside_the_band_alone_is_noted(tmp_path: Path) -> None:
    section = contributions.analyse(context(tmp_path, network(0.1, 0.15, 0.08)))
    assert [(each.level, each.text[:45]) for each in section.notices] == [
        ("note", "The heart sound contributes 45.5 %, above 40 ")
    ]


def test_a_token_that_was_never_learned_is_warned_of(tmp_path: Path) -> None:
    own = network(0.1, 0.1, 0.1, untaught=["pcg"], nowhere=["tabular"])
    section = contributions.analyse(context(tmp_path, own))
    assert [(each.level, each.text[:44]) for each in section.notices] == [
        ("warning", "No training record lacked the heart sound an"),
        ("warning", "No validation record of a fold has the table"),
    ]


def test_the_picture_is_of_the_history_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[pd.DataFrame] = []
    plain = contributions.training_history

    def watched(history: pd.DataFrame, own: Network) -> Any:
        drawn.append(history)
        return plain(history, own)

    monkeypatch.setattr(contributions, "training_history", watched)
    contributions.analyse(context(tmp_path, network(0.1, 0.1, 0.1)))
    pd.testing.assert_frame_equal(drawn[0], HISTORY)


def test_an_evaluation_keeps_them_for_its_runs_and_for_comparisons(tmp_path: Path) -> None:
    stages = context(tmp_path, network(0.1, 0.1, 0.1)).stages
    own = Upstream(train=stages.train, audit=stages.train, cohort=stages.train, ingest=stages.train)
    assert tracking.contributions(own) == {KEY: stages.train.facts[KEY]}
    assert tracking.contributions(replace(own, home=own)) == {}
    bare = replace(stages.train, facts={})
    assert tracking.contributions(replace(own, train=bare)) == {KEY: []}
