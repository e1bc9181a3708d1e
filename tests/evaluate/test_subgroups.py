"""The subgroup section of whole evaluations: when it is there, what it tracks, what it keeps in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sklearn import metrics as sk

from components.core.config.evaluate import EvaluateConfig, SubgroupsConfig
from components.core.metrics.interval import Interval
from components.evaluate.analyses import subgroups
from components.evaluate.analysis import Context
from components.evaluate.subgroups.figures import Found, Group
from tests.chain import manifest_of
from tests.evaluate.conftest import Example, context_of

Get = Callable[[str], Example]


def asking(context: Context, *columns: str) -> Context:
    config = EvaluateConfig(draws=100, subgroups=SubgroupsConfig(columns=columns))
    return replace(context, task=context.task.model_copy(update={"evaluate": config}))


def test_it_applies_where_a_column_divides(examples: Get) -> None:
    context = context_of(examples("folds"))
    assert not subgroups.applies(context)  # no standard column in that table
    assert subgroups.applies(asking(context, "arm"))


def test_figures_of_a_column_that_the_task_names(examples: Get) -> None:
    done = examples("holdout")
    section = subgroups.analyse(asking(context_of(done), "arm"))
    arm = manifest_of(done.behind.cohort).set_index("patient_id")["tab.arm"]
    frame = done.predictions.assign(arm=lambda t: t["patient_id"].map(arm))
    own = frame[frame["arm"] == "a"]
    assert section.figures["subgroup/arm/a/patients"].value == len(own)
    assert section.figures["subgroup/arm/a/events"].value == own["label"].sum()
    (table,) = [t for t in section.tables if "too small" in t.caption]
    assert table.rows[0][0] == "arm a"  # 18 patients each: too few to rank
    assert "subgroup/arm/a/auroc" not in section.figures
    assert section.plots[0].svg.startswith("<?xml")


def test_under_cross_validation_the_figures_are_within_folds(examples: Get) -> None:
    done = examples("folds")
    section = subgroups.analyse(asking(context_of(done), "arm"))
    arm = manifest_of(done.behind.cohort).set_index("patient_id")["tab.arm"]
    frame = done.predictions.astype({"label": int}).assign(arm=lambda t: t["patient_id"].map(arm))
    cells = [
        sk.roc_auc_score(f["label"], f["logit"])
        for _, f in frame[frame["arm"] == "b"].groupby("split")
    ]
    found = section.figures["subgroup/arm/b/auroc"]
    assert found.value == pytest.approx(sum(cells) / len(cells))
    assert "within-fold" in found.method


def test_the_synthetic_cohort_says_what_is_planted(examples: Get, tmp_path) -> None:
    done = examples("ecg")
    section = subgroups.analyse(context_of(done))
    assert "No gap is planted" in section.text[-1]
    assert section.tables[-1].rows[0][0].startswith("sex")
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "truth.json").write_text('{"subgroup_gap": {"subgroup": "site=C", "ecg_gain": 0.35}}')
    elsewhere = SimpleNamespace(stages=SimpleNamespace(ingest=SimpleNamespace(folder=tmp_path)))
    assert "in site C the ECG shows 35 %" in subgroups._planted(elsewhere)
    assert not subgroups._planted(context_of(examples("holdout")))


def test_the_run_carries_the_figures_under_their_own_names(examples: Get) -> None:
    tracked = examples("ecg").stage.facts["figures"]
    names = [name for name in tracked if name.startswith("subgroup/")]
    assert {"subgroup/sex/F/patients", "subgroup/site/A/events"} <= set(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]+", name) for name in names)
    assert not [name for name in tracked if name.startswith("test/subgroup")]


def test_sizes_of_all_groups_and_figures_of_powered_ones_are_tracked() -> None:
    one = Interval(0.7, 0.6, 0.8, 10, 0, "x")
    shared = {"column": "site", "patients": 90, "events": 30, "compared": False}
    powered = Group(value="A", key="site/A", powered=True, figures={"auroc": one}, **shared)
    weak = Group(value="B", key="site/B", powered=False, figures={"auroc": one}, **shared)
    found = Found(groups=(powered, weak), gaps=0, level=0.95, unknown={})
    assert set(subgroups.figures(found)) == {
        "subgroup/site/A/patients", "subgroup/site/A/events", "subgroup/site/A/auroc",
        "subgroup/site/B/patients", "subgroup/site/B/events",
    }  # fmt: skip
