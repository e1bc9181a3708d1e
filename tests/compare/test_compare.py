"""Differences against scikit-learn, changed calls against counting, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn import metrics as sk

from components.compare import run
from components.compare.cli import main
from components.compare.flips import flips
from components.core import store
from components.core.comparison.judged import Judged, judged, split_references, why_unpaired
from components.core.comparison.paired import paired
from components.core.errors import InputError
from components.core.metrics.tables import sigmoid
from components.core.store import Stage
from tests.compare.conftest import PLAN, Make, predictions
from tests.conftest import Workplace


def load(*stages: Stage) -> list[Judged]:
    return judged([(f"run{i}", stage) for i, stage in enumerate(stages)])


def filled(models: list[Judged]) -> Stage:
    return store.build(
        "compare", run.identity(models), config=run.config(models), inputs={},
        compute=lambda work: run.fill(work, models),
    )[0]  # fmt: skip


def called(margin: pd.Series) -> pd.Series:
    return margin >= 0


def same(score: pd.Series) -> pd.Series:
    return score


@pytest.mark.parametrize(
    ("name", "function", "column", "transform"),
    [
        ("auroc", sk.roc_auc_score, "logit", same),
        ("auprc", sk.average_precision_score, "logit", same),
        ("brier", sk.brier_score_loss, "calibrated_logit", sigmoid),
        ("sensitivity", sk.recall_score, "margin", called),
        ("accuracy", sk.accuracy_score, "margin", called),
    ],
)
def test_differences_are_scikit_learns(
    make: Make, name: str, function: Callable[..., float], column: str, transform: Any
) -> None:
    weak, strong = predictions(0.3), predictions(0.8, threshold=0.4)
    first, second = load(make(weak), make(strong))
    found = paired(first, second, PLAN)
    y, w = weak["label"], weak["weight"]
    values = [function(y, transform(f[column]), sample_weight=w) for f in (strong, weak)]
    assert found[name].value == pytest.approx(values[0] - values[1])
    assert found[name].lo < found[name].value < found[name].hi
    assert "paired difference" in found[name].method
    back = paired(second, first, PLAN)[name]
    assert (back.value, back.lo) == pytest.approx((-found[name].value, -found[name].hi))


def test_net_benefit_and_calibration_are_among_the_differences(make: Make) -> None:
    first, second = load(make(predictions(0.3)), make(predictions(0.8)))
    assert {"net_benefit/10", "calibration_slope", "ece"} <= set(paired(first, second, PLAN))


def test_a_model_does_not_differ_from_its_own_predictions(make: Make) -> None:
    frame = predictions(0.5)
    first, second = load(make(frame), make(frame, model="twin"))
    for interval in paired(first, second, PLAN).values():
        assert (interval.value, interval.lo, interval.hi) == (0, 0, 0)
    assert flips(first, second, PLAN).total == 0
    assert "Neither is shown to be better" in filled([first, second]).facts["verdict"][0]


def test_cross_validated_models_are_compared_within_folds(make: Make) -> None:
    weak, strong = predictions(0.3, folds=4), predictions(0.8, folds=4)
    first, second = load(make(weak), make(strong))
    found = paired(first, second, PLAN)

    def inside(frame: pd.DataFrame) -> float:
        each = [
            sk.roc_auc_score(f["label"], f["logit"], sample_weight=f["weight"])
            for _, f in frame.groupby("fold")
        ]
        return float(np.mean(each))

    assert found["auroc_within_fold"].value == pytest.approx(inside(strong) - inside(weak))
    assert found["auroc_within_fold"].value != pytest.approx(found["auroc"].value)
    page = (filled([first, second]).folder / "compare.html").read_text()
    assert "AUROC, within folds" in page
    assert "compared within folds" in page


def test_changed_calls_are_counted_and_are_the_gaps_in_sensitivity(make: Make) -> None:
    one, two = predictions(0.3), predictions(0.8, threshold=0.4)
    first, second = load(make(one), make(two))
    found, gaps = flips(first, second, PLAN), paired(first, second, PLAN)
    before, after, sick = one["margin"] >= 0, two["margin"] >= 0, one["label"] == 1
    assert found.total == (before != after).sum()
    for name, rows in (("events", sick), ("no events", ~sick)):
        table = pd.crosstab(before[rows], after[rows]).to_numpy()
        assert found.counts[name] == tuple(table.ravel())
    assert found.figures["nri_events"].value == pytest.approx(gaps["sensitivity"].value)
    assert found.figures["nri_no_events"].value == pytest.approx(gaps["specificity"].value)
    assert found.figures["nri_events"].hi == pytest.approx(gaps["sensitivity"].hi)
    both = gaps["sensitivity"].value + gaps["specificity"].value
    assert found.figures["nri"].value == pytest.approx(both)
    expected = {f"patient-{i + 2}" for i in np.flatnonzero(before != after)}
    assert set(found.patients["patient_id"]) == expected


def test_what_is_written(make: Make) -> None:
    models = load(*(make(predictions(s, noise=i)) for i, s in enumerate((0.3, 0.8, 0.6))))
    done = filled(models)
    page = (done.folder / "compare.html").read_text()
    plain = json.loads((done.folder / "compare.json").read_text(), parse_constant=pytest.fail)
    table = pd.read_parquet(done.folder / "compare.parquet")
    moved = pd.read_parquet(done.folder / "flips.parquet")
    verdicts = done.facts["verdict"]
    assert verdicts[0].startswith("B (net) is better than A (net): difference in AUROC 0.")
    assert "at their thresholds they disagree on" in verdicts[0]
    assert all(line in page for line in verdicts)
    assert set(plain["differences"]) == {"B", "C"}
    assert plain["paired"] is True
    assert set(table["kind"]) == {"figure", "difference", "reclassification"}
    gap = table.query("kind == 'difference' and model == 'C' and figure == 'auroc'").iloc[0]
    assert plain["differences"]["C"]["auroc"]["value"] == gap["value"]
    assert done.facts["figures"]["compare/C/auroc_diff"] == gap["value"]
    assert done.facts["figures"]["compare/B/flips"] == (moved["pair"] == "B-A").sum()
    assert {p.name for p in (done.folder / "plots").iterdir()} == {
        "roc.svg", "pr.svg", "calibration.svg", "decision_curve.svg",
    }  # fmt: skip
    assert page.count("<img") == 4
    assert page.count("<script>") == 1  # links within the page, in a sandboxed frame
    assert 'src="http' not in page


def test_no_id_leaves_the_data_folder(make: Make) -> None:
    done = filled(load(make(predictions(0.3)), make(predictions(0.8))))
    for file in done.folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert b"private0" not in content, file
        assert b"secret0" not in content, file
    moved = pd.read_parquet(done.folder / "flips.parquet")
    assert moved["patient_id"].str.fullmatch(r"patient-\d+").all()


def test_other_splits_stand_side_by_side(make: Make) -> None:
    models = load(make(predictions(0.3)), make(predictions(0.8), split="f" * 64))
    assert "splits or folds (eeeeeeeeeeee and ffffffffffff)" in why_unpaired(models)
    done = filled(models)
    assert done.facts["verdict"][0].startswith("No differences: A and B were tested on different s")
    assert done.facts["figures"] == {}
    assert done.facts["tags"] == {"paired": False}
    assert "flips.parquet" not in done.facts["published"]
    page = (done.folder / "compare.html").read_text()
    assert "Not paired: " in page
    assert all(m.figures["auroc"].text() in page for m in models)
    plain = json.loads((done.folder / "compare.json").read_text())
    assert (plain["paired"], plain["differences"]) == (False, {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.iloc[:-1], "tested on different patients"),
        (lambda f: f.assign(patient_id=f["patient_id"] + "x"), "tested on different patients"),
        (lambda f: f.assign(label=1 - f["label"]), "labels of 200 rows differ between A and B"),
        (lambda f: f.assign(weight=2.0), "weight censored patients differently"),
    ],
)
def test_what_forbids_pairing_is_named(
    make: Make, change: Callable[[pd.DataFrame], pd.DataFrame], reason: str
) -> None:
    models = load(make(predictions(0.3)), make(change(predictions(0.8))))
    assert reason in why_unpaired(models)


def test_few_events_are_called_underpowered(make: Make) -> None:
    models = load(make(predictions(0.3, patients=40)), make(predictions(0.8, patients=40)))
    done = filled(models)
    assert done.facts["verdict"][0].startswith("Underpowered: B (net) minus A (net)")
    assert "Underpowered (A, B): fewer than 20" in (done.folder / "compare.html").read_text()


def test_the_better_one_may_come_first(make: Make) -> None:
    done = filled(load(make(predictions(0.9)), make(predictions(0.1, noise=2))))
    assert done.facts["verdict"][0].startswith("A (net) is better than B (net): difference")


@pytest.mark.parametrize("text", ["", "one", "a,", ",".join("abcdefg")])
def test_the_number_of_runs_is_checked(text: str) -> None:
    with pytest.raises(InputError, match=r"'runs' names \d run\(s\); name 2 to 6, separated by"):
        split_references(text)
    assert split_references(" a, b ,") == ["a", "b"]


def test_one_evaluation_twice_and_other_tasks_are_refused(make: Make) -> None:
    stage = make(predictions(0.3))
    with pytest.raises(InputError, match="'run0' is an evaluation that another run named here has"):
        load(stage, stage)
    with pytest.raises(InputError, match="'run0' is of task 'toy' and 'run1' of 'other'; compare"):
        load(stage, make(predictions(0.3), task="other"))


def test_the_command_line_opens_a_run(make: Make, workspace: Workplace) -> None:
    stages = [make(predictions(0.3)), make(predictions(0.8))]
    names = ",".join(str(stage.folder) for stage in stages)
    result = CliRunner().invoke(main, ["--runs", names])
    assert result.exit_code == 0, result.output
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == "compare"
    assert found.data.tags["component"] == "compare"
    assert found.data.metrics["compare/B/auroc_diff_lo"] > 0
    listed = {a.path for a in client.list_artifacts(found.info.run_id)}
    assert {"compare.html", "compare.json", "compare.parquet", "flips.parquet", "plots"} == listed
    assert CliRunner().invoke(main, ["--runs", "alone"]).exit_code == 2
