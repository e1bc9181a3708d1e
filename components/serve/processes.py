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
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from components.core.errors import UserError
from components.serve.order import Bundle
from components.serve.problems import ProblemError

R = TypeVar("R")
# Imported once, by the server that every process is a fork of.
_PRELOADED = ["components.serve.answering", "components.serve.batch_rows"]
_RETRY_S = "1"


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
        self.stopped = 0
        self.preload([])
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self._pool = ProcessPool(
            count, context=context, initializer=_begin, initargs=(str(self._list),)
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

    async def ask(self, function: Callable[..., R], *arguments: object) -> R:
        """Return what a function of a module says, run in a process.

        Raises:
            ProblemError: `busy`, `time-limit`, or `unreadable-input` where the process died of it.
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
        self, function: Callable[..., R], *arguments: object, seconds: float | None = None
    ) -> R:
        """Return the same beside the queue; work of the service's own, without a limit if None.

        Raises:
            ProblemError: `time-limit`, or `unreadable-input` where the process died of it.
        """
        future: Any = self._pool.schedule(function, args=list(arguments), timeout=seconds)
        try:
            found: R = await asyncio.wrap_future(future)
        except TooLong as error:
            self.stopped += 1
            raise ProblemError(
                "time-limit", f"the answer took longer than {seconds:g} s and was stopped"
            ) from error
        except ProcessExpired as error:
            self.stopped += 1
            raise ProblemError(
                "unreadable-input",
                "the process that read the input ended before it could answer",
                extra={"code": "process_ended"},
            ) from error
        return found

    def close(self) -> None:
        """Stop every process."""
        self._pool.stop()
        self._pool.join()


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
