"""Figures of groups against scikit-learn; the planted gap is found, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from components.core.config.evaluate import SubgroupsConfig
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables, sigmoid
from components.evaluate.analyses import subgroups
from components.evaluate.subgroups import wording
from components.evaluate.subgroups.figures import ORACLE, Found, Group, examine
from components.evaluate.subgroups.grouping import Column, columns_of
from tests.evaluate.subgroups.planted import simulated

PLAN = Plan(draws=100)


def column(values: list[str], name: str = "arm") -> Column:
    ids = [f"p{i:03d}" for i in range(len(values))]
    # As `columns_of` makes it: with missing values a comparison is neither true nor false.
    known = pd.Series(values, ids, dtype="string").dropna()
    shown = tuple(sorted(known.unique()))
    return Column(name=name, of_patient=known, shown=shown, keys={v: v for v in shown})


def tables(size: int = 300, *, repeats: int = 1, folds: int = 1, seed: int = 0) -> PatientTables:
    rng = np.random.default_rng(seed)
    ids = [f"p{i:03d}" for i in range(size)]
    label = (rng.random(size) < 0.4).astype(float)
    weight = rng.choice([1.0, 1.5], size)
    parts = []
    for repeat in range(repeats):
        logit = rng.normal(0, 1, size) + 1.2 * label - 0.9
        cells = {"repeat": repeat, "fold": rng.permutation(size) % folds, "patient_id": ids}
        parts.append(pd.DataFrame(cells | {"label": label, "weight": weight, "logit": logit}))
    each = pd.concat(parts, ignore_index=True).assign(calibrated_logit=lambda t: 0.8 * t["logit"])
    pooled = each.groupby("patient_id")[["label", "weight", "logit", "calibrated_logit"]].mean()
    return PatientTables(each=each, pooled=pooled.reset_index(), folded=folds > 1)


def by_value(found: Found) -> dict[str, Group]:
    return {group.value: group for group in found.groups}


def test_figures_of_a_group_are_scikit_learns_on_its_patients() -> None:
    data, arm = tables(), column(list("aab") * 100)
    found = by_value(examine(data, [arm], PLAN))
    frame = data.pooled.assign(arm=list("aab") * 100)
    own, rest = frame[frame["arm"] == "a"], frame[frame["arm"] == "b"]
    y, weight, logit = own["label"], own["weight"], own["logit"]
    prob = sigmoid(own["calibrated_logit"].to_numpy())
    auroc = sk.roc_auc_score(y, logit, sample_weight=weight)
    other = sk.roc_auc_score(rest["label"], rest["logit"], sample_weight=rest["weight"])
    slope = LogisticRegression(C=np.inf).fit(
        own[["calibrated_logit"]].to_numpy(), y, sample_weight=weight
    )
    expected = {
        "auroc": auroc,
        "auprc": sk.average_precision_score(y, logit, sample_weight=weight),
        "auroc_gap": auroc - other,
        "prevalence": np.average(y, weights=weight),
        "observed_expected": np.sum(weight * y) / np.sum(weight * prob),
        "calibration_slope": slope.coef_[0, 0],
    }
    figures = found["a"].figures
    assert {k: figures[k].value for k in expected} == pytest.approx(expected, rel=1e-3)
    assert (found["a"].patients, found["a"].events) == (200, int(y.sum()))
    assert all(figures[k].lo < figures[k].value < figures[k].hi for k in expected)
    gap = found["b"].figures["auroc_gap"]
    assert (gap.value, gap.lo, gap.hi) == pytest.approx(
        (-figures["auroc_gap"].value, -figures["auroc_gap"].hi, -figures["auroc_gap"].lo)
    )


def test_figures_are_within_folds_under_cross_validation() -> None:
    data, arm = tables(repeats=2, folds=3), column(list("ab") * 150)
    found = by_value(examine(data, [arm], PLAN))
    own = data.each[data.each["patient_id"].map(arm.of_patient) == "a"]
    cells = [
        sk.roc_auc_score(f["label"], f["logit"], sample_weight=f["weight"])
        for _, f in own.groupby(["repeat", "fold"])
    ]
    assert found["a"].figures["auroc"].value == pytest.approx(np.mean(cells))
    assert "within-fold" not in found["a"].figures["observed_expected"].method


def test_two_groups_have_one_gap_and_three_have_three() -> None:
    data = tables()
    two, three = column(list("ab") * 150), column(list("xyz") * 100, "site")
    found = examine(data, [two, three], PLAN)
    assert found.gaps == 4
    assert found.level == pytest.approx(1 - 0.05 / 4)
    assert [group.value for group in found.groups] == list("abxyz")


def test_a_group_with_few_events_is_listed_and_not_compared() -> None:
    data = tables(200)
    values = ["rare"] * 30 + ["common"] * 100 + ["most"] * 70
    found = examine(data, [column(values)], PLAN)
    rare = by_value(found)["rare"]
    assert 0 < rare.events < 20
    assert not rare.powered
    assert "auroc" in rare.figures
    assert "auroc_gap" not in rare.figures
    assert found.gaps == 2
    assert [row[0] for row in wording.ranked(found).rows] == ["arm common", "arm most"]
    small = wording.listed(found)
    assert small is not None
    assert small.rows[0][0] == "arm rare"
    assert " to " in small.rows[0][3]


def test_a_rest_with_few_events_leaves_nothing_to_compare_with() -> None:
    found = examine(tables(200), [column(["rare"] * 20 + ["most"] * 180)], PLAN)
    assert found.gaps == 0
    assert by_value(found)["most"].powered
    assert not by_value(found)["most"].compared
    assert wording.ranked(found).rows[0][-3:] == ("not compared", "not compared", "")


def test_a_group_of_one_class_has_sizes_alone() -> None:
    data = tables(120)
    values = np.where(data.pooled["label"] == 1, "all", "none")
    found = examine(data, [column(values.tolist())], PLAN)
    assert all(not group.figures for group in found.groups)
    small = wording.listed(found)
    assert small is not None
    assert small.rows[0][3] == "one class only"


def test_patients_without_a_value_are_no_group_and_no_rest() -> None:
    data, values = tables(), [None, "a", "b"] * 100
    found = examine(data, [column(values)], PLAN)  # type: ignore[arg-type]
    assert found.unknown == {"arm": 100}
    assert sum(group.patients for group in found.groups) == 200
    assert "Not known, and left out there: arm of 100 patients" in wording.ranked(found).note


def test_what_is_best_possible_stands_beside_where_it_is_known() -> None:
    data = tables()
    oracle = data.each["label"] + np.random.default_rng(3).normal(0, 0.3, len(data.each))
    known = PatientTables(
        each=data.each.assign(**{ORACLE: oracle}), pooled=data.pooled, folded=False
    )
    found = examine(known, [column(list("ab") * 150)], PLAN)
    figures = by_value(found)["a"].figures
    assert figures["oracle_auroc"].value > figures["auroc"].value
    assert "Best possible AUROC" in wording.ranked(found).header


@pytest.fixture(scope="module")
def planted() -> dict[str | None, Found]:
    """Return the groups in which a gap can be planted, 12,000 test patients, without and with one.

    Among bands of age and therapies the best possible AUROC differs by itself (docs/synthetic.md).
    """
    made: dict[str | None, Found] = {}
    for gap in (None, "site=C"):
        data = simulated(gap, test=12_000)
        columns = columns_of(data.manifest, SubgroupsConfig(columns=("sex", "site")))
        made[gap] = examine(data.tables, columns, Plan(draws=200))
    return made


def test_the_planted_gap_is_found_and_no_other(planted: dict[str | None, Found]) -> None:
    found = planted["site=C"]
    lower = [g for g in found.groups if g.marked and g.figures["auroc_gap"].value < 0]
    assert [f"{g.column}={g.value}" for g in lower] == ["site=C"]
    (notice,) = wording.notices(found)
    assert notice.level == "warning"
    assert "AUROC is lower in site C than in everyone else: gap −0.0" in notice.text
    assert "widened for 4 gaps" in notice.text
    rows = {row.label: row.tone for row in wording.picture(found, found.groups[0].figures["auroc"])}
    assert [label for label, tone in rows.items() if tone == "marked"] == [
        "site C"[5:] + rows_of(found)
    ]


def rows_of(found: Found) -> str:
    group = by_value(found)["C"]
    return f" ({group.events} of {group.patients:,})"


def test_without_a_planted_gap_none_is_marked(planted: dict[str | None, Found]) -> None:
    found = planted[None]
    assert found.gaps == 4
    assert not [group for group in found.groups if group.marked]
    assert not list(wording.notices(found))
    told = wording.paragraphs(found, level=0.95, planted="None planted.")
    assert "4 gaps are looked at; at 95 % each, 0.2 of them" in told[0]
    assert "98.75 %" in told[0]
    assert told[-1] == "None planted."


def test_rare_values_that_are_ranked_together_reach_the_store() -> None:
    data = tables()
    ids = data.pooled["patient_id"]
    sites = ["A"] * 180 + [f"ward {i % 10}" for i in range(120)]
    manifest = pd.DataFrame({"patient_id": ids, "row": range(300), "site": sites})
    found = examine(data, columns_of(manifest, SubgroupsConfig()), PLAN)
    pooled = by_value(found)["other (10 values)"]
    assert pooled.powered
    tracked = subgroups.figures(found)
    assert tracked["subgroup/site/other/auroc"] == pooled.figures["auroc"]
    assert tracked["subgroup/site/other/events"].value == pooled.events
