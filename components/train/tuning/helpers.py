"""Further worker processes on this machine, none of which outlives the search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from components.core.progress import say
from components.train.tuning.job import Job
from components.train.tuning.worker import GRACE_S

_ROOT = Path(__file__).resolve().parents[3]
_MODULE = "components.train.tuning.worker"
# How an `mlflow run` tells its command which run it is for; a worker has runs of its own.
_NOT_HANDED_ON = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")
Process = subprocess.Popen[str]


@contextmanager
def helpers(job: Job, count: int) -> Generator[None]:
    """Let `count` more processes work on a job while the block runs, then wait for them.

    A block that ends with an error stops them. One that dies is told; its trial is tried again.
    """
    share = threads_each(count + 1)
    started = [_start(job, number + 2, share) for number in range(count)]
    try:
        with _threads(share, alone=count == 0):
            yield
            for each in started:
                each.wait()
    finally:
        _stop(started)


def threads_each(workers: int) -> int:
    """Return how many threads each of so many workers may compute with."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


def _start(job: Job, number: int, threads: int) -> Process:
    surroundings = {key: value for key, value in os.environ.items() if key not in _NOT_HANDED_ON}
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    surroundings |= {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(  # noqa: S603 - fixed arguments
        [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, text=True, env=surroundings
    )
    # By a pipe, not by a file: the job may hold the password of the database.
    if process.stdin is not None:
        process.stdin.write(json.dumps(job.to_json()) + "\n")
        process.stdin.flush()
    threading.Thread(target=_watch, args=(process, number), daemon=True).start()
    return process


def _watch(process: Process, number: int) -> None:
    status = process.wait()
    if status and not (process.stdin and process.stdin.closed):
        say(
            f"note: worker {number} has ended with status {status}; if it left a trial, that is "
            "tried again"
        )


def _stop(started: list[Process]) -> None:
    for each in started:
        if each.stdin is not None:
            each.stdin.close()
    for each in started:
        try:
            each.wait(timeout=GRACE_S + 5)
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


@contextmanager
def _threads(share: int, *, alone: bool) -> Generator[None]:
    """Compute with this process's share of the threads."""
    if alone:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(share)
    try:
        yield
    finally:
        torch.set_num_threads(before)
