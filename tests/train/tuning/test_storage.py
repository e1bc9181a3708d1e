"""The study's database: made by many at once, never reached, and of other kinds."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from components.core.errors import ConfigError, StorageError
from components.train.tuning.claims import Claim, Slots, alive, attempts, is_dead
from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.plan import open_study, plan_of
from components.train.tuning.storage import Opened, open_storage
from components.train.tuning.trial import run_trial
from tests.postgres import Postgres
from tests.train.tuning import toys
from tests.train.tuning.test_space import task

ROOT = Path(__file__).resolve().parents[3]
OPEN = """
import sys
from pathlib import Path
from components.train.tuning.plan import open_study
from components.train.tuning.storage import open_storage
from tests.train.tuning import toys
open_study(open_storage(sys.argv[1], Path(sys.argv[2]), heartbeat_s=1, retries=2), toys.plan())
"""


def opened(url: str = "", file: Path = Path(), retries: int = 2) -> Opened:
    return open_storage(url, file, heartbeat_s=1, retries=retries)


def together(url: str, file: Path, count: int) -> list[int]:
    command = [sys.executable, "-c", OPEN, url, str(file)]
    started = [subprocess.Popen(command, cwd=ROOT) for _ in range(count)]
    return [each.wait(timeout=60) for each in started]


def test_several_processes_make_one_sqlite_study(tmp_path: Path) -> None:
    assert together("", tmp_path / "new" / "s.db", 4) == [0] * 4
    with sqlite3.connect(tmp_path / "new" / "s.db") as connection:
        assert connection.execute("SELECT count(*) FROM studies").fetchone() == (1,)
        ids = "SELECT count(*) FROM study_user_attributes WHERE key = 'study_id'"
        assert connection.execute(ids).fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_several_processes_make_one_postgresql_study(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("together")
    assert together(url, tmp_path, 4) == [0] * 4
    found = opened(url)
    (made,) = found.storage.get_all_studies()
    assert set(made.user_attrs) == {"identity", "study_id"}
    assert found.name == f"127.0.0.1:{postgres.port}/together"


def test_a_server_that_is_not_there_is_told_without_the_password(postgres: Postgres) -> None:
    url = postgres.url.replace(str(postgres.port), "1")
    with pytest.raises(StorageError, match=r"'127\.0\.0\.1:1/postgres' does not answer") as caught:
        opened(url)
    assert "secret" not in str(caught.value)
    with pytest.raises(StorageError, match="does not answer") as caught:
        opened(postgres.url.replace("secret", "wrong"))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:geheim@h/d", r"kind 'mysql'; write postgresql://user"),
        ("my study", r"'tune\.storage' is no URL; write postgresql://"),
    ],
)
def test_another_kind_of_database_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        opened(url)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("not a database " * 100)
    with pytest.raises(StorageError, match=r"'s\.db' does not answer \(DatabaseError\)"):
        opened(file=tmp_path / "s.db")


def test_tables_of_another_version(tmp_path: Path) -> None:
    opened(file=tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    with pytest.raises(StorageError, match=r"'s\.db' was made by another version of Optuna"):
        opened(file=tmp_path / "s.db")


# Python's filters of warnings are not a thread's own; workers are processes.
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_claim_is_one_workers_alone(tmp_path: Path) -> None:
    """More threads than slots, each with a connection of its own, as so many machines."""
    plan = toys.plan(trials=10)

    def claims(_: int) -> list[int]:
        found = opened(file=tmp_path / "s.db")
        slots, mine = Slots(plan, found, open_study(found, plan)), []
        while isinstance(claim := slots.claim(), Claim):
            mine.append(claim.slot)
        assert claim == "busy"
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [slot for mine in pool.map(claims, range(8)) for slot in mine]
    assert sorted(taken) == list(range(10))


def age(found: Opened, seconds: float) -> None:
    """Let the last sign of life of every trial be longer ago."""
    moved = "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, :by)"
    with found.storage.engine.begin() as connection:
        connection.execute(sqlalchemy.text(moved), {"by": f"-{seconds} seconds"})


def claimed(slots: Slots) -> Claim:
    claim = slots.claim()
    assert isinstance(claim, Claim)
    return claim


def test_a_dead_trial_is_tried_again_as_often_as_allowed(tmp_path: Path) -> None:
    plan = toys.plan(trials=1, retries=2)
    found = opened(file=tmp_path / "s.db")
    study = open_study(found, plan)
    slots = Slots(plan, found, study)
    for _ in range(3):
        assert claimed(slots).settings == toys.START
        assert slots.claim() == "busy"
        age(found, 60)
    assert slots.claim() == "done"
    trials = study.get_trials()
    assert [attempts(each) for each in trials] == [1, 2, 3]
    assert all(is_dead(each) for each in trials)


def test_a_retry_whose_maker_died_is_made_up_for(tmp_path: Path) -> None:
    plan = toys.plan(trials=1)
    found = opened(file=tmp_path / "s.db")
    slots = Slots(plan, found, open_study(found, plan))
    first = claimed(slots)
    # As it stands between the two writes of the worker that notices a dead trial.
    found.storage.set_trial_state_values(first.trial_id, TrialState.FAIL)
    second = claimed(slots)
    assert (second.slot, second.settings) == (0, toys.START)
    assert second.trial.number == 1


def test_a_trial_that_was_taken_over_is_not_given_back(tmp_path: Path) -> None:
    plan = toys.plan(trials=1)
    found = opened(file=tmp_path / "s.db")
    study = open_study(found, plan)
    slots = Slots(plan, found, study)
    first = claimed(slots)
    age(found, 60)
    claimed(slots)
    slots.give_back(first)
    assert [each.state for each in study.get_trials()] == [TrialState.FAIL, TrialState.RUNNING]


def test_signs_of_life_come_and_outlast_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = toys.plan()
    found = opened(file=tmp_path / "s.db")
    claim = claimed(Slots(plan, found, open_study(found, plan)))
    beats: list[float] = []

    def record(trial_id: int) -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise StorageInternalError
        assert trial_id == claim.trial_id

    monkeypatch.setattr(found.storage, "record_heartbeat", record)
    with alive(found, claim.trial_id, every_s=0.05):
        time.sleep(0.5)
    count = len(beats)
    assert count >= 3
    time.sleep(0.2)
    assert len(beats) == count


def test_a_grace_period_is_three_heartbeats(tmp_path: Path) -> None:
    found = open_storage("", tmp_path / "s.db", heartbeat_s=20, retries=0)
    assert found.storage.grace_period == timedelta(minutes=1).total_seconds()


def test_a_plan_of_a_task_starts_from_its_own_settings() -> None:
    chosen = task("model.width=24 tune.objective=loss")
    plan = plan_of(chosen, name="n", about={"data": "d"})
    assert plan.untuned["model.width"] == 24
    assert plan.identity()["data"] == "d"
    other = plan_of(task("model.width=32"), name="n", about={"data": "d"})
    assert other.identity() != plan.identity()


@pytest.mark.parametrize("reports", [True, False])
def test_a_result_that_comes_too_late_is_refused(tmp_path: Path, reports: bool) -> None:
    plan = toys.plan(trials=1)
    found = opened(file=tmp_path / "s.db")
    study = open_study(found, plan)
    slots = Slots(plan, found, study)

    def objective(settings: Settings, number: int, report: Report) -> Score:
        age(found, 60)
        assert claimed(slots).trial.number == 1  # another worker has taken it over
        if reports:
            report(0, 1.0)
        return Score(value=1.0)

    assert run_trial(claimed(slots), objective, found).state == "lost"
    assert [each.state for each in study.get_trials()] == [TrialState.FAIL, TrialState.RUNNING]
