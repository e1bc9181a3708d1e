"""Raw files → records. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.base import validate
from components.core.config.sections import IngestConfig
from components.core.embedding_files.ids import CollidingIdsError
from components.core.errors import InputError
from components.core.files import write_atomic
from components.core.parts import PARTS_FOLDER, part_paths
from components.core.patient_key import read_key
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress, say
from components.core.schemas import (
    MANIFEST,
    REJECTS,
    SHARDS,
    TABULAR_PREFIX,
    TARGET_PREFIX,
)
from components.core.store import Workspace
from components.ingest.chunks import decode_chunk, files_path
from components.ingest.duplicates import drop_duplicates
from components.ingest.embeddings import check_embeddings
from components.ingest.events import count_events
from components.ingest.flow import write_flow
from components.ingest.measurements import ingest_measurements
from components.ingest.media import check_files
from components.ingest.notes import ingest_notes
from components.ingest.pseudonyms import Pseudonyms
from components.ingest.records import Record, Reject
from components.ingest.rejects import check_rate, rejects_table
from components.ingest.sources.registry import Source, place, source

# Records per shard: a chunk of 12-lead, 10 s, 500 Hz records is 30 MB in memory.
CHUNK = 256


def ingest(work: Workspace, config: IngestConfig) -> None:
    """Fill the workspace with manifest, shards, rejects and, where given, measurements.

    Args:
        work: receives the files and the counts.
        config: source, path, options, reject limit, workers.

    Raises:
        InputError: the path or table is wrong, nothing could be read, or the share of refused
            records is above `max_reject_rate`; the rejects are kept beside the stage then.
        ConfigError: ids are to be keyed and the key is not there.
    """
    names = Pseudonyms(read_key(config.patient_key_env)) if config.patient_key_env else None
    origin = source(config.source)
    options = validate(
        origin.Options,
        config.options.get(config.source, {}),
        f"ingest.options.{config.source}",
    )
    with _session(origin, place(origin, config.path), options) as path:
        _fill(work, config, origin=origin, path=path, options=options, names=names)


def _session(origin: Source, path: Any, options: object) -> AbstractContextManager[Any]:  # noqa: ANN401 - what the source asks for
    """Return what stands for the path while its source is read."""
    opened = getattr(origin, "session", None)
    return nullcontext(path) if opened is None else opened(path, options)


def _fill(
    work: Workspace,
    config: IngestConfig,
    *,
    origin: Source,
    path: Any,  # noqa: ANN401 - what the source asks for
    options: Any,  # noqa: ANN401 - each source has its own Options
    names: Pseudonyms | None,
) -> None:
    for folder in (SHARDS, PARTS_FOLDER):
        (work.folder / folder).mkdir(exist_ok=True)
    total = _count(origin, path, options, names)
    if total == 0:
        raise InputError(f"'{config.path}' holds no records; the table has a header and no rows")
    features = origin.features(path, options)
    kinds = _kinds(features, getattr(origin, "targets", _none)(path, options))
    items = origin.read(path, options)
    chunks = _decode(work, names.items(items) if names else items, kinds, config.workers, total)
    _merge(work, chunks, config)
    measurements = getattr(origin, "measurements", None)
    found = measurements(path, options) if measurements is not None else None
    if found is not None:
        found = names.measurements(found) if names else found
        ingest_measurements(work, found, limit=config.max_reject_rate)
    _notes(work, origin, path, options, names, config.max_reject_rate)
    counted = getattr(origin, "counts", None)
    work.counts |= counted(path, options) if counted is not None else {}
    side_files = getattr(origin, "side_files", None)
    if side_files is not None:
        _copy(work, side_files(path, options), names)
    flow = getattr(origin, "flow", None)
    found_flow = flow(path, options) if flow is not None else None
    if found_flow is not None:
        write_flow(work, found_flow)
    _facts(work, config, options, features)


def _count(
    origin: Source, path: Path, options: object, names: Pseudonyms | None
) -> int:  # fmt: skip
    counted = getattr(origin, "count", None)
    if counted is not None:
        return int(counted(path, options))
    try:
        return sum(1 for _ in origin.read(path, options))
    except CollidingIdsError as error:
        raise error if names is None else error.withheld() from None


def _notes(
    work: Workspace,
    origin: Any,  # noqa: ANN401 - a module with an optional function
    path: Path,
    options: object,
    names: Pseudonyms | None,
    limit: float,
) -> None:
    notes = getattr(origin, "notes", None)
    found = notes(path, options) if notes is not None else None
    if found is not None:
        ingest_notes(work, names.notes(found) if names else found, limit=limit)


def _none(path: Path, options: object) -> dict[str, str]:
    del path, options
    return {}


def _kinds(features: dict[str, str], targets: dict[str, str]) -> dict[str, str]:
    """Return the manifest's columns of features and targets with their kinds."""
    found = {f"{TABULAR_PREFIX}{name}": kind for name, kind in features.items()}
    return found | {f"{TARGET_PREFIX}{name}": kind for name, kind in targets.items()}


