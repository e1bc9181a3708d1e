"""The processes that compute: a few, each with one thread, stopped at a time limit and begun anew.

A reader that hangs or dies takes its process with it and nothing else: the others go on answering.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as TooLong
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from components.core.errors import UserError
from components.serve.calls import plainly
from components.serve.order import Bundle
from components.serve.problems import Fault, FaultError, ProblemError, Refusal

R = TypeVar("R")
# Imported once, by the server that every process is a fork of.
_PRELOADED = ["components.serve.answering", "components.serve.batch_rows"]
_RETRY_S = "1"
# Of the service's own work; a model of gigabytes loads in less.
LONGEST_S = 600.0
# An answer that the end of other processes took along is asked for again.
_TRIES = 3


class Processes:
    """A pool of processes.

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
        self._gone: asyncio.Future[None] | None = None
        self._closed = False
        self.stopped = 0
        self.preload([])
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        return ProcessPool(
            self.count, context=context, initializer=_begin, initargs=(str(self._list),)
        )

    @property
    def under_way(self) -> int:
        """Return how many requests are computed or wait."""
        return self._under_way

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
        self, function: Callable[..., R], *arguments: object, seconds: float = LONGEST_S
    ) -> R | Refusal:
        """Return the same beside the queue; work of the service's own.

        Raises:
            ProblemError: `time-limit`, or `unreadable-input` where the process died of it.
            FaultError: the function failed.
        """
        for _ in range(_TRIES):
            try:
                found = await self._tried(function, arguments, seconds)
            except BrokenProcessPool:  # for whatever another process died of
                self.mend()
            except TooLong as error:
                self.stopped += 1
                raise ProblemError(
                    "time-limit", f"the answer took longer than {seconds:g} s and was stopped"
                ) from error
            except ProcessExpired as error:
                self.stopped += 1
                raise _ended() from error
            else:
                if isinstance(found, Fault):
                    raise FaultError(found)
                return found
        raise _ended()

    async def _tried(
        self, function: Callable[..., R], arguments: Sequence[object], seconds: float
    ) -> R | Refusal | Fault:
        try:
            future = self._pool.schedule(plainly, args=[function, *arguments], timeout=seconds)
        except RuntimeError as error:  # no process of the pool is left
            raise BrokenProcessPool from error
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        waiter, gone = asyncio.wrap_future(future), self._gone
        try:
            await asyncio.wait((waiter, gone), return_when=asyncio.FIRST_COMPLETED)
            if not waiter.done():
                raise BrokenProcessPool
            return waiter.result()
        finally:
            waiter.cancel()

    def mend(self) -> None:
        """Begin anew where the pool gave up: it does when a process dies that had nothing to do.

        Whoever waits for an answer of the old pool asks the new one.
        """
        if self._closed or self._pool.active:
            return
        old, self._pool = self._pool, self._new_pool()
        self.stopped += 1
        if self._gone is not None:
            self._gone.set_result(None)
            self._gone = None
        threading.Thread(target=_stop, args=(old,), daemon=True).start()

    def close(self) -> None:
        """Stop every process."""
        self._closed = True
        _stop(self._pool)


def _stop(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _ended() -> ProblemError:
    return ProblemError(
        "unreadable-input",
        "the process that read the input ended before it could answer",
        extra={"code": "process_ended"},
    )


def _begin(bundles: str) -> None:
    """In a process that begins: no threads of linear algebra, no orphan, models loaded."""
    import threadpoolctl

    from components.serve.answering import predictor_of

    threadpoolctl.threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles the keyboard
    threading.Thread(target=_end_with_service, daemon=True).start()
    for folder, encoder in json.loads(Path(bundles).read_text(encoding="utf-8")):
        with suppress(UserError):  # deleted since: whoever asks for it is told
            predictor_of(Bundle(folder=folder, text_encoder=encoder))


def _end_with_service() -> None:
    import os
    from multiprocessing import connection

    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
