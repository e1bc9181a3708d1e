"""Batches: a table and its files in, answered row by row beside everything else, a CSV out.

What was sent is deleted as soon as the batch ends; the result some minutes later, or when asked to.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.core.errors import InputError, UserError
from components.core.progress import say
from components.serve.batch_table import Line, Table
from components.serve.calls import answer_rows, open_table, unpack
from components.serve.job import Job
from components.serve.metrics import Metrics
from components.serve.order import Chunk, Done
from components.serve.problems import FaultError, ProblemError, Refusal
from components.serve.processes import Processes
from components.serve.settings import Settings
from components.serve.shelf import Served, Shelf

_PREFIX = "batch-"
RESULT, TABLE, ARCHIVE, FILES = "result.csv", "table.csv", "files.zip", "files"
# A record of a batch has an ECG of two files, a page and a few sounds.
_FILES_A_ROW = 8
# Unpacked, over what may be sent: ECGs as XML pack to a fifth.
_GROWTH = 8


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
        # Who asks for one patient goes first, and where several compute, one is left to them by
        # what may take long: archives, and batches that a process was stopped for.
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
        await asyncio.to_thread(_delete, job.folder)  # it may hold 100,000 files

    def _drop(self, job: Job) -> None:
        del self._jobs[job.id]
        if job.task is not None:
            job.task.cancel()

    async def purge(self) -> None:
        """Forget the batches whose time is up, and what a process wrote while one was forgotten."""
        keep = 60 * self.settings.keep_minutes
        now = time.monotonic()
        for number, job in list(self._jobs.items()):
            if job.ended is not None and now - job.ended > keep:
                await self.forget(number)
        for folder in self.scratch.glob(f"{_PREFIX}*"):
            if folder.name.removeprefix(_PREFIX) not in self._jobs:
                await asyncio.to_thread(_delete, folder)

    def close(self) -> None:
        """Stop every batch; the service deletes their folders with its own."""
        for job in list(self._jobs.values()):
            self._drop(job)

    async def _run(self, job: Job, table: Table) -> None:
        status, detail = "done", ""
        try:
            with self.shelf.using(job.served):
                await self._answered(job, table)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch has ended
            status, detail = "failed", _words(error)
            say("serve: a batch failed")
        except asyncio.CancelledError:  # whoever stopped it deletes all of it
            job.status, job.ended = "cancelled", time.monotonic()
            raise
        for name in (FILES, ARCHIVE, TABLE):
            await asyncio.to_thread(_delete, job.folder / name)
        job.status, job.detail, job.ended = status, detail, time.monotonic()

    async def _answered(self, job: Job, table: Table) -> None:
        job.status = "running"
        archive = job.folder / ARCHIVE
        if archive.exists():
            limits = (_FILES_A_ROW * self.settings.batch_rows, _GROWTH * self.settings.batch_bytes)
            async with self._doubtful:
                found = await self.processes.run(
                    unpack, str(archive), str(job.folder / FILES), *limits, patient=True
                )
            if isinstance(found, Refusal):
                raise found.problem()
            await asyncio.to_thread(_delete, archive)
        job.started = time.monotonic()
        with (job.folder / RESULT).open("w", encoding="utf-8") as sink:
            await self._chunks(job, table, sink)

    async def _chunks(self, job: Job, table: Table, sink: Any) -> None:  # noqa: ANN401 - a text file
        """Answer the chunks, one per process at a time, and write them in order."""
        running: list[asyncio.Task[Done]] = []
        header, chunks = False, table.chunks()
        try:
            while chunk := await asyncio.to_thread(next, chunks, None):
                running.append(asyncio.create_task(self._chunk(job, table, *chunk)))
                if len(running) > self.processes.count:
                    header = self._write(job, await running.pop(0), sink, header=header)
            while running:
                header = self._write(job, await running.pop(0), sink, header=header)
        finally:
            for task in running:
                task.cancel()

    def _write(self, job: Job, done: Done, sink: Any, *, header: bool) -> bool:  # noqa: ANN401
        sink.write(done.lines if header else done.header + done.lines)
        job.done += done.count
        job.refused += done.refused
        job.abstained += done.abstained
        answered = done.count - done.refused - done.abstained
        for outcome, number in (
            ("answered", answered), ("abstained", done.abstained), ("refused", done.refused)
        ):  # fmt: skip
            self.metrics.rows.labels(outcome).inc(number)
        return True

    async def _chunk(self, job: Job, table: Table, first: int, rows: Sequence[Line]) -> Done:
        chunk = Chunk(
            bundle=job.served.bundle,
            first=first,
            lines=[line for line, _ in rows],
            rows=[row for _, row in rows],
            width=table.width,
            folder=str(job.folder / FILES),
            column=table.column,
        )
        try:
            async with self._doubtful if job.suspect else nullcontext():
                return await self._asked(chunk)
        except (ProblemError, FaultError) as error:
            job.suspect = True
            if len(rows) == 1:
                return await self._asked(replace(chunk, refused=_words(error)))
        alone = [
            await self._chunk(job, table, first + place, [row]) for place, row in enumerate(rows)
        ]
        return _joined(alone)

    async def _asked(self, chunk: Chunk) -> Done:
        found = await self.processes.run(
            answer_rows, chunk, seconds=self.settings.seconds, patient=True
        )
        if isinstance(found, Refusal):  # of the model, not of a row
            raise InputError(found.detail)
        return found


def _words(error: Exception) -> str:
    """Return why there is no answer; the system's and libraries' own messages may name more."""
    if isinstance(error, UserError):
        return str(error)
    kind = error.fault.kind if isinstance(error, FaultError) else type(error).__name__
    return f"the service failed ({kind}); its log says more"


def _joined(parts: Sequence[Done]) -> Done:
    return Done(
        header=parts[0].header,
        lines="".join(each.lines for each in parts),
        count=sum(each.count for each in parts),
        refused=sum(each.refused for each in parts),
        abstained=sum(each.abstained for each in parts),
    )


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
