"""One process that computes, with one thread: killed at a time limit, begun anew when it has ended.

It shares no pipe and no lock with another, so that its end, whatever it is doing, is its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from components.core.errors import UserError
from components.serve.calls import plainly
from components.serve.order import Bundle
from components.serve.problems import Fault, Refusal

R = TypeVar("R")
# Imported once, by the server that every process is a fork of.
_PRELOADED = ["components.serve.answering", "components.serve.batch_rows"]
# One that ended with nothing to do is begun anew for whoever comes next.
_TRIES = 3


class Worker:
    """A process; it begins when it is first asked.

    Args:
        bundles: file that lists the models which it loads before its first request.
    """

    def __init__(self, bundles: Path) -> None:
        self._bundles = bundles
        self._pool: ProcessPoolExecutor | None = None
        self._number: Future[int] = Future()
        self._closed = False
        self.ended = 0

    async def ask(
        self, function: Callable[..., R], arguments: Sequence[object], seconds: float
    ) -> R | Refusal | Fault:
        """Return what a function of a module says; the time limit begins when the process has.

        Raises:
            TimeoutError: it took longer than `seconds`; the process was killed.
            BrokenProcessPool: the process ended over it.
        """
        waiter = asyncio.wrap_future(await self._submitted(function, arguments))
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except BaseException:  # also whoever asked going away: it computes for nobody then
            self._end()
            if not self._closed:
                self._begun()  # now, while nobody waits for it
            raise

    async def _submitted(
        self, function: Callable[..., R], arguments: Sequence[object]
    ) -> Future[R | Refusal | Fault]:
        for _ in range(_TRIES):
            pool = self._begun()
            try:
                await asyncio.shield(asyncio.wrap_future(self._number))
                return pool.submit(plainly, function, *arguments)
            except BrokenProcessPool:
                self._end()
        raise BrokenProcessPool("the process ends as soon as it begins")

    def _begun(self) -> ProcessPoolExecutor:
        if self._closed:
            raise BrokenProcessPool("the service ends")
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOADED)
            self._pool = ProcessPoolExecutor(
                1, mp_context=context, initializer=_begin, initargs=(str(self._bundles),)
            )
            self._number = self._pool.submit(os.getpid)
        return self._pool

    def _end(self) -> None:
        """Kill the process; the next request begins another."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        self.ended += 1
        self._kill()
        # Its own thread sees the end; nothing here waits for it.
        pool.shutdown(wait=False, cancel_futures=True)

    def _kill(self) -> None:
        if self._number.done() and not self._number.cancelled() and not self._number.exception():
            with suppress(ProcessLookupError):
                os.kill(self._number.result(), signal.SIGKILL)

    def close(self) -> None:
        """End the process for good, and wait until it has ended."""
        self._closed = True
        if self._pool is not None:
            self._kill()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


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
    from multiprocessing import connection

    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
