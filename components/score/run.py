"""Predictions for new records. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.core import store
from components.core.bundle_files import STATS, BundleFacts, read_facts
from components.core.bundle_text import check_encoder, encoder_beside
from components.core.data import foldstats
from components.core.data.raw import raw_digest
from components.core.errors import ConfigError, InputError
from components.core.parts import PARTS_FOLDER, merge_parts
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.schemas import REJECT_SCHEMA, REJECTS
from components.core.store import Stage, Workspace
from components.core.versions import library_versions
from components.score.chunks import Model, part_files, prediction_schema, score_chunk
from components.score.embeddings import PATIENTS, NewFiles, new_files
from components.score.records import (
    EMBEDDING_FILES,
    EVENT_TABLE,
    NewRecord,
    manifest_file,
    path_column,
    records,
)
from components.score.stays import NewStays, new_stays

PREDICTIONS = "predictions.parquet"
# Rows per chunk: a killed run repeats at most this many per process, seconds of work.
CHUNK = 64
_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "torch", "wfdb", "pydicom")
_EVENT_LIBRARIES = ("duckdb",)
_MEDIA_LIBRARIES = ("pillow", "soundfile", "torchaudio")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is scored by what.

    Attributes:
        bundle: folder of the model.
        facts: what the model says of itself.
        manifest: the table of the new records; of files of embeddings, and of tables of stays,
            what the path names.
        column: of the table that names the ECG's file; empty without ECG.
        raw: hash over the table and every file that it names, or over the files of embeddings.
        files: of embeddings; None where the records are a table's rows.
        stays: tables of stays and events; None for other sources.
        text_encoder: folder of the frozen encoder of notes or events; empty without one. It
            bears on nothing: the bundle takes one encoder only.
    """

    bundle: Path
    facts: BundleFacts
    manifest: Path
    column: str
    raw: str
    text_encoder: str = ""
    files: NewFiles | None = None
    stays: NewStays | None = None

    def records(self) -> Iterator[NewRecord]:
        """Yield the new records one by one."""
        own = self.files or self.stays
        return records(self.manifest) if own is None else own.records()

    def count(self) -> int:
        """Return how many records there are, the refused ones among them."""
        return sum(1 for _ in self.records()) if self.stays is None else self.stays.count()


def job(
    bundle: Path, *, source: str, path: str, text_encoder: str = "", overrides: str = ""
) -> Job:
    """Return what is to be done.

    Args:
        bundle: folder of the model.
        source: layout of the records.
        path: of the manifest, or of its folder.
        text_encoder: folder of the frozen encoder of notes or events, where the model has one.
        overrides: `key=value` pairs, options of a source that has any (`event_table`).

    Raises:
        ConfigError: an unknown source, an option that is wrong or that the source has not, or an
            encoder for a model that has none.
        InputError: no bundle, no manifest, one that lacks what the model takes in, or no or another
            encoder.
    """
    facts = read_facts(bundle)
    if source == EVENT_TABLE:
        return _job_of_stays(bundle, facts, new_stays(path, facts, overrides), text_encoder)
    if overrides:
        raise ConfigError(
            f"'set' is '{overrides}', but the source '{source}' has no options here; leave it out"
        )
    if source == EMBEDDING_FILES:
        files = new_files(path, facts)
        _check_encoder(bundle, facts, text_encoder)
        return Job(bundle=bundle, facts=facts, manifest=Path(path).expanduser(), column="",
                   raw=files.digest(), files=files)  # fmt: skip
    manifest = manifest_file(source, path)
    column = path_column(manifest, facts)
    _check_encoder(bundle, facts, text_encoder)
    return Job(bundle=bundle, facts=facts, manifest=manifest, column=column,
               raw=raw_digest(str(manifest), {}), text_encoder=text_encoder)  # fmt: skip


def _job_of_stays(bundle: Path, facts: BundleFacts, stays: NewStays, text_encoder: str) -> Job:
    _check_encoder(bundle, facts, text_encoder)
    return Job(bundle=bundle, facts=facts, manifest=stays.path, column="", raw=stays.digest(),
               text_encoder=text_encoder, stays=stays)  # fmt: skip


