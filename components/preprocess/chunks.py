"""One ingest shard → one tensor shard, with the rows that came through and those refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.sections import EcgConfig
from components.core.data.ragged import RaggedReader
from components.core.data.tensors import write_tensors
from components.core.errors import RecordError
from components.core.files import write_atomic
from components.core.parts import ChunkCounts, finished_counts, part_paths
from components.core.schemas import FLAG_PREFIX, QUALITY, REJECT_SCHEMA
from components.core.signals.normalise import Moments
from components.core.signals.prepare import Prepared, prepare
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.quality import FLAGS, refuse
from components.core.signals.quantise import quantise

_DONE = (
    "resampled",
    "cropped",
    "padded",
    "derived_lead",
    "missing_lead",
    "non_finite_lead",
    "flat_lead",
    "calibration_pulse",
    "filtered",
)
PART_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("shard_row", pa.int32(), nullable=False),
        pa.field(QUALITY, pa.float32()),
        # A quality flag is null where the recording cannot tell.
        *[pa.field(f"{FLAG_PREFIX}{name}", pa.bool_()) for name in (*_DONE, *FLAGS)],
    ]
)


def transform_chunk(
    number: int, cells: list[dict[str, Any]], source: Path, folder: Path, config: EcgConfig
) -> ChunkCounts:
    """Prepare one chunk and write its three files; a finished chunk is left alone.

    Args:
        number: of the shard.
        cells: manifest rows of the ingest stage that lie in its shard of that number.
        source: the ingest stage's `shards/` folder.
        folder: this stage's workspace.
        config: how an ECG becomes a row.
    """
    shard, rejects_file, part = part_paths(folder, number)
    finished = finished_counts(folder, number)
    if finished is not None:
        return finished
    ready: list[Prepared] = []
    rows: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    reader = RaggedReader(source)
    # Validated once: for each record it would take as long as resampling.
    plain = PrepareConfig(**config.model_dump(include=set(PrepareConfig.model_fields)))
    for row in cells:
        try:
            prepared = _taken(prepare(reader.read(row), plain), config)
        except RecordError as error:
            rejects.append(_reject(error, row))
            continue
        rows.append(_row(row["sample_id"], number, len(ready), prepared))
        ready.append(prepared)
    reader.close()
    if ready:
        write_atomic(shard, lambda p: _write(p, ready, config))
    rejects_table = pa.Table.from_pylist(rejects, schema=REJECT_SCHEMA)
    write_atomic(rejects_file, lambda p: pq.write_table(rejects_table, p))
    rows_table = pa.Table.from_pylist(rows, schema=PART_SCHEMA)
    write_atomic(part, lambda p: pq.write_table(rows_table, p))
    return ChunkCounts(len(rows), len(rejects))


def _taken(prepared: Prepared, config: EcgConfig) -> Prepared:
    """Return `prepared`, or refuse it for its quality or a missing lead."""
    refuse(prepared.quality, reject=config.reject, min_quality=config.min_quality)
    if config.missing == "drop" and not prepared.lead_mask.all():
        absent = [n for n, ok in zip(config.leads, prepared.lead_mask, strict=True) if not ok]
        raise RecordError(
            "lead_missing",
            f"the lead(s) {', '.join(absent)} are missing or flat",
            field="leads",
            value=", ".join(absent),
            advice="set preprocess.ecg.missing=mask to keep such records",
        )
    return prepared


def _row(sample: str, number: int, row: int, prepared: Prepared) -> dict[str, Any]:
    quality = prepared.quality
    found = {f"{FLAG_PREFIX}{k}": v for k, v in (prepared.flags | quality.flags).items()}
    place = {"sample_id": sample, "shard": number, "shard_row": row}
    score = None if math.isnan(quality.score) else quality.score
    return place | {QUALITY: score} | found


def _reject(error: RecordError, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "file": "",
        "row": row["row"],
        "field": error.field,
        "value": error.value,
        "code": error.code,
        "reason": error.reason,
        "advice": error.advice,
    }


def _write(path: Path, ready: list[Prepared], config: EcgConfig) -> None:
    counts = [quantise(p) for p in ready]
    write_tensors(
        path,
        ecg=np.stack([c for c, _ in counts]),
        scale=np.stack([s for _, s in counts]).astype(np.float32),
        lead_mask=np.stack([p.lead_mask for p in ready]),
        valid=np.array([[p.start, p.stop] for p in ready], dtype=np.int32),
        moments=np.stack([_moments(p) for p in ready]),
        facts={"fs": config.fs, "leads": ";".join(config.leads), "unit": config.unit},
    )


def _moments(prepared: Prepared) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    found = Moments.of_one(
        prepared.values, prepared.lead_mask, start=prepared.start, stop=prepared.stop
    )
    return np.stack([found.count, found.mean, found.squares], axis=1)