def _decode(
    work: Workspace,
    items: Iterable[Record | Reject],
    kinds: dict[str, str],
    workers: int,
    total: int,
) -> int:
    chunks = -(-total // CHUNK)
    tasks = ((number, batch, work.folder, kinds) for number, batch in enumerate(_batched(items)))
    with progress("ingest", total, "records") as advance:
        for counts in map_chunks(decode_chunk, tasks, workers=min(chunks, worker_count(workers))):
            advance(counts.records + counts.rejects)
    return chunks


def _copy(work: Workspace, files: dict[str, Path], names: Pseudonyms | None) -> None:
    for name, file in files.items():
        if names is not None and file.suffix == ".parquet":
            names.copy_table(file, work.path("truth", name))
        else:
            shutil.copyfile(file, work.path("truth", name))


def _batched(items: Iterable[Record | Reject]) -> Iterator[list[Record | Reject]]:
    iterator = iter(items)
    while batch := list(islice(iterator, CHUNK)):
        yield batch


def _merge(work: Workspace, chunks: int, config: IngestConfig) -> None:
    files = [part_paths(work.folder, number) for number in range(chunks)]
    # A chunk without a record has no columns for the times of features.
    tables = [pq.read_table(part) for _, _, part in files]
    manifest = pa.concat_tables(tables, promote_options="default")
    refused = pa.concat_tables([pq.read_table(rejected) for _, rejected, _ in files])
    lost = pa.concat_tables([pq.read_table(files_path(work.folder, n)) for n in range(chunks)])
    total, limit = manifest.num_rows + refused.num_rows, config.max_reject_rate
    kept, duplicates, contradictions = drop_duplicates(manifest)
    refused = pa.concat_tables([refused, rejects_table(contradictions)])
    rejects = pa.concat_tables([refused, lost, rejects_table(duplicates)])
    write_atomic(work.path(REJECTS), lambda p: pq.write_table(rejects, p))
    check_rate(work, refused, what="records", total=total, limit=limit)
    check_files(work, manifest, lost, limit=limit)
    check_embeddings(work, manifest, lost, limit=limit)
    count_events(work, manifest)
    write_atomic(work.path(MANIFEST), lambda p: pq.write_table(kept, p))
    shutil.rmtree(work.folder / PARTS_FOLDER)
    reasons = rejects.column("code").to_pandas().value_counts()
    work.counts |= {
        "records": kept.num_rows,
        "patients": len(set(kept.column("patient_id").to_pylist())),
        "rejects": rejects.num_rows,
        **{f"rejects_{code}": float(count) for code, count in reasons.items()},
    }


def _facts(
    work: Workspace,
    config: IngestConfig,
    options: Any,  # noqa: ANN401 - each source has its own Options
    features: dict[str, str],
) -> None:
    frame = pd.read_parquet(work.folder / MANIFEST, columns=["patient_id", "row"])
    own_rows = (frame["patient_id"] == "row-" + frame["row"].astype(str)).all()
    # Records grouped by their samples have a name in common, and still nobody says whose they are.
    unnamed = bool(getattr(options, "group_identical", False))
    declared = list(getattr(options, "tabular", {}))
    absent = [name for name in declared if name not in features]
    if absent:
        say(f"note: the table lacks the declared feature(s) {', '.join(absent)}; left out")
    work.facts |= {
        "source": config.source,
        "patients_known": not (bool(own_rows) or unnamed),
        "keyed": bool(config.patient_key_env),
        "features": features,
        "absent_features": absent,
    }


def reject_summary(folder: Path) -> str:
    """Return rejects per code as CSV text; reasons stay in the stage, for they may quote a file."""
    rejects = pq.read_table(folder / REJECTS).to_pandas()
    counts = rejects.groupby(["code", "advice"]).size().rename("count").reset_index()
    return str(counts.to_csv(index=False))
