"""What a model's answers rest on, record by record. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core import store
from components.core.config.base import validate
from components.core.config.explain import ExplainConfig
from components.core.config.task import assign, parse_overrides
from components.core.data.cohort import Rows
from components.core.data.held_out import Opening
from components.core.device import Place, resolve
from components.core.errors import ConfigError
from components.core.heads.known import binary_truth
from components.core.heads.registry import View, view
from components.core.progress import say
from components.core.schemas import MANIFEST
from components.core.store import Stage, Workspace
from components.core.upstream import Upstream
from components.core.versions import library_versions
from components.explain import chunks, cost, outputs
from components.explain.explained import Explained, Fold, records_of
from components.explain.method import chosen as chosen_methods
from components.explain.method import left_out
from components.explain.report import PAGE, figures_of, write_report
from components.explain.samples import Asked, Chosen, choose
from components.explain.sections import notices, sections
from components.explain.subject import Subject
from components.explain.subjects import Model, Segment, open_subjects

_LIBRARIES = ("numpy", "pandas", "pyarrow", "torch", "captum", "neurokit2", "matplotlib", "jinja2")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is explained, and how.

    Attributes:
        behind: the stages behind the training.
        controls: those behind trainings on shuffled labels.
        head: whose log-odds are attributed.
        config: settings.
        chosen: the records.
        place: device and precision.
    """

    behind: Upstream
    controls: tuple[Upstream, ...]
    head: View
    config: ExplainConfig
    chosen: Chosen
    place: Place


def settings(overrides: str, *, methods: str = "", part: str = "", records: int | None = None) -> (
    ExplainConfig
):  # fmt: skip
    """Return the settings of an explanation.

    Args:
        overrides: `key=value` pairs separated by spaces, e.g. `steps=100 records=64`.
        methods: names separated by commas; replaces `methods` when not empty.
        part: replaces `part` when not empty.
        records: replaces `records` when not None.

    Raises:
        ConfigError: an unknown key, naming the nearest, or a wrong value.
    """
    data: dict[str, Any] = {}
    for key, value in parse_overrides(overrides):
        assign(data, key, value)
    if methods:
        data["methods"] = [each.strip() for each in methods.split(",") if each.strip()]
    if part:
        data["part"] = part
    if records is not None:
        data["records"] = records
    return validate(ExplainConfig, data, "the settings of explain")


def job(
    behind: Upstream,
    wanted: Asked,
    config: ExplainConfig,
    *,
    head: str = "",
    controls: tuple[Upstream, ...] = (),
) -> Job:
    """Return what is to be done.

    Args:
        behind: the stages behind the training.
        wanted: which records.
        config: settings.
        head: its name; empty takes the one whose figures are the headline.
        controls: stages behind trainings on shuffled labels.

    Raises:
        ConfigError: a head that was not trained.
        InputError: a record that is not in the data set or not in the part.
    """
    train = behind.train
    of = view(train.facts["heads"], head or str(train.facts["head"]))
    manifest = pd.read_parquet(behind.cohort.folder / MANIFEST)
    chosen = choose(manifest, wanted, config, truth=lambda f: binary_truth(of.name, of.head, f))
    # In single precision: an attribution is a small difference of large numbers.
    place = resolve("auto", "fp32")
    return Job(behind=behind, controls=controls, head=of, config=config, chosen=chosen, place=place)


def plain_config(job: Job) -> dict[str, Any]:
    """Return what, beside the trainings, bears on the result."""
    plain = job.config.model_dump(mode="json")
    return {**plain, "head": job.head.name, "samples": job.chosen.digest}


def inputs(job: Job) -> dict[str, str]:
    """Return the stages that the result comes from."""
    controls = {f"control.{i}": c.train.fingerprint for i, c in enumerate(job.controls)}
    return {"train": job.behind.train.fingerprint, **controls}


def identity(job: Job) -> str:
    """Return the fingerprint of the explanation."""
    return store.fingerprint(
        "explain",
        config=plain_config(job),
        inputs=inputs(job),
        libraries=library_versions(_LIBRARIES) | {"device": job.place.device},
    )


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
        segment=segment or _own_segments,
    )  # fmt: skip
    methods = chosen_methods(subjects[0], job.config)
    if not methods:
        has = ", ".join(subjects[0].inputs)
        raise ConfigError(f"no method fits this model, whose inputs are {has}; name another model")
    expected = cost.costs(subjects, methods, job.config)
    for line in cost.lines(expected, len(job.chosen), left_out(subjects[0])):
        say(line)
    every = chunks.plan(subjects, methods)
    chunks.run_chunks(work.folder, every, job.config)
    folds = [_fold(work, each, every, job.head) for each in subjects]
    done = Explained(folds=folds, methods=methods, config=job.config, head=job.head)
    _write_tables(work, job, done, every)
    _tell(work, job, done, expected, opening)
    chunks.clear(work.folder)


def _own_segments(rows: Rows, fs: float) -> npt.NDArray[np.int8]:
    # Its library takes seconds to load, and a model without an ECG needs none of it.
    return importlib.import_module("components.core.data.segments").segments_of(rows, fs)


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


def _tell(
    work: Workspace, job: Job, done: Explained, expected: list[cost.Cost], opening: Opening | None
) -> None:
    cohort = job.behind.cohort
    limits = notices(
        done,
        openings=None if opening is None else opening.count,
        shuffled=cohort.facts.get("labels_shuffled") is not None,
    )
    told = sections(done, expected)
    kind = "test" if opening is not None else "validation"
    n = {name: int(value) for name, value in work.counts.items()}
    subtitle = (
        f"Head {job.head.name}; {n['records']:,} {kind} records of {n['patients']:,} patients."
    )
    definition = str(job.behind.train.config["label"]["definition"])
    title = job.head.head.definition or definition
    write_report(work, title=title, subtitle=subtitle, notices=limits, sections=told)
    work.facts |= {
        "figures": figures_of(told),
        "published": [PAGE, *outputs.PUBLISHED],
        "tags": {"explained.head": job.head.name, "explained.part": job.config.part},
        "methods": [each.NAME for each in done.methods],
        "note": f"{title}. {subtitle} Not for clinical use.",
        "limits": [each.text for each in limits],
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
