"""A map over chunks in processes: complete, bounded, and honest about errors."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.core import pool
from components.core.errors import RecordError
from components.core.pool import map_chunks, worker_count

ROOT = Path(__file__).resolve().parents[2]


def square(x: int, y: int) -> tuple[int, int]:
    return x * y, os.getpid()


def fail(x: int) -> int:
    if x == 3:
        raise RecordError("unknown_lead", "no lead", field="lead", value="V9", advice="rename it")
    return x


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_answered_once(workers: int) -> None:
    found = list(map_chunks(square, ((i, i) for i in range(9)), workers=workers))
    assert sorted(value for value, _ in found) == [i * i for i in range(9)]
    here = {pid == os.getpid() for _, pid in found}
    assert here == {workers == 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_workers_error_arrives_whole(workers: int) -> None:
    with pytest.raises(RecordError, match=r"^no lead; rename it$") as caught:
        list(map_chunks(fail, ((i,) for i in range(6)), workers=workers))
    error = caught.value
    assert (error.code, error.reason) == ("unknown_lead", "no lead")
    assert (error.field, error.value, error.advice) == ("lead", "V9", "rename it")


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 4)])
def test_tasks_are_taken_lazily(workers: int, ahead: int) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[tuple[int, int]]:
        for i in range(50):
            taken.append(i)
            yield i, i

    results = map_chunks(square, tasks(), workers=workers)
    next(results)
    assert len(taken) == ahead
    results.close()  # type: ignore[attr-defined]


def test_no_task_is_no_answer() -> None:
    assert list(map_chunks(square, [], workers=1)) == []


def test_zero_means_a_process_per_core_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_count(3) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5, 7}, raising=False)
    assert worker_count(0) == 5
    monkeypatch.delattr(os, "sched_getaffinity")
    assert worker_count(0) == 1


def test_a_worker_kills_itself_when_its_run_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    reading, writing = os.pipe()
    os.close(writing)
    monkeypatch.setattr(os, "kill", lambda pid, sign: killed.append((pid, sign)))
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    pool._die_with_run()
    assert killed == []
    run = SimpleNamespace(sentinel=reading)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: run)
    pool._die_with_run()
    os.close(reading)
    assert killed == [(os.getpid(), signal.SIGKILL)]


ORPHANS = """
import os, sys, time
from pathlib import Path
from components.core.pool import map_chunks
from tests.core.test_pool import linger

for _ in map_chunks(linger, [(sys.argv[1], i) for i in range(2)], workers=2):
    pass
"""


def linger(folder: str, number: int) -> None:
    Path(folder, f"{number}.pid").write_text(str(os.getpid()))
    time.sleep(60)


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)], cwd=ROOT)
    end = time.monotonic() + 20
    while len(pids := [f.read_text() for f in tmp_path.glob("*.pid") if f.read_text()]) < 2:
        assert time.monotonic() < end, "the workers did not start"
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 10
    while any(_alive(int(pid)) for pid in pids):
        assert time.monotonic() < end, "a worker outlived its parent"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
