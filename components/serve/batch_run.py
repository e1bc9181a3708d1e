"""One batch under way: its archive unpacked, its rows answered in chunks, its result written."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.core.errors import InputError, UserError
from components.serve.batch_table import Line, Table
from components.serve.calls import answer_rows, unpack
from components.serve.job import ARCHIVE, FILES, RESULT, Job
from components.serve.metrics import Metrics
from components.serve.order import Chunk, Done
from components.serve.problems import FaultError, ProblemError, Refusal
from components.serve.processes import Processes
from components.serve.settings import Settings

# A record of a batch has an ECG of two files, a page and a few sounds.
_FILES_A_ROW = 8
# Unpacked, over what may be sent: ECGs as XML pack to a fifth.
_GROWTH = 8


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What answers the rows of batches.

    Attributes:
        processes: that compute.
        settings: of the service.
        metrics: that count rows.
        doubtful: held by what may take long, archives and batches that a process was stopped for:
            who asks for one patient goes first, and where several compute, one is left to them.
    """

    processes: Processes
    settings: Settings
    metrics: Metrics
    doubtful: asyncio.Semaphore

    async def answered(self, job: Job, table: Table) -> None:
        """Unpack the files of a batch, answer its rows and write its result.

        Raises:
            ProblemError, UserError, FaultError: of the batch, not of a row.
        """
        job.status = "running"
        archive = job.folder / ARCHIVE
        if archive.exists():
            limits = (_FILES_A_ROW * self.settings.batch_rows, _GROWTH * self.settings.batch_bytes)
            async with self.doubtful:
                found = await self.processes.run(
                    unpack, str(archive), str(job.folder / FILES), *limits, patient=True
                )
            if isinstance(found, Refusal):
                raise found.problem()
            await asyncio.to_thread(delete, archive)
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
            async with self.doubtful if job.suspect else nullcontext():
                return await self._asked(chunk)
        except (ProblemError, FaultError) as error:
            job.suspect = True
            if len(rows) == 1:
                return await self._asked(replace(chunk, refused=words(error)))
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


def words(error: Exception) -> str:
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


def delete(path: Path) -> None:
    """Delete a file or a folder, there or not."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
