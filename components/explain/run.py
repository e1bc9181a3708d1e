"""What a model's answers rest on, record by record. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.data.held_out import Opening
from components.core.data.segments import segments_of
from components.core.heads.registry import View
from components.core.progress import say
from components.core.schemas import MANIFEST
from components.core.store import Stage, Workspace
from components.explain import chunks, cost, outputs
from components.explain.explained import Explained, Fold, records_of
from components.explain.fitting import fitting
from components.explain.job import Job
from components.explain.method import left_out
from components.explain.report import PAGE
from components.explain.subject import Subject
from components.explain.subjects import Model, Segment, open_subjects
from components.explain.telling import tell


def explain(
    work: Workspace, job: Job, opening: Opening | None, *, segment: Segment | None = None
) -> None:
    """Fill the workspace; a killed run goes on from its last chunk.

    Args:
        work: receives tables, page, pictures and figures.
        job: what is explained, and how.
        opening: of the test part, recorded; None leaves it closed.
        segment: finds the parts of the beats; None takes the project's own.

    Raises:
        ConfigError: a method that does not exist or does not fit the model, or none that fits.
    """
    model = Model(train=job.behind.train, cohort=job.behind.cohort, head=job.head, place=job.place)
    subjects = open_subjects(
        model, job.chosen, part=job.config.part, opening=opening,
        segment=segment or segments_of,
    )  # fmt: skip
    methods = fitting(subjects[0], job)
    expected = cost.costs(
        subjects, methods, job.config, controls=[each.train for each in job.controls]
    )
    for line in cost.lines(expected, len(job.chosen), left_out(subjects[0])):
        say(line)
    every = chunks.plan(subjects, methods)
    chunks.run_chunks(work.folder, every, job.config)
    folds = [_fold(work, each, every, job.head) for each in subjects]
    done = Explained(folds=folds, methods=methods, config=job.config, head=job.head)
    _write_tables(work, job, done, every)
    tell(work, job, done, expected, opening)
    chunks.clear(work.folder)


def _fold(work: Workspace, subject: Subject, every: list[chunks.Chunk], head: View) -> Fold:
    said = chunks.attributed(work.folder, every, subject)
    return Fold(subject=subject, said=said, records=records_of(subject, head))


def _write_tables(work: Workspace, job: Job, done: Explained, every: list[chunks.Chunk]) -> None:
    columns = ["sample_id", "patient_id", "row"]
    manifest = pd.read_parquet(job.behind.cohort.folder / MANIFEST, columns=columns)
    publish = outputs.publisher(manifest)
    count = chunks.merge(work.folder, every, publish)
    records = done.records
    table = pa.Table.from_pandas(records, schema=outputs.RECORD_SCHEMA, preserve_index=False)
    pq.write_table(table, work.path(outputs.RECORDS))
    pq.write_table(publish(table), work.path("published", outputs.RECORDS))
    work.counts |= {
        "records": len(records),
        "patients": int(records["patient_id"].nunique()),
        "without_beat": int((~records["beats"].fillna(value=True)).sum()),
        "attributions": count,
    }


def lines(done: Stage) -> list[str]:
    """Return what the terminal says at the end."""
    n = {name: int(value) for name, value in done.counts.items()}
    return [
        f"explain: {n['records']:,} records of {n['patients']:,} patients by "
        f"{', '.join(done.facts['methods'])}",
        *[f"  note: {text}" for text in done.facts["limits"]],
        f"explain: {done.folder / PAGE}; {outputs.ATTRIBUTIONS} and {outputs.TRACES} beside it",
    ]
