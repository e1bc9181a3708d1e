"""The view of times to event: who counts, what is compared, what is said where something lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core import runs
from components.core.config.heads import BinaryHead, SurvivalHead
from components.core.data.cohort import read_part
from components.core.data.held_out import record_opening
from components.core.errors import InputError
from components.core.metrics.concordance import harrell_c, uno_c
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import patient_tables
from components.core.metrics.time_auc import time_auc
from components.core.report.section import Section
from components.core.schemas import MANIFEST
from components.core.store import Stage
from components.evaluate import follow_up as module
from components.evaluate.analyses import survival_head, survival_view
from components.evaluate.analysis import Context
from components.evaluate.baselines import Features
from components.evaluate.follow_up import follow_up, has_times
from components.evaluate.follow_up_table import FollowUp
from components.evaluate.predictions import position, table
from components.evaluate.predictions import test_fold as predict_fold
from components.evaluate.report.incidence import Group
from components.evaluate.run import _place
from components.evaluate.survival_figures import survival_figures
from components.evaluate.upstream import upstream
from tests.chain import (
    LABEL,
    audited,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    task_config,
    trained,
    write_table,
)
from tests.evaluate.conftest import FIT, Example, _isolate

LABEL_AT = {"horizon_days": 365.0}
OPTIONS: dict[str, Any] = {
    "label": "label",
    "patient_id": "pid",
    "event_time_days": "event",
    "followup_days": "last",
    "death_days": "death",
    "tabular": {"x": "numeric", "noise": "numeric"},
}


@dataclass(frozen=True)
class Timed:
    context: Context
    found: FollowUp
    section: Section
    cohort: Stage


def write_cohort(folder: Path, *, patients: int = 320) -> Path:
    """Write times in which `x` carries the risk; a third is censored within the year, few die."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=patients)
    onset, death = rng.exponential(500 * np.exp(-1.2 * x)), rng.exponential(3000, patients)
    last = rng.uniform(60, 900, patients)
    rows: list[dict[str, object]] = []
    for i in range(patients):
        died = death[i] < last[i] and death[i] < onset[i]
        until = death[i] if died else last[i]
        had = onset[i] <= until
        rows.append(
            {
                "pid": f"p{i:04d}", "x": x[i], "noise": rng.normal(), "label": int(had),
                "event": onset[i] if had else None, "last": until,
                "death": death[i] if died else None,
            }
        )  # fmt: skip
    return write_table(folder / "timed.csv", rows)


