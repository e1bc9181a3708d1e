"""The view of times to event where something lacks: events, times, a fit; and beside a head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.heads import BinaryHead, SurvivalHead
from components.core.errors import InputError
from components.core.schemas import MANIFEST
from components.evaluate import follow_up as module
from components.evaluate.analyses import survival_head, survival_view
from components.evaluate.follow_up import follow_up, has_times
from components.evaluate.follow_up_table import FollowUp
from components.evaluate.predictions import position
from tests.chain import (
    manifest_of,
)
from tests.evaluate.conftest import Example
from tests.evaluate.timed import Timed


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
