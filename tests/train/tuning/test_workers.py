"""Several worker processes on one study, some of which are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from components.core.errors import CardioError
from components.train.tuning.helpers import threads_each
from components.train.tuning.job import Job, job_from_json
from components.train.tuning.plan import Plan, open_study
from components.train.tuning.study import search
from tests.postgres import Postgres
from tests.train.tuning import toys

ROOT = Path(__file__).resolve().parents[3]
Process = subprocess.Popen[str]


def make_job(plan: Plan, folder: Path, **arguments: object) -> Job:
    factory = toys.factory("noted", folder=str(folder), **arguments)
    return Job(plan=plan, file=folder / "study.db", factory=factory)


@contextmanager
def workers(job: Job, count: int) -> Iterator[list[Process]]:
    """Worker processes as on so many machines: none is another's child."""
    command = [sys.executable, "-m", "components.train.tuning.worker"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT
        )
        for _ in range(count)
    ]
    try:
        for each in started:
            assert each.stdin is not None
            each.stdin.write(json.dumps(job.to_json()) + "\n")
            each.stdin.flush()
        yield started
    finally:
        for each in started:
            each.kill()
            each.wait()
            for stream in (each.stdin, each.stderr):
                if stream is not None:
                    stream.close()


def trials_of(job: Job) -> list[optuna.trial.FrozenTrial]:
    return open_study(job.open(), job.plan).get_trials()


def never_twice_at_once(folder: Path) -> bool:
    """No slot's next attempt begins before the one before has ended or its worker has died."""
    begun: dict[int, int] = {}
    for note in toys.notes(folder):
        number = note["number"]
        assert isinstance(number, int)
        if note["kind"] == "begin":
            begun[number] = begun.get(number, 0) + 1
    return all(times == 1 for times in begun.values())


def wait_for(what: object, folder: Path) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for note in toys.notes(folder):
            if (note["kind"], note["number"]) == what:
                return note
        time.sleep(0.05)
    pytest.fail(f"{what} did not come")


def test_a_job_survives_its_trip_as_json(tmp_path: Path) -> None:
    job = make_job(toys.plan(), tmp_path, seconds=0.1)
    assert job_from_json(json.loads(json.dumps(job.to_json()))) == job


def test_two_local_workers_share_an_sqlite_study(data_folder: Path, tmp_path: Path) -> None:
    job = make_job(toys.plan(trials=12, workers=2), tmp_path, seconds=0.4)
    found = search(job.plan, factory=job.factory, file=job.file)
    assert found.states == {"complete": 12}
    assert len(found.trials) == 12
    notes = toys.notes(tmp_path)
    assert sorted(n["number"] for n in notes if n["kind"] == "begin") == list(range(12))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_helper_that_dies_is_told_and_its_trial_tried_again(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(toys.plan(trials=3, workers=2), tmp_path, seconds=0.2, kill_at="1")
    plain = toys.noted(str(tmp_path))

    def objective(settings: toys.Settings, number: int, report: toys.Report) -> toys.Score:
        # Trial 0 is this process's: it lasts until the helper has begun the one it dies in.
        if number == 0:
            wait_for(("begin", 1), tmp_path)
        return plain(settings, number, report)

    found = search(job.plan, factory=job.factory, objective=objective, file=job.file)
    assert found.states == {"complete": 3}
    first, second = toys.by_slot(list(found.trials))[1]
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert first.params == second.params
    assert f"note: worker 2 has ended with status {-signal.SIGKILL}" in capsys.readouterr().err


def test_an_error_here_stops_the_helpers(data_folder: Path, tmp_path: Path) -> None:
    job = make_job(toys.plan(trials=40, workers=2), tmp_path, seconds=0.2)

    def objective(*_: object) -> toys.Score:
        wait_for(("begin", 1), tmp_path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(job.plan, factory=job.factory, objective=objective, file=job.file)
    before = len(toys.notes(tmp_path))
    time.sleep(1.0)
    assert len(toys.notes(tmp_path)) == before
    states = {each.state for each in trials_of(job)}
    assert TrialState.RUNNING not in states  # given back, not left to die


def test_a_worker_stops_when_its_parent_has_died(data_folder: Path, tmp_path: Path) -> None:
    job = make_job(toys.plan(trials=2), tmp_path, seconds=60.0)
    with workers(job, 1) as [worker]:
        wait_for(("begin", 0), tmp_path)
        assert worker.stdin is not None
        worker.stdin.close()  # as the kernel does when the parent dies
        assert worker.wait(timeout=20) == 130
    assert [each.state for each in trials_of(job)] == [TrialState.FAIL, TrialState.WAITING]


def test_a_worker_tells_its_error_in_one_sentence(data_folder: Path, tmp_path: Path) -> None:
    job = Job(plan=toys.plan(), file=tmp_path / "s.db", factory=toys.factory("broken"))
    with workers(job, 1) as [worker]:
        assert worker.wait(timeout=60) == 2
        assert worker.stderr is not None
        said = worker.stderr.read()
    assert said == "error: the cohort has no events\n"


def test_four_workers_on_postgresql_one_killed_in_a_trial(
    data_folder: Path, tmp_path: Path, postgres: Postgres
) -> None:
    plan = toys.plan(trials=16, storage=postgres.create("four"))
    job = make_job(plan, tmp_path, seconds=0.3, kill_at="5")
    with workers(job, 4) as started:
        statuses = [each.wait(timeout=60) for each in started]
    assert sorted(statuses) == [-signal.SIGKILL, 0, 0, 0]
    slots = toys.by_slot(trials_of(job))
    assert sorted(slots) == list(range(16))
    ended = [[each.state for each in slots[slot]] for slot in range(16)]
    assert ended.count([TrialState.COMPLETE]) == 15
    assert ended.count([TrialState.FAIL, TrialState.COMPLETE]) == 1
    [dead] = [each for each in slots.values() if len(each) == 2]
    assert dead[0].params == dead[1].params
    assert never_twice_at_once(tmp_path)
    ends = [note["number"] for note in toys.notes(tmp_path) if note["kind"] == "end"]
    assert len(ends) == len(set(ends)) == 16


def test_threads_are_shared_out() -> None:
    assert threads_each(1) == len(os.sched_getaffinity(0))
    assert threads_each(10_000) == 1


def test_a_study_nobody_completes_within_its_time(data_folder: Path, tmp_path: Path) -> None:
    job = make_job(toys.plan(trials=50, minutes=0.02), tmp_path, seconds=0.5)
    found = search(job.plan, factory=job.factory, file=job.file)
    assert 1 <= found.states["complete"] <= 3
    with pytest.raises(CardioError, match="no trial"):
        search(toys.plan(minutes=1e-9), factory=job.factory, file=tmp_path / "another.db")