def context_of(train: Stage, task: Any) -> Context:
    behind = upstream(train)
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(behind.cohort, recorder)
    place = _place(behind)
    tests = [
        predict_fold(train, behind.cohort, fold, opening, place, rule="youden", recalibrate="platt")
        for fold in behind.cohort.facts["folds"]
    ]
    predictions = table(tests)
    return Context(
        stages=behind, task=task, tests=tests, predictions=predictions,
        tables=patient_tables(predictions, folded=len(tests) > 1), plan=Plan(draws=100),
        place=place, opening=opening,
        features=Features(float(behind.cohort.facts["ecg"]["fs"])),
    )  # fmt: skip


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[Timed]:
    folder = tmp_path_factory.mktemp("timed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, folder, migrated_store)
        source = ingested(ingest_config("table", write_cohort(folder), OPTIONS))
        stage = prepared(
            source, label=LABEL_AT, split={"method": "folds", "folds": 2, "repeats": 2}
        )
        task = task_config(
            label=LABEL | LABEL_AT,
            fit=FIT | {"refit": False},
            evaluate={"draws": 100, "survival": {"horizons_days": [180, 9999]}},
        )
        context = context_of(trained(audited(stage, label=LABEL_AT), task), task)
        found = follow_up(context)
        yield Timed(context, found, survival_view.analyse(context), stage)
    torch.set_num_threads(threads)


def test_everyone_counts_the_censored_too(timed: Timed) -> None:
    manifest = manifest_of(timed.cohort)
    assert manifest["label"].isna().sum() > 50  # censored within the year: no binary label
    pooled = timed.found.pooled.set_index("patient_id")
    assert len(pooled) == len(manifest) == 320
    expected = manifest.set_index("patient_id").loc[pooled.index]
    assert pooled["time_days"].tolist() == expected["time_days"].tolist()
    assert pooled["event_code"].tolist() == expected["event_code"].tolist()
    assert set(pooled["event_code"]) == {0, 1, 2}
    assert len(timed.found.each) == 2 * 320
    assert timed.found.missing == {}
    assert "All 320 patients with known follow-up count" in timed.section.text[0]


def test_a_labelled_patient_has_the_logit_of_the_predictions(timed: Timed) -> None:
    known = timed.context.tables.pooled.set_index("patient_id")["logit"]
    ours = timed.found.pooled.set_index("patient_id")["network"]
    assert len(known) < len(ours)
    np.testing.assert_allclose(ours[known.index], known, atol=1e-6)


def test_figures_are_those_of_the_functions(timed: Timed) -> None:
    frame, figures = timed.found.pooled, timed.section.figures
    time, code = frame["time_days"].to_numpy(), frame["event_code"].to_numpy()
    score = frame["network"].to_numpy()
    assert figures["harrell_c"].value == pytest.approx(harrell_c(time, code, score))
    assert figures["uno_c"].value == pytest.approx(uno_c(time, code, score, tau=365.0))
    auc = time_auc(time, code, score, [180.0, 365.0])
    assert [figures[f"time_auc/{d}"].value for d in (180, 365)] == pytest.approx(auc)
    own = cumulative_incidence(time, code, 180.0)
    assert figures["cumulative_incidence/180"].value == own.value
    for name, each in figures.items():
        assert each.lo <= each.value <= each.hi, name


def test_within_folds_figures_are_means_of_folds(timed: Timed) -> None:
    values = [
        harrell_c(fold["time_days"], fold["event_code"], fold["cox"])
        for _, fold in timed.found.each.groupby(["repeat", "fold"])
    ]
    figures = timed.section.figures
    assert figures["baseline/cox/harrell_c"].value == pytest.approx(np.mean(values))
    gap = figures["harrell_c_within_fold"].value - np.mean(values)
    assert figures["baseline/cox/harrell_c_diff"].value == pytest.approx(gap)


def test_cox_finds_the_planted_risk_and_its_risks_beat_the_same_for_all(timed: Timed) -> None:
    figures = survival_figures(timed.found, timed.context.plan)
    assert figures.within["cox:harrell_c"].value > 0.7
    for day in (180, 365):
        own = figures.pooled[f"cox:survival_brier@{day}"].value
        assert own < figures.pooled[f"constant:survival_brier@{day}"].value
    whole = [figures.pooled[f"{who}:integrated_brier"].value for who in ("cox", "constant")]
    assert whole[0] < whole[1]


def test_risks_agree_with_what_was_observed(timed: Timed) -> None:
    frame = timed.found.pooled
    for who in ("network", "cox"):
        risk = frame[f"{who}@365"]
        assert ((risk >= 0) & (risk <= 1)).all()
        assert (risk >= frame[f"{who}@180"]).all()
        seen = cumulative_incidence(frame["time_days"], frame["event_code"], 365.0)
        assert risk.mean() == pytest.approx(seen.value, abs=0.08)


def test_test_patients_teach_the_cox_model_nothing(timed: Timed) -> None:
    fold = timed.context.tests[0].fold
    tested = set(manifest_of(timed.cohort).query(f"`part.{fold}` == 'test'")["patient_id"])
    each = timed.found.each
    assert set(each[(each["repeat"] == 0) & (each["fold"] == 0)]["patient_id"]) == tested


def test_a_test_part_without_gaps_is_not_predicted_again(timed: Timed) -> None:
    (test, *_), cohort = timed.context.tests, timed.cohort
    seen = [read_part(cohort, test.fold, part) for part in ("train", "val")]
    fold = module._Fold(test=test, rows=test.rows, seen=seen)
    missing: dict[str, str] = {}
    found = module._scored(timed.context, fold, np.empty(0), Features(500.0), missing)
    known = test.frame.set_index("patient_id")["logit"]
    assert found.set_index("patient_id")["network"].to_dict() == known.to_dict()
    assert missing == {}
    assert "cox" in found
    assert not any("@" in str(column) for column in found)


def test_a_third_that_was_not_followed_so_far_has_no_incidence(timed: Timed) -> None:
    short = Group(name="short", time=np.array([30.0, 40.0]), code=np.array([1.0, 0.0]))
    (row,) = survival_view._by_risk(timed.found, [short]).rows
    assert row == ("short", "2", "1 (underpowered)", "—")


def test_horizons_without_follow_up_are_named_and_left_out(timed: Timed) -> None:
    assert timed.found.horizons == (180.0, 365.0)  # the label's own is added
    assert timed.found.left_out == (9999.0,)
    assert any("fewer than 20 patients were followed so far: day 9999" in t
               for t in timed.section.text)  # fmt: skip


def test_the_section_shows_tables_and_picture(timed: Timed) -> None:
    names = [each.caption for each in timed.section.tables]
    assert names == [
        "Concordance", "Discrimination at horizons", "Brier score of the risk at horizons",
        "Incidence by predicted risk",
    ]  # fmt: skip
    for each in timed.section.tables:
        assert all(len(row) == len(each.header) for row in each.rows)
    thirds = timed.section.tables[3].rows
    assert [row[0] for row in thirds] == ["lowest third", "middle third", "highest third"]
    assert sum(int(row[1]) for row in thirds) == 320
    observed = [float(row[3].split(" ")[0]) for row in thirds]
    assert observed == sorted(observed)
    assert [row[0] for row in timed.section.tables[0].rows][2] == "Harrell's C, pooled"
    assert timed.section.plots[0].svg.startswith("<?xml")


def without_cox(found: FollowUp) -> FollowUp:
    gone = [c for c in found.pooled if str(c).startswith("cox")]
    return replace(
        found,
        each=found.each.drop(columns=gone),
        pooled=found.pooled.drop(columns=gone),
        missing={"cox": "too few", "cox@": "too few"},
        left_out=(),
        untimed=3,
    )


def test_without_a_cox_model_the_network_stands_alone(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = without_cox(timed.found)
    monkeypatch.setattr(survival_view, "follow_up", lambda context: bare)
    section = survival_view.analyse(timed.context)
    assert not any("cox" in name for name in section.figures)
    assert "No Cox regression: too few." in section.text
    assert not any("Horizons left out" in words for words in section.text)
    assert "3 record(s) without follow-up time are left out of this section." in section.text
    assert section.tables[0].rows[0][2:] == ("—", "—")
    assert [n.text for n in section.notices] == [
        "There is no Cox regression to compare with; its section says why."
    ]


def test_without_horizons_only_concordance_is_told(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(timed.found, horizons=(), grid=(), left_out=(9999.0,))
    monkeypatch.setattr(survival_view, "follow_up", lambda context: bare)
    section = survival_view.analyse(timed.context)
    assert [each.caption for each in section.tables] == ["Concordance"]
    assert set(section.figures) == {
        f"{head}{name}{end}"
        for name in ("harrell_c", "uno_c")
        for head, end in (
            ("", ""), ("", "_within_fold"), ("baseline/cox/", ""), ("baseline/cox/", "_diff")
        )
    }  # fmt: skip


def test_without_risks_there_is_no_brier_score(timed: Timed) -> None:
    bare = replace(timed.found, missing={"network@": "a", "cox@": "b"})
    found = survival_figures(bare, Plan(draws=100))
    assert not any("brier" in name for name in found.pooled)
    assert "network:time_auc@180" in found.pooled


def few_events(found: FollowUp) -> FollowUp:
    frame = found.pooled.copy()
    events = frame.index[frame["event_code"] == 1]
    frame.loc[events[15:], "event_code"] = 0
    each = found.each.merge(frame[["patient_id", "event_code"]], on="patient_id",
                            suffixes=("_old", "")).drop(columns="event_code_old")  # fmt: skip
    return replace(found, each=each, pooled=frame)


def test_few_events_are_called_underpowered(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survival_view, "follow_up", lambda context: few_events(timed.found))
    section = survival_view.analyse(timed.context)
    (notice,) = section.notices
    assert notice.level == "warning"
    assert notice.text == "Times to event rest on 15 patients with the event: underpowered."
    assert all("(underpowered)" in row[1] for row in section.tables[1].rows)
    assert all("(underpowered)" in row[2] for row in section.tables[3].rows)


def test_a_network_no_better_than_cox_is_noted(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [f.assign(network=f["cox"]) for f in (timed.found.each, timed.found.pooled)]
    same = replace(timed.found, each=frames[0], pooled=frames[1])
    monkeypatch.setattr(survival_view, "follow_up", lambda context: same)
    (notice,) = survival_view.analyse(timed.context).notices
    assert "not shown to be better than Cox regression: difference of Harrell's C 0.000" in (
        notice.text
    )


def test_a_fit_that_fails_is_told_not_raised(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InputError("2 events are too few")

    monkeypatch.setattr(module, "fit_incidence", refuse)
    found = follow_up(timed.context)
    wanted = "2 events are too few"
    assert found.missing == {"cox": wanted, "cox@": wanted, "network@": wanted}
    assert found.models == ("network",)
    assert [c for c in found.each if "@" in c or c == "cox"] == []


def test_a_horizon_beyond_the_fit_leaves_out_the_risks_alone(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short:
        def score(self, x: np.ndarray) -> np.ndarray:
            return x[:, 0]

        def risk_by(self, x: np.ndarray, horizons: np.ndarray) -> np.ndarray:
            raise InputError("lower the horizon")

    monkeypatch.setattr(module, "fit_incidence", lambda *_, **__: Short())
    found = follow_up(timed.context)
    assert found.missing == {"cox@": "lower the horizon", "network@": "lower the horizon"}
    assert found.models == ("network", "cox")


def test_records_without_times_are_left_out_and_counted(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = timed.cohort.folder / MANIFEST
    real = pd.read_parquet

    def gaps(path: Path, **options: Any) -> pd.DataFrame:
        frame = real(path, **options)
        return frame.assign(time_days=frame["time_days"].mask(frame.index % 40 == 0))

    assert real(file)["time_days"].notna().all()
    monkeypatch.setattr(pd, "read_parquet", gaps)
    found = follow_up(timed.context)
    assert found.untimed == 8
    assert len(found.pooled) == 312


def test_it_applies_where_an_event_has_a_time(
    timed: Timed, examples: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert survival_view.applies(timed.context)
    untimed = examples("holdout").behind
    assert not has_times(replace(timed.context, stages=untimed))
    monkeypatch.setattr(pd, "read_parquet", lambda path: pd.DataFrame({"label": [1]}))
    assert not has_times(timed.context)


def table_of_heads(timed: Timed) -> pd.DataFrame:
    """Return the table of a survival head that says what the fixture's Cox model says."""
    frames = []
    for test in timed.context.tests:
        repeat, fold = position(test.fold)
        rows = manifest_of(timed.cohort).query(f"`part.{test.fold}` == 'test'")
        frames.append(
            rows[["sample_id", "patient_id", "time_days", "event_code"]].assign(
                repeat=repeat, fold=fold
            )
        )
    columns = {"cox@180": "out.survival.180", "cox@365": "out.survival.365"}
    said = timed.found.each[["repeat", "fold", "patient_id", *columns]].rename(columns=columns)
    return pd.concat(frames).merge(said, on=["repeat", "fold", "patient_id"])


def test_a_survival_head_is_compared_with_the_same_cox_model(timed: Timed) -> None:
    head = {"survival": SurvivalHead(horizons_days=(180, 365))}
    task = timed.context.task.model_copy(update={"heads": head | {"toy": BinaryHead()}})
    context = replace(timed.context, task=task, heads=table_of_heads(timed))
    assert survival_head.applies(context)
    section = survival_head.analyse(context)
    figures = section.figures
    view = timed.section.figures
    # The head repeats what Cox says, so nothing is left of the difference in risks.
    for day in (180, 365):
        own = figures[f"head/survival/survival_brier/{day}"].value
        assert own == pytest.approx(view[f"baseline/cox/survival_brier/{day}"].value)
        gap = figures[f"head/survival/survival_brier_minus_cox/{day}"]
        assert (gap.value, gap.lo, gap.hi) == pytest.approx((0, 0, 0))
    assert any("is not shown to rank patients better" in n.text for n in section.notices)


def test_cox_alone_may_be_asked_for_at_other_days(timed: Timed) -> None:
    found = follow_up(timed.context, compared=("cox",), at=(30.0, 200.0, 9999.0))
    assert found.horizons == found.grid == (30.0, 200.0)
    assert found.left_out == (9999.0,)
    assert found.models == ("cox",)
    assert not any(str(column).startswith("network") for column in found.each)
    own = timed.found.each["cox"]
    np.testing.assert_allclose(found.each["cox"], own)


def test_an_ecg_cohort_is_scored_through_its_signals(examples: Callable[[str], Example]) -> None:
    done = examples("ecg")
    figures = done.stage.facts["figures"]
    cohort = manifest_of(done.behind.cohort)
    assert cohort["label"].isna().any()
    assert figures["test/harrell_c_lo"] <= figures["test/harrell_c"] <= figures["test/harrell_c_hi"]
    assert "baseline/cox/harrell_c" in figures
    assert (done.stage.folder / "plots" / "survival_view.svg").is_file()
