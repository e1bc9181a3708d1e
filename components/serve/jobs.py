"""Batches: a table and its files in, answered row by row beside everything else, a CSV out.

What was sent is deleted as soon as the batch ends; the result some minutes later, or when asked to.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from components.core.progress import say
from components.serve.batch_run import Rows, delete, words
from components.serve.batch_table import Table
from components.serve.calls import open_table
from components.serve.job import ARCHIVE, FILES, TABLE, Job
from components.serve.metrics import Metrics
from components.serve.problems import ProblemError, Refusal
from components.serve.processes import Processes
from components.serve.settings import Settings
from components.serve.shelf import Served, Shelf

_PREFIX = "batch-"


@dataclass(eq=False)
class Jobs:
    """The batches of a service.

    Attributes:
        processes: that compute.
        shelf: of the models.
        settings: of the service.
        metrics: that count rows.
        scratch: folder in which each has one of its own.
    """

    processes: Processes
    shelf: Shelf
    settings: Settings
    metrics: Metrics
    scratch: Path
    _jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    _doubtful: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._doubtful = asyncio.Semaphore(max(1, self.processes.count - 1))

    def of(self, number: str) -> Job:
        """Return a batch.

        Raises:
            ProblemError: `not-found`.
        """
        if number not in self._jobs:
            raise ProblemError("not-found", "there is no such batch, or it has been forgotten")
        return self._jobs[number]

    def new(self, served: Served) -> Job:
        """Return a new batch with a folder for its files; `start` begins it.

        Raises:
            ProblemError: `busy`.
        """
        open_ = [job for job in self._jobs.values() if job.open]
        if len(open_) >= self.settings.batch_jobs:
            raise ProblemError(
                "busy",
                f"{len(open_)} batches are under way; try again when one has ended",
                headers={"Retry-After": "10"},
            )
        number = secrets.token_urlsafe(16)
        folder = self.scratch / f"{_PREFIX}{number}"
        (folder / FILES).mkdir(parents=True)
        job = Job(id=number, served=served, folder=folder)
        self._jobs[number] = job
        return job

    async def start(self, job: Job) -> None:
        """Begin a batch whose files lie in its folder.

        Raises:
            ProblemError: the table cannot be answered.
        """
        table = await self.processes.run(
            open_table, str(job.folder / TABLE), job.served.facts["columns"],
            self.settings.batch_rows, seconds=self.settings.seconds,
        )  # fmt: skip
        if isinstance(table, Refusal):
            raise table.problem()
        job.rows = table.count
        job.task = asyncio.get_running_loop().create_task(self._run(job, table))

    async def forget(self, number: str) -> None:
        """Stop a batch and delete all of it.

        Raises:
            ProblemError: `not-found`.
        """
        job = self.of(number)
        self._drop(job)
        await asyncio.to_thread(delete, job.folder)  # it may hold 100,000 files

    def _drop(self, job: Job) -> None:
        del self._jobs[job.id]
        if job.task is not None:
            job.task.cancel()

    async def purge(self) -> None:
        """Forget the batches whose time is up, and what a process wrote while one was forgotten."""
        keep = 60 * self.settings.keep_minutes
        now = time.monotonic()
        for number, job in list(self._jobs.items()):
            over = job.ended is not None and now - job.ended > keep
            if over and number in self._jobs:  # or it was forgotten while another was deleted
                await self.forget(number)
        for folder in self.scratch.glob(f"{_PREFIX}*"):
            if folder.name.removeprefix(_PREFIX) not in self._jobs:
                await asyncio.to_thread(delete, folder)

    def close(self) -> None:
        """Stop every batch; the service deletes their folders with its own."""
        for job in list(self._jobs.values()):
            self._drop(job)

    @property
    def _rows(self) -> Rows:
        return Rows(
            processes=self.processes,
            settings=self.settings,
            metrics=self.metrics,
            doubtful=self._doubtful,
        )

    async def _run(self, job: Job, table: Table) -> None:
        status, detail = "done", ""
        try:
            with self.shelf.using(job.served):
                await self._rows.answered(job, table)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch has ended
            status, detail = "failed", words(error)
            say("serve: a batch failed")
        except asyncio.CancelledError:  # whoever stopped it deletes all of it
            job.status, job.ended = "cancelled", time.monotonic()
            raise
        for name in (FILES, ARCHIVE, TABLE):
            await asyncio.to_thread(delete, job.folder / name)
        job.status, job.detail, job.ended = status, detail, time.monotonic()
