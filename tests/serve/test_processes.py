"""Processes that compute: stopped at their limit, begun anew when they die, and none left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.core.errors import InputError
from components.serve import processes as processes_file
from components.serve.order import Bundle
from components.serve.problems import FaultError, ProblemError, Refusal
from components.serve.processes import Processes
from tests.conftest import ROOT


@pytest.fixture(scope="module", autouse=True)
def _light() -> Any:
    """Let the processes import what they are asked for alone: no model is asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes_file, "_PRELOADED", [])
        patch.setattr(processes_file, "_begin", _nothing)
        yield


def _nothing(bundles: str) -> None:
    assert Path(bundles).is_file()


def pid() -> int:
    return os.getpid()


def refused() -> None:
    raise InputError("it cannot be taken")


def fault() -> None:
    raise LookupError("QUILLFEATHRY")


def run(of: Processes, asking: Callable[[], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        try:
            return await asking()
        finally:
            of.close()

    return asyncio.run(asked())


def made(tmp_path: Path, *, count: int = 1, waiting: int = 8, seconds: float = 20.0) -> Processes:
    return Processes(count=count, waiting=waiting, seconds=seconds, scratch=tmp_path)


def test_answers_refusals_and_faults_come_back(tmp_path: Path) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        assert await own.ask(len, b"abc") == 3
        assert own.under_way == 0
        assert await own.ask(refused) == Refusal(detail="it cannot be taken")
        with pytest.raises(FaultError, match=r"LookupError at test_processes.py:\d+"):
            await own.ask(fault)
        assert await own.ask(pid) != os.getpid()

    run(own, asking)
    assert own.stopped == 0


def test_what_takes_too_long_is_stopped_and_the_next_is_answered(tmp_path: Path) -> None:
    own = made(tmp_path, seconds=0.3)

    async def asking() -> None:
        with pytest.raises(ProblemError, match=r"took longer than 0.3 s and was stopped") as late:
            await own.ask(time.sleep, 30)
        assert late.value.kind == "time-limit"
        own.seconds = 20.0
        assert await own.ask(len, b"abc") == 3

    begun = time.monotonic()
    run(own, asking)
    assert time.monotonic() - begun < 15
    assert own.stopped == 1


def test_a_process_that_dies_of_an_input_costs_that_input(tmp_path: Path) -> None:
    own = made(tmp_path, count=2)

    async def asking() -> None:
        slow = asyncio.create_task(own.ask(time.sleep, 1.5))
        await asyncio.sleep(0)
        with pytest.raises(ProblemError, match="ended before it could answer") as died:
            await own.ask(os._exit, 9)
        assert (died.value.kind, died.value.extra["code"]) == ("unreadable-input", "process_ended")
        assert await slow is None
        assert await own.ask(len, b"abc") == 3

    run(own, asking)
    assert own.stopped == 1


@pytest.mark.parametrize("watched", [False, True])
def test_a_process_that_is_killed_while_idle_costs_nothing(tmp_path: Path, watched: bool) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        for _ in range(2):
            number: Any = await own.ask(pid)
            process = psutil.Process(number)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            await asyncio.sleep(0.5)
            if watched:  # as the service does from time to time
                own.mend()
            assert await own.ask(len, b"abc") == 3

    run(own, asking)
    assert own.stopped == 2


def test_whoever_waits_while_the_pool_gives_up_is_answered_by_the_next(tmp_path: Path) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        await own.ask(len, b"abc")
        waiting = asyncio.create_task(own.ask(time.sleep, 0.2))
        await asyncio.sleep(0.05)
        private: Any = own
        private._pool.stop()  # as it does by itself where it is left without a process
        own.mend()
        assert await waiting is None
        assert own.under_way == 0

    run(own, asking)


def test_what_ends_every_pool_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = made(tmp_path)

    async def broken(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(own, "_tried", broken)

    async def asking() -> None:
        with pytest.raises(ProblemError, match="ended before it could answer"):
            await own.ask(len, b"abc")

    run(own, asking)


def test_more_than_may_wait_are_turned_away(tmp_path: Path) -> None:
    own = made(tmp_path, waiting=1)

    async def asking() -> None:
        slow = [asyncio.create_task(own.ask(time.sleep, 0.3)) for _ in range(2)]
        await asyncio.sleep(0)
        assert own.under_way == 2
        with pytest.raises(ProblemError, match="2 requests are under way") as busy:
            await own.ask(len, b"abc")
        assert (busy.value.kind, busy.value.headers) == ("busy", {"Retry-After": "1"})
        assert await own.run(len, b"ab") == 2  # the service's own work is not turned away
        await asyncio.gather(*slow)
        assert await own.ask(len, b"abc") == 3

    run(own, asking)


def test_no_process_is_left_and_nothing_begins_after_the_end(tmp_path: Path) -> None:
    own = made(tmp_path, count=2)

    async def asking() -> set[Any]:
        found = await asyncio.gather(*(own.ask(pid) for _ in range(8)))
        return set(found)

    used = run(own, asking)
    assert used
    assert not [each for each in used if psutil.pid_exists(each)]
    own.mend()
    with pytest.raises(ProblemError):
        asyncio.run(own.ask(len, b"abc"))


ORPHANS = """
import asyncio, os, pathlib, sys, time
from components.serve import processes

async def asked():
    own = processes.Processes(count=1, waiting=1, seconds=60, scratch=pathlib.Path(sys.argv[1]))
    print(await own.ask(os.getpid), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    asyncio.run(asked())
"""


def test_a_service_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "orphans.py").write_text(ORPHANS)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "orphans.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    ) as killed:  # fmt: skip
        assert killed.stdout is not None
        worker = psutil.Process(int(killed.stdout.readline()))
        family = psutil.Process(killed.pid).children(recursive=True)
        assert worker in family
        killed.kill()
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_the_list_of_models_is_written_whole(tmp_path: Path) -> None:
    own = made(tmp_path)
    own.preload([Bundle(folder="a", text_encoder="b"), Bundle(folder="c")])
    assert (tmp_path / "bundles.json").read_text() == '[["a", "b"], ["c", ""]]'
    assert not list(tmp_path.glob("*.part"))
    own.close()
