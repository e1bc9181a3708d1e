"""The explanation as a page and as facts of its stage."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from components.core.control import is_control
from components.core.data.held_out import Opening
from components.core.metrics.resampling import Plan
from components.core.schemas import MANIFEST
from components.core.store import Workspace
from components.explain import outputs
from components.explain.checks import check_sections
from components.explain.cohort import cohort_sections
from components.explain.cost import Cost
from components.explain.embedding_entries import entry_sections
from components.explain.explained import Explained
from components.explain.job import Job
from components.explain.page import Head
from components.explain.report import PAGE, Told, figures_of, tables_of, write_report
from components.explain.sections import asked, notices
from components.explain.sequences.gathered import gather
from components.explain.sequences.sections import sequence_sections
from components.explain.sequences.single import stay_records
from components.explain.singles import single_records


def tell(
    work: Workspace, job: Job, done: Explained, expected: Sequence[Cost], opening: Opening | None
) -> None:
    """Write the page, and what is logged of it.

    Args:
        work: receives page, pictures and facts; the merged tables lie there.
        job: what was explained, and how.
        done: what the methods said.
        expected: what each was to take.
        opening: of the test part; None where it stayed closed.
    """
    plan = Plan(draws=job.config.draws, seed=job.config.seed)
    manifest = pd.read_parquet(job.behind.cohort.folder / MANIFEST, columns=["sample_id", "row"])
    sequences = gather(work.folder, done, manifest, plan)
    told = Told(
        head=_head(job, done),
        notices=notices(
            done,
            openings=None if opening is None else opening.count,
            shuffled=is_control(job.behind.cohort),
        ),
        checks=(
            asked(done, expected),
            *check_sections(work.folder, done, job.behind, job.controls, plan),
        ),
        cohort=(
            *cohort_sections(done, plan),
            *entry_sections(work.folder, done, plan),
            *sequence_sections(sequences, done),
        ),
        records=single_records(work.folder, done, manifest, stays=stay_records(sequences, done)),
    )
    write_report(work, told)
    work.facts |= {
        "figures": figures_of(told.sections),
        "published": [PAGE, *outputs.PUBLISHED, *tables_of(told.sections)],
        "tags": {"explained.head": job.head.name, "explained.part": job.config.part},
        "methods": [each.NAME for each in done.methods],
        "note": f"{told.head.title}. {told.head.counted()}. Not for clinical use.",
        "limits": [each.text for each in told.limits],
    }


def _head(job: Job, done: Explained) -> Head:
    records = done.records
    truth = records["truth"]
    definition = str(job.behind.train.config["label"]["definition"])
    return Head(
        title=job.head.head.definition or definition,
        model=f"training {job.behind.train.fingerprint[:12]}, head {job.head.name}",
        target=f"log-odds, mean over the networks: {job.head.meaning()}",
        inputs=done.folds[0].subject.inputs,
        part=job.config.part,
        records=len(records),
        patients=int(records["patient_id"].nunique()),
        events=int(truth.sum()) if bool(truth.notna().all()) else None,
        methods=tuple(each.TITLE for each in done.methods),
        unit=done.folds[0].subject.unit,
    )
