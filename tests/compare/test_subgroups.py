"""Groups: differences against scikit-learn and a planted one, sizes, changed calls, sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from components.compare import run
from components.compare import subgroup_wording as wording
from components.compare.cli import main
from components.compare.subgroups import Found, Group, by_group
from components.core import store
from components.core.comparison.judged import Judged, judged
from components.core.store import Stage
from tests.compare.conftest import PLAN, Make, grouped, predictions
from tests.conftest import Workplace
from tests.tracking_names import uncovered

PATIENTS = 400


def planted(*, folds: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return two models' predictions and groups; the second is better in the first half alone."""
    weak = predictions(0.3, patients=PATIENTS, folds=folds)
    strong = predictions(0.9, patients=PATIENTS, folds=folds)
    half = np.arange(PATIENTS) % 10 < 5
    mixed = weak.assign(
        **{c: np.where(half, strong[c], weak[c]) for c in ("logit", "calibrated_logit", "margin")}
    )
    few = np.arange(PATIENTS) < 25
    groups = grouped(weak, half=np.where(half, "yes", "no"), site=np.where(few, "C", "A"))
    return weak, mixed, groups


def pair(*stages: Stage) -> list[Judged]:
    return judged([(f"run{i}", stage) for i, stage in enumerate(stages)])


def looked(make: Make, *, folds: int = 1) -> tuple[list[Judged], Found, pd.DataFrame]:
    weak, mixed, groups = planted(folds=folds)
    models = pair(make(weak, groups=groups), make(mixed))
    return models, by_group(models[0], models[1], groups, PLAN), groups


def named(found: Found) -> dict[str, Group]:
    return {group.name: group for group in found.groups}


def filled(models: list[Judged]) -> Stage:
    return store.build(
        "compare", run.identity(models), config=run.config(models), inputs={},
        compute=lambda work: run.fill(work, models),
    )[0]  # fmt: skip


def test_the_difference_in_a_group_is_scikit_learns_on_its_patients(make: Make) -> None:
    weak, mixed, groups = planted()
    found = named(looked(make)[1])
    for name, group in found.items():
        column, _, value = name.partition(" ")
        of = groups[(groups["column"] == column) & (groups["value"] == value)]["patient_id"]
        rows = weak["patient_id"].isin(of).to_numpy()
        one, two = (
            float(
                roc_auc_score(f["label"][rows], f["logit"][rows], sample_weight=f["weight"][rows])
            )
            for f in (weak, mixed)
        )
        assert group.gap is not None
        assert group.gap.value == pytest.approx(two - one)
        assert (group.patients, group.events) == (rows.sum(), weak["label"][rows].sum())


def test_the_difference_is_found_where_it_was_planted_and_nowhere_else(make: Make) -> None:
    _, found, _ = looked(make)
    yes, no = named(found)["half yes"], named(found)["half no"]
    assert yes.gap is not None
    assert no.gap is not None
    assert yes.gap.lo > 0.05
    assert (no.gap.value, no.gap.lo, no.gap.hi) == (0, 0, 0)
    assert yes.beyond is not None
    assert yes.beyond.value == pytest.approx(yes.gap.value - no.gap.value)
    assert yes.marked
    assert no.marked  # of two values each is the other's rest
    assert no.beyond is not None
    assert no.beyond.value == pytest.approx(-yes.beyond.value)


def test_within_folds_the_difference_is_the_mean_of_theirs(make: Make) -> None:
    weak, mixed, _ = planted(folds=4)
    yes = named(looked(make, folds=4)[1])["half yes"]
    half = np.arange(PATIENTS) % 10 < 5

    def inside(frame: pd.DataFrame) -> float:
        each = [
            roc_auc_score(f["label"], f["logit"], sample_weight=f["weight"])
            for _, f in frame[half].groupby("fold")
        ]
        return float(np.mean(each))

    assert yes.gap is not None
    assert yes.gap.value == pytest.approx(inside(mixed) - inside(weak))


def test_small_groups_are_listed_and_neither_ranked_nor_compared(make: Make) -> None:
    models, found, _ = looked(make)
    small, large = named(found)["site C"], named(found)["site A"]
    assert not small.powered
    assert small.beyond is None
    assert large.powered
    assert not large.compared  # the rest of the column is too small
    assert found.comparisons == 1
    assert found.level == pytest.approx(0.95)
    ranked = wording.ranked(models[0], models[1], found)
    listed = wording.listed(found)
    assert [row[0] for row in ranked.rows] == ["half yes", "half no", "site A"]
    assert [row[0] for row in listed.rows] == ["site C"]
    assert " to " in listed.rows[0][-1]


def test_a_group_of_one_class_has_no_difference(make: Make) -> None:
    weak, mixed, _ = planted()
    groups = grouped(weak, sick=np.where(weak["label"] == 1, "yes", "no"))
    models = pair(make(weak, groups=groups), make(mixed))
    found = by_group(models[0], models[1], groups, PLAN)
    assert [group.gap for group in found.groups] == [None, None]
    assert wording.listed(found).rows[0][-1] == "one class only"
    assert wording.where(models[0], models[1], found) == (
        "On which patients: no group has 20 patients with and 20 without the event, so none is "
        "ranked"
    )


