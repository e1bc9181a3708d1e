"""A map over numbered chunks in local processes, in bounded flight, that dies with its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import connection
from typing import Any, TypeVar

import threadpoolctl

R = TypeVar("R")


def worker_count(configured: int) -> int:
    """Return the number of processes; 0 means one per core this process may run on."""
    if configured:
        return configured
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _start_worker() -> None:
    """One thread of linear algebra per process, and no process that outlives the run."""
    threadpoolctl.threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles the keyboard
    threading.Thread(target=_die_with_run, daemon=True).start()


def _die_with_run() -> None:
    # Not Linux's parent-death signal: the parent of a worker is the fork server, which lives on
    # for as long as a worker does.
    run = multiprocessing.parent_process()
    if run is not None:
        connection.wait([run.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)


def map_chunks(
    function: Callable[..., R], tasks: Iterable[tuple[Any, ...]], *, workers: int
) -> Iterator[R]:
    """Yield `function(*task)` for every task, in order of completion.

    Args:
        function: a module-level function.
        tasks: its arguments; taken lazily, at most two per process ahead.
        workers: 1 runs in this process.
    """
    if workers == 1:
        for task in tasks:
            yield function(*task)
        return
    # Not fork: this process may hold threads (system metrics) whose locks would be copied.
    context = multiprocessing.get_context("forkserver")
    # The server imports the work's modules once, and each process is a fork of it.
    context.set_forkserver_preload([function.__module__])
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        running: set[Future[R]] = set()
        for task in tasks:
            running.add(pool.submit(function, *task))
            if len(running) >= 2 * workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        done, _ = wait(running)
        yield from (future.result() for future in done)