def _check_encoder(bundle: Path, facts: BundleFacts, text_encoder: str) -> None:
    """Refuse a wrong encoder before every row would be refused for it."""
    stats = foldstats.load(bundle / facts.members[0] / STATS)
    wanted = encoder_beside(stats, events=facts.events is not None)
    if wanted is not None:
        check_encoder(wanted, text_encoder)
    elif text_encoder:
        raise ConfigError(
            f"'text_encoder' is '{text_encoder}', but the model reads no notes by such an encoder; "
            "leave it out"
        )


def config(job: Job) -> dict[str, Any]:
    """Return what, beside model and files, bears on the result."""
    own = {} if job.stays is None else {EVENT_TABLE: job.stays.options.model_dump(mode="json")}
    return {"task": job.facts.task, "column": job.column, **own}


def identity(job: Job) -> str:
    """Return the fingerprint of the predictions."""
    return store.fingerprint(
        "score",
        config=config(job),
        inputs={"bundle": job.facts.version, "raw": job.raw},
        libraries=library_versions(
            _LIBRARIES
            + (_MEDIA_LIBRARIES if job.facts.media else ())
            + (_EVENT_LIBRARIES if job.stays is not None else ())
        ),
    )


def score(work: Workspace, job: Job, *, workers: int = 0) -> None:
    """Fill the workspace with predictions and rejects; a killed run goes on from its last chunk.

    Args:
        work: receives the files and counts.
        job: what is scored by what.
        workers: processes; 0 takes one per core.

    Raises:
        InputError: the manifest has no rows, or too many rows of events cannot be used.
    """
    (work.folder / PARTS_FOLDER).mkdir(exist_ok=True)
    total = job.count()
    if total == 0:
        raise InputError(f"'{job.manifest.name}' holds no records; it has a header and no rows")
    found = {} if job.stays is None else job.stays.counts()
    chunks = -(-total // CHUNK)
    model = Model(job.bundle, job.text_encoder)
    fixed = (work.folder, model, job.manifest.parent, job.column)
    tasks = ((n, rows, *fixed) for n, rows in enumerate(_batched(job.records())))
    with progress("score", total, "records") as advance:
        for done in map_chunks(score_chunk, tasks, workers=min(chunks, worker_count(workers))):
            advance(done.records + done.rejects)
    schema = prediction_schema(job.facts)
    files = [part_files(work.folder, number) for number in range(chunks)]
    kept = merge_parts(work.path(PREDICTIONS), [part for part, _ in files], schema)
    refused = merge_parts(work.path(REJECTS), [rejected for _, rejected in files], REJECT_SCHEMA)
    abstained = pq.read_table(work.path(PREDICTIONS), columns=["abstain"]).column("abstain")
    work.counts |= found | {
        "records": total,
        "predictions": kept,
        "rejects": refused,
        "abstained": int(abstained.to_numpy().sum()),
    }
    if job.files is not None:
        job.files.table().to_parquet(work.path(PATIENTS), index=False)
    shutil.rmtree(work.folder / PARTS_FOLDER)


def reject_summary(folder: Path) -> str:
    """Return rejects per code as CSV text; reasons stay in the stage, for they may quote a file."""
    codes = pd.read_parquet(folder / REJECTS, columns=["code"])["code"]
    return str(codes.value_counts().rename_axis("code").rename("count").to_csv())


def lines(done: Stage) -> list[str]:
    """Return what the terminal says at the end."""
    n = {name: int(value) for name, value in done.counts.items()}
    return [
        f"score: {n['records']:,} records: {n['predictions'] - n['abstained']:,} answered, "
        f"{n['abstained']:,} the model abstains from, {n['rejects']:,} refused",
        f"score: {done.folder / PREDICTIONS}; reasons of refusal in {REJECTS} beside it",
    ]


def _batched(rows: Iterator[NewRecord]) -> Iterator[list[NewRecord]]:
    while batch := list(islice(rows, CHUNK)):
        yield batch
