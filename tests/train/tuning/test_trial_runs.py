"""Every trial is a run under the search's, whatever became of its worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import optuna
import pytest

from components.core import runs as core_runs
from components.core.errors import StorageError
from components.train.tuning import trial_runs
from components.train.tuning.job import Job
from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.plan import open_study
from components.train.tuning.study import search, study_file
from components.train.tuning.trial_runs import Recording, TrialRuns
from tests.conftest import Workplace
from tests.train.tuning import toys


def parent() -> Recording:
    client = core_runs.connect()
    run = client.create_run(core_runs.experiment_id("toy"), run_name="tune")
    return Recording(experiment="toy", parent=run.info.run_id)


def children(recording: Recording) -> dict[int, Any]:
    found = mlflow.MlflowClient().search_runs(
        [core_runs.experiment_id("toy")],
        filter_string=f"tags.`mlflow.parentRunId` = '{recording.parent}'",
    )
    return {int(run.data.tags["trial"]): run for run in found}


def mixed(settings: Settings, number: int, report: Report) -> Score:
    """Trial 1 fails, trial 2 is pruned."""
    report(0, 0.25)
    if number == 1:
        raise ValueError("names a patient")
    if number == 2:
        raise optuna.TrialPruned
    return Score(value=0.5 + number, figures={"val/auroc": 0.75, "val/loss": float("nan")})


def test_every_trial_is_a_run_with_its_state(workspace: Workplace) -> None:
    recording = parent()
    search(
        toys.plan(trials=4), factory=toys.factory("parabola"), objective=mixed, recording=recording
    )
    found = children(recording)
    told = {n: (r.info.status, r.data.tags["state"]) for n, r in found.items()}
    assert told == {
        0: ("FINISHED", "complete"), 1: ("FAILED", "failed"),
        2: ("FINISHED", "pruned"), 3: ("FINISHED", "complete"),
    }  # fmt: skip
    assert found[0].data.params == {"model.x": "0.5", "model.kind": "a"}
    assert found[3].data.metrics == {"tune/value": 3.5, "tune/reported": 0.25, "val/auroc": 0.75}
    assert found[1].data.tags["error"] == "fault: ValueError"
    assert found[1].data.metrics == {"tune/reported": 0.25}
    kept = {"component": "trial", "study": "toy", "slot": "3"}
    assert found[3].data.tags.items() >= kept.items()


def test_runs_of_an_earlier_search_move_under_the_present_one(workspace: Workplace) -> None:
    first, second = parent(), parent()
    search(toys.plan(trials=2), factory=toys.factory("parabola"), recording=first)
    search(toys.plan(trials=3), factory=toys.factory("parabola"), recording=second)
    assert not children(first)
    assert set(children(second)) == {0, 1, 2}


def test_a_smaller_search_shows_its_own_trials_alone(workspace: Workplace) -> None:
    first, second = parent(), parent()
    search(toys.plan(trials=3), factory=toys.factory("parabola"), recording=first)
    search(toys.plan(trials=1), factory=toys.factory("parabola"), recording=second)
    assert (set(children(first)), set(children(second))) == ({1, 2}, {0})


def test_two_studies_of_one_name_keep_their_own_runs(workspace: Workplace, tmp_path: Path) -> None:
    """As of two users of one tracking store, or of a data folder that was deleted in between."""
    first, second = parent(), parent()
    for recording, x in ((first, 0.5), (second, 0.25)):
        plan = replace(toys.plan(trials=2), untuned={**toys.START, "model.x": x})
        file = tmp_path / f"{x}.db"
        search(plan, factory=toys.factory("parabola"), recording=recording, file=file)
    for recording, x in ((first, "0.5"), (second, "0.25")):
        found = children(recording)
        assert {n: run.info.status for n, run in found.items()} == {0: "FINISHED", 1: "FINISHED"}
        assert found[0].data.params["model.x"] == x
        assert found[0].data.tags["study_id"] == found[1].data.tags["study_id"]


def test_the_run_of_a_dead_worker_is_killed(workspace: Workplace) -> None:
    recording = parent()

    def stopped(settings: Settings, number: int, report: Report) -> Score:
        raise KeyboardInterrupt

    plan = toys.plan(trials=1)
    with pytest.raises(KeyboardInterrupt):
        search(plan, factory=toys.factory("parabola"), objective=stopped, recording=recording)
    assert children(recording)[0].info.status == "KILLED"
    search(plan, factory=toys.factory("parabola"), recording=recording)
    found = children(recording)
    assert [found[n].data.tags["state"] for n in (0, 1)] == ["dead", "complete"]
    assert found[0].data.params == found[1].data.params


def test_a_run_that_was_never_written_is_written(workspace: Workplace) -> None:
    search(toys.plan(trials=2), factory=toys.factory("parabola"))
    recording = parent()
    plan = toys.plan(trials=2)
    job = Job(plan=plan, file=study_file("toy"), factory=toys.factory("parabola"))
    study = open_study(job.open(), plan)
    TrialRuns(recording, study).put_right(study.get_trials())
    found = children(recording)
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert found[1].data.metrics["tune/value"] == study.trials[1].value


def test_a_store_that_is_away_costs_no_trial(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = parent()
    real = TrialRuns.start

    def away(self: TrialRuns, number: int, slot: int) -> str:
        if number == 1:
            raise StorageError("the tracking store is away")
        return real(self, number, slot)

    monkeypatch.setattr(TrialRuns, "start", away)
    with pytest.raises(StorageError, match="is away"):
        search(toys.plan(trials=3), factory=toys.factory("parabola"), recording=recording)
    monkeypatch.undo()
    # The test's own undo put the environment back, too.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.uri)
    monkeypatch.setenv("CARDIO_DATA", str(workspace.data))
    found = search(toys.plan(trials=3), factory=toys.factory("parabola"), recording=recording)
    assert found.states == {"complete": 3}


def test_a_row_says_all_of_a_trial(data_folder: Path) -> None:
    found = search(toys.plan(trials=3), factory=toys.factory("parabola"), objective=mixed)
    complete, failed, pruned = (trial_runs.row_of(each) for each in found.trials)
    assert complete["value"] == 0.5
    assert complete["val/auroc"] == 0.75
    assert (failed["state"], failed["reason"]) == ("failed", "fault: ValueError")
    assert (pruned["state"], pruned["value"]) == ("pruned", 0.25)
    assert {each["attempt"] for each in (complete, failed, pruned)} == {1}
