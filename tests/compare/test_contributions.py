"""Contributions of two models side by side, before and after."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from components.compare import contributions, run
from components.core import store
from components.core.comparison.judged import Judged, judged
from components.core.contribution_facts import KEY, Network
from tests.compare.conftest import Make, predictions
from tests.core.test_contribution_facts import network

BEFORE, AFTER = network(0.0, 0.0008, 0.4), network(0.12, 0.1, 0.14)


def models(make: Make, *networks: list[Network]) -> list[Judged]:
    """Return models of rising skill whose trainings had those networks."""
    skills = [predictions(0.3 + 0.2 * i) for i in range(len(networks))]
    found = judged([(f"run{i}", make(frame)) for i, frame in enumerate(skills)])
    facts = [{KEY: [each.to_fact() for each in own]} if own else {} for own in networks]
    return [
        replace(m, stage=replace(m.stage, facts=m.stage.facts | more))
        for m, more in zip(found, facts, strict=True)
    ]


def test_before_and_after_stand_in_one_table(make: Make) -> None:
    pair = models(make, [BEFORE], [AFTER])
    section = contributions.section(pair)
    assert section is not None
    (table,) = section.tables
    assert table.header[4:] == (
        "clinical fields: share; φ; fall, shuffled", "ECG image: share; φ; fall, shuffled",
        "heart sound: share; φ; fall, shuffled",
    )  # fmt: skip
    before, after = table.rows
    assert before[:4] == ("A (net)", "run0", pair[0].figures["auroc"].text(), "0.901")
    assert before[4:] == (
        "99.8 %; 0.400; 0.200 (above 60 %)", "0.0 %; 0.000; 0.000 (below 10 %)",
        "0.2 %; 0.001; 0.000 (below 10 %)",
    )  # fmt: skip
    assert after[4:] == ("38.9 %; 0.140; 0.070", "33.3 %; 0.120; 0.060", "27.8 %; 0.100; 0.050")
    (plot,) = section.plots
    assert plot.svg.count("<svg") == 1
    assert len(section.text) == 1


def test_fewer_than_two_models_with_contributions_have_no_section(make: Make) -> None:
    assert contributions.section(models(make, [BEFORE], [])) is None
    assert contributions.plain(models(make, [], [])) == {}


def test_a_third_model_without_them_is_named(make: Make) -> None:
    section = contributions.section(models(make, [BEFORE], [], [AFTER]))
    assert section is not None
    assert section.text[1] == "Contributions were not measured of B (net)."
    assert [row[0][0] for row in section.tables[0].rows] == ["A", "C"]


def test_a_model_of_two_modalities_beside_one_of_three(make: Make) -> None:
    subsets = {"": 0.5, "pcg": 0.6, "tabular": 0.5, "tabular+pcg": 0.6}
    fall = {"pcg": 0.1, "tabular": 0.0}
    two = Network(fold="holdout", seed=0, epoch=0, subsets=subsets, fall=fall, accuracy=0.7,
                  constant=0.6)  # fmt: skip
    section = contributions.section(models(make, [AFTER], [two]))
    assert section is not None
    cells = section.tables[0].rows[1][4:]
    assert cells == (
        "0.0 %; 0.000; 0.000 (below 15 %)", "not in the model",
        "100.0 %; 0.100; 0.100 (above 90 %)",
    )  # fmt: skip


def test_undefined_shares_are_said_and_null_in_json(make: Make) -> None:
    pair = models(make, [network(0, 0, 0)], [AFTER])
    section = contributions.section(pair)
    assert section is not None
    assert section.tables[0].rows[0][4] == "undefined; 0.000; 0.000"
    stage = store.build(
        "compare", run.identity(pair), config=run.config(pair), inputs={},
        compute=lambda work: run.fill(work, pair),
    )[0]  # fmt: skip
    page = (stage.folder / run.PAGE).read_text()
    assert 'id="contributions"' in page
    assert (stage.folder / "plots" / "contributions.svg").is_file()
    kept: dict[str, Any] = json.loads((stage.folder / run.FACTS).read_text())["contributions"]
    assert kept["A"]["share"]["pcg"] is None
    assert kept["B"]["share"]["pcg"] == pytest.approx(0.1 / 0.36)
