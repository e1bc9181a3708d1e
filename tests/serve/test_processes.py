"""Processes that compute: stopped at their limit, begun anew when they die, and none left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.core.errors import InputError
from components.serve import worker as worker_file
from components.serve.order import Bundle
from components.serve.problems import FaultError, ProblemError, Refusal
from components.serve.processes import Processes
from tests.conftest import ROOT


@pytest.fixture(scope="module", autouse=True)
def _light() -> Any:
    """Let the processes import what they are asked for alone: no model is asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_file, "_PRELOADED", [])
        patch.setattr(worker_file, "_begin", _nothing)
        yield


def _nothing(bundles: str) -> None:
    assert Path(bundles).is_file()


def _ends(bundles: str) -> None:
    os._exit(9)


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


def test_a_process_that_is_killed_while_idle_costs_nothing(tmp_path: Path) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        for late in (0.0, 0.0, 0.5):  # before anybody has heard of it, and after
            number: Any = await own.ask(pid)
            psutil.Process(number).send_signal(signal.SIGKILL)
            time.sleep(0.02 + late)  # the kernel's own end of it
            assert await own.ask(len, b"abc") == 3

    run(own, asking)
    assert own.stopped == 3


def test_all_begin_before_anybody_waits(tmp_path: Path) -> None:
    own = made(tmp_path, count=2)

    async def asking() -> None:
        before = {each.pid for each in _family()}
        own.begin()
        own.begin()  # those that have begun are left alone
        async with asyncio.timeout(20):
            while len({each.pid for each in _family()} - before) < 2:
                await asyncio.sleep(0.05)
        assert await own.ask(pid) not in before
        assert len({each.pid for each in _family()} - before) == 2

    run(own, asking)
    assert own.stopped == 0


def test_the_loop_goes_on_while_a_process_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of forks may have been killed, and have to import all again."""
    own = made(tmp_path)
    really: Any = worker_file.Worker._begin

    def slow(worker: Any) -> Any:
        time.sleep(0.5)
        return really(worker)

    monkeypatch.setattr(worker_file.Worker, "_begin", slow)

    async def asking() -> None:
        first = asyncio.create_task(own.ask(len, b"abc"))
        last, longest = time.monotonic(), 0.0
        while not first.done():
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < 0.4
        assert first.result() == 3

    run(own, asking)


def test_a_process_that_never_begins_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_file, "_begin", _ends)
    own = made(tmp_path)

    async def asking() -> None:
        with pytest.raises(ProblemError, match="ended before it could answer"):
            await own.ask(len, b"abc")

    run(own, asking)
    assert own.stopped == 3


def test_one_that_dies_while_it_writes_holds_up_nobody(tmp_path: Path) -> None:
    """What it had begun to send, and every lock that it held, was its own."""
    own = made(tmp_path, count=2)

    async def asking() -> None:
        for _ in range(3):
            large = asyncio.create_task(own.ask(bytes, 200_000_000))
            number: Any = await own.ask(pid)
            others = {each.pid for each in _family()} - {number}
            await asyncio.sleep(0.1)
            for each in others:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            async with asyncio.timeout(10):
                assert await own.ask(len, b"abc") == 3
            await asyncio.wait((large,), timeout=10)
            assert large.done()

    run(own, asking)


def _family() -> list[psutil.Process]:
    """Return the processes that compute: forks of the server of forks."""
    own = psutil.Process()
    return [
        each
        for child in own.children()
        for each in child.children()
        if each.status() != psutil.STATUS_ZOMBIE
    ]


def test_who_goes_away_gives_its_process_back(tmp_path: Path) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        gone = asyncio.create_task(own.ask(time.sleep, 60))
        waits = asyncio.create_task(own.ask(len, b"ab"))
        await asyncio.sleep(0.3)
        waits.cancel()
        gone.cancel()
        async with asyncio.timeout(20):
            assert await own.ask(len, b"abc") == 3
        assert own.under_way == 0

    run(own, asking)


def test_a_turn_that_comes_to_somebody_who_goes_away_goes_to_the_next(tmp_path: Path) -> None:
    own = made(tmp_path)

    async def asking() -> None:
        private: Any = own
        worker = private._free.pop()
        away, next_ = (asyncio.create_task(own.ask(len, b"ab")) for _ in range(2))
        await asyncio.sleep(0)
        private._hand_on(worker)
        away.cancel()
        async with asyncio.timeout(20):
            assert await next_ == 2

    run(own, asking)


def test_the_patient_go_last(tmp_path: Path) -> None:
    own = made(tmp_path)
    order: list[str] = []

    async def asked(name: str, *, patient: bool) -> None:
        await own.run(len, b"", patient=patient)
        order.append(name)

    async def asking() -> None:
        held = asyncio.create_task(own.run(time.sleep, 0.3))
        await asyncio.sleep(0)
        rows = [asyncio.create_task(asked(f"row {n}", patient=True)) for n in range(2)]
        await asyncio.sleep(0)
        one = asyncio.create_task(asked("one patient", patient=False))
        await asyncio.gather(held, one, *rows)

    run(own, asking)
    assert order == ["one patient", "row 0", "row 1"]


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
