"""The processes that compute: a few, and who of those that wait is answered next.

A reader that hangs or dies takes its process with it and nothing else: the others go on answering.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from components.serve.order import Bundle
from components.serve.problems import Fault, FaultError, ProblemError, Refusal
from components.serve.worker import EndedError, Worker

R = TypeVar("R")
_RETRY_S = "1"
# Of the service's own work; a model of gigabytes loads in less.
LONGEST_S = 600.0
_Waiting = deque[asyncio.Future[Worker]]


class Processes:
    """A few processes.

    Args:
        count: of processes.
        waiting: requests that may wait for one; more are refused.
        seconds: that one request may take.
        scratch: folder of the service, in which the models that are served are listed for a
            process that begins.
    """

    def __init__(self, *, count: int, waiting: int, seconds: float, scratch: Path) -> None:
        self.count, self.seconds = count, seconds
        self._most = count + waiting
        self._list = scratch / "bundles.json"
        self._under_way = 0
        self.preload([])
        self._all = [Worker(self._list) for _ in range(count)]
        self._free = list(self._all)
        self._first: _Waiting = deque()
        self._last: _Waiting = deque()

    @property
    def under_way(self) -> int:
        """Return how many requests are computed or wait."""
        return self._under_way

    @property
    def stopped(self) -> int:
        """Return how many processes were stopped, or ended by themselves."""
        return sum(each.ended for each in self._all)

    def preload(self, bundles: Sequence[Bundle]) -> None:
        """Say which models a process that begins loads before its first request."""
        text = json.dumps([[each.folder, each.text_encoder] for each in bundles])
        part = self._list.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(self._list)

    async def ask(self, function: Callable[..., R], *arguments: object) -> R | Refusal:
        """Return what a function of a module says, run in a process; a `UserError` as a refusal.

        Raises:
            ProblemError: `busy`, `time-limit`, or `unreadable-input` where the process died of it.
            FaultError: the function failed.
        """
        if self._under_way >= self._most:
            raise ProblemError(
                "busy",
                f"{self._under_way} requests are under way; try again in a moment",
                headers={"Retry-After": _RETRY_S},
            )
        self._under_way += 1
        try:
            return await self.run(function, *arguments, seconds=self.seconds)
        finally:
            self._under_way -= 1

    async def run(
        self,
        function: Callable[..., R],
        *arguments: object,
        seconds: float = LONGEST_S,
        patient: bool = False,
    ) -> R | Refusal:
        """Return the same beside the queue; work of the service's own.

        Args:
            function: of a module.
            arguments: of it.
            seconds: that it may take.
            patient: whether all others that wait go first, whenever they came.

        Raises:
            ProblemError: `time-limit`, or `unreadable-input` where the process died of it.
            FaultError: the function failed.
        """
        async with self._one(self._last if patient else self._first) as worker:
            try:
                found = await worker.ask(function, arguments, seconds)
            except TimeoutError as error:
                raise ProblemError(
                    "time-limit", f"the answer took longer than {seconds:g} s and was stopped"
                ) from error
            except EndedError as error:
                raise _ended() from error
        if isinstance(found, Fault):
            raise FaultError(found)
        return found

    @asynccontextmanager
    async def _one(self, line: _Waiting) -> AsyncGenerator[Worker]:
        """Wait in a line for a process, and hand it on afterwards."""
        worker = self._free.pop() if self._free else await self._turn(line)
        try:
            yield worker
        finally:
            self._hand_on(worker)

    async def _turn(self, line: _Waiting) -> Worker:
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn came as it went away
                self._hand_on(turn.result())
            raise

    def _hand_on(self, worker: Worker) -> None:
        for line in (self._first, self._last):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(worker)
                    return
        self._free.append(worker)

    def begin(self) -> None:
        """Begin every process, before anybody waits for one."""
        for each in self._all:
            each.begin()

    def close(self) -> None:
        """Stop every process."""
        for each in self._all:
            each.close()


def _ended() -> ProblemError:
    return ProblemError(
        "unreadable-input",
        "the process that read the input ended before it could answer",
        extra={"code": "process_ended"},
    )