def test_more_groups_need_more_to_be_marked(make: Make) -> None:
    weak, mixed, _ = planted()
    quarters = np.array(["a", "b", "c", "d"])[np.arange(PATIENTS) % 4]
    groups = grouped(weak, quarter=quarters)
    models = pair(make(weak, groups=groups), make(mixed))
    found = by_group(models[0], models[1], groups, PLAN)
    assert found.comparisons == 4
    assert found.level == pytest.approx(1 - 0.05 / 4)
    assert not any(group.marked for group in found.groups)


def test_changed_calls_of_a_group_are_counted(make: Make) -> None:
    weak, mixed, _ = planted()
    yes = named(looked(make)[1])["half yes"].changes
    half = np.arange(PATIENTS) % 10 < 5
    sick = (weak["label"] == 1).to_numpy() & half
    well = (weak["label"] == 0).to_numpy() & half
    before, after = (weak["margin"] >= 0).to_numpy(), (mixed["margin"] >= 0).to_numpy()
    assert yes.events_right == (sick & after & ~before).sum()
    assert yes.events_wrong == (sick & before & ~after).sum()
    assert yes.rest_right == (well & before & ~after).sum()
    assert yes.rest_wrong == (well & after & ~before).sum()
    assert yes.total == (half & (before != after)).sum() > 0
    assert named(looked(make)[1])["half no"].changes.total == 0


def test_two_sentences_say_where_and_whom(make: Make) -> None:
    models, found, _ = looked(make)
    where = wording.where(models[0], models[1], found)
    yes = named(found)["half yes"]
    assert yes.gap is not None
    size = f"{yes.events} events of {yes.patients}"
    assert f"B is better in half yes ({yes.gap.text()}, {size})" in where
    assert "in 1 of 3 groups neither is shown to be better" in where
    assert where.endswith("in everyone else: half yes, half no (1 comparison)")
    whom = wording.changed(models[1], found)
    assert whom.startswith("Changed calls: the largest share in half yes, ")
    assert f"B puts {yes.changes.events_right} with and {yes.changes.rest_right} without" in whom
    back = by_group(models[1], models[0], planted()[2], PLAN)
    assert "A is better in half yes" in wording.where(
        replace(models[1], letter="A"), replace(models[0], letter="B"), back
    )


def test_groups_reach_page_files_and_figures(make: Make) -> None:
    models, _, _ = looked(make)
    done = filled(models)
    page = (done.folder / "compare.html").read_text()
    assert all(line in page for line in done.facts["verdict"])
    assert [line.split(":")[0] for line in done.facts["verdict"][1:]] == [
        "On which patients", "Changed calls",
    ]  # fmt: skip
    assert "On which patients?" in page
    assert "Groups too small to be ranked" in page
    assert (done.folder / "plots" / "groups_B.svg").is_file()
    figures = done.facts["figures"]
    assert figures["compare/B/subgroup/half/yes/auroc_diff_lo"] > 0
    assert "compare/B/subgroup/site/C/auroc_diff" not in figures
    assert uncovered(figures) == []
    plain = json.loads((done.folder / "compare.json").read_text(), parse_constant=pytest.fail)
    assert [group["value"] for group in plain["groups"]["B"]["groups"]] == ["yes", "no", "C", "A"]
    for file in done.folder.rglob("*"):
        assert not file.is_file() or b"private0" not in file.read_bytes(), file


def test_pooled_rare_values_have_no_name_in_the_store(make: Make) -> None:
    weak, mixed, _ = planted()
    rare = np.where(np.arange(PATIENTS) % 2, "A", "other (3 values)")
    models = pair(make(weak, groups=grouped(weak, site=rare)), make(mixed))
    figures = [name for name in filled(models).facts["figures"] if "/subgroup/" in name]
    assert figures
    assert all(name.startswith("compare/B/subgroup/site/A/") for name in figures)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (lambda frame: None, "the evaluation of A kept no groups, as those of an older version"),
        (lambda frame: grouped(frame, x=["1"] * PATIENTS).iloc[:0], "bring no column to divide by"),
    ],
)
def test_why_there_are_no_groups_is_said(
    make: Make, groups: Callable[[pd.DataFrame], pd.DataFrame | None], reason: str
) -> None:
    weak, mixed, _ = planted()
    done = filled(pair(make(weak, groups=groups(weak)), make(mixed)))
    assert reason in done.facts["verdict"][-1]
    assert reason in (done.folder / "compare.html").read_text()


def test_the_link_to_the_ui_is_printed_and_kept_as_a_tag(make: Make, workspace: Workplace) -> None:
    from components.core import runs

    weak, mixed, groups = planted()
    stages = [make(weak, groups=groups), make(mixed)]
    for stage in stages:
        with runs.open_run("toy", "evaluate", {runs.TAG_FINGERPRINT: stage.fingerprint}):
            pass
    result = CliRunner().invoke(main, ["--runs", ",".join(str(s.folder) for s in stages)])
    assert result.exit_code == 0, result.output
    assert "side by side in the UI: http://127.0.0.1:5000/#/compare-runs?runs=" in result.stderr
    found = mlflow.MlflowClient().search_runs(
        [runs.experiment_id("toy")], filter_string="tags.component = 'compare'"
    )
    assert found[0].data.tags["compare_page"] in result.stderr
    assert uncovered(found[0].data.tags, "Tags") == []
    assert uncovered(found[0].data.metrics) == []
