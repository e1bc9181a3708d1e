"""One process that computes, with one thread: killed at a time limit, begun anew when it has ended.

It shares no pipe and no lock with anybody, and nobody but it holds its end of its pipe: its end,
whatever it was doing, is heard at once and is its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

from components.core.errors import UserError
from components.serve.calls import plainly
from components.serve.order import Bundle
from components.serve.problems import Fault, Refusal

R = TypeVar("R")
# Imported once, by the server that every process is a fork of.
_PRELOADED = ["components.serve.answering", "components.serve.batch_rows"]
# One that ended with nothing to do is begun anew for whoever comes next.
_TRIES = 3
# Of a process that was killed.
_LAST_S = 10.0


class EndedError(Exception):
    """The process ended before it could answer."""


class _NotSentError(Exception):
    """The process had ended before it was asked."""


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """A process that has begun.

    Attributes:
        process: it.
        pipe: the service's end of its pipe.
    """

    process: ForkServerProcess
    pipe: Connection[Any, Any]

    def asked(self, what: object) -> Any:  # noqa: ANN401 - what it was asked for
        """Return the answer of the process."""
        try:
            self.pipe.send(what)
        except OSError as error:  # nobody holds the other end any more
            raise _NotSentError from error
        return self.pipe.recv()


class Worker:
    """A process; it begins when it is told to, or first asked.

    Args:
        bundles: file that lists the models which it loads before its first request.
    """

    def __init__(self, bundles: Path) -> None:
        self._bundles = bundles
        self._own: Future[_Begun] | None = None
        self._last: _Begun | None = None
        # One waits for the answer; the other may still hear the end of the process before.
        self._threads = ThreadPoolExecutor(2)
        self._closed = False
        self.ended = 0

    async def ask(
        self, function: Callable[..., R], arguments: Sequence[object], seconds: float
    ) -> R | Refusal | Fault:
        """Return what a function of a module says; the time limit begins when the process has.

        Raises:
            TimeoutError: it took longer than `seconds`; the process was killed.
            EndedError: the process ended over it.
        """
        for _ in range(_TRIES):
            own = await self._begun()
            try:
                return await self._asked(own, (function, arguments), seconds)
            except _NotSentError:
                continue  # nothing of the question was read; another process begins for it
        raise EndedError

    async def _asked(self, own: _Begun, what: object, seconds: float) -> Any:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                return await loop.run_in_executor(self._threads, own.asked, what)
        except BaseException as error:  # also whoever asked going away: nobody waits for it then
            self._end(own)
            self.begin()
            if isinstance(error, (EOFError, OSError)) and not isinstance(error, TimeoutError):
                raise EndedError from error
            raise

    def begin(self) -> Future[_Begun]:
        """Begin the process if there is none, before anybody waits for it."""
        if self._own is None:
            self._own = Future() if self._closed else self._threads.submit(self._begin)
        return self._own

    async def _begun(self) -> _Begun:
        for _ in range(_TRIES):
            if self._closed:
                break
            try:
                return await asyncio.shield(asyncio.wrap_future(self.begin()))
            except (EOFError, OSError):  # it ended as it began
                self._end(None)
        raise EndedError

    def _begin(self) -> _Begun:
        """Begin a process, in a thread: the server of forks may have to begin first."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        pipe, theirs = context.Pipe()
        process = context.Process(
            target=_compute, args=(theirs, _begin, str(self._bundles)), daemon=True
        )
        process.start()
        theirs.close()  # or the end of the process would not be the end of the pipe
        self._last = _Begun(process=process, pipe=pipe)
        if self._closed:
            process.kill()
        pipe.recv()  # it has loaded its models
        return self._last

    def _end(self, own: _Begun | None) -> None:
        """Kill the process; a thread that reads its pipe hears it, so that it is not closed."""
        self.ended += 1
        if own is not None:
            own.process.kill()
        self._own = None

    def close(self) -> None:
        """End the process for good, and wait until it has ended."""
        self._closed = True
        if self._last is not None:
            self._last.process.kill()
            self._last.process.join(_LAST_S)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _compute(pipe: Connection[Any, Any], begin: Callable[[str], None], bundles: str) -> None:
    """In a process: answer what is asked, until the service closes the pipe."""
    begin(bundles)
    pipe.send(None)
    with suppress(EOFError):
        while True:
            function, arguments = pipe.recv()
            found = plainly(function, *arguments)
            try:
                pipe.send(found)
            except (TypeError, AttributeError) as error:  # before a byte of it was sent
                pipe.send(Fault(kind=type(error).__name__, place="answer"))


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
