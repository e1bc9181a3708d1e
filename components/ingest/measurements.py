"""Serial measurements of a source → `measurements.parquet`, the rest into the rejects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import InputError
from components.core.files import write_atomic
from components.core.progress import say
from components.core.schemas import MANIFEST, MEASUREMENT_SCHEMA, MEASUREMENTS
from components.core.store import Workspace
from components.ingest.records import Reject
from components.ingest.rejects import add_rejects
from components.ingest.sources.measurements import Measurement


def ingest_measurements(
    work: Workspace, items: Iterable[Measurement | Reject], *, limit: float
) -> None:
    """Write the measurements of the manifest's patients and add the refused rows to the rejects.

    Rows of patients whom the manifest does not name are left out and counted.

    Args:
        work: holds the manifest and the rejects already.
        items: measurements and refused rows.
        limit: highest share of refused rows.

    Raises:
        InputError: too many rows were refused, or no row belongs to a patient of the manifest.
    """
    patients = set(pq.read_table(work.folder / MANIFEST, columns=["patient_id"])[0].to_pylist())
    rows: list[dict[str, Any]] = []
    refused: list[Reject] = []
    others = 0
    for item in items:
        if isinstance(item, Reject):
            refused.append(item)
        elif item.patient_id in patients:
            rows.append(asdict(item))
        else:
            others += 1
    found = pa.Table.from_pylist(rows, schema=MEASUREMENT_SCHEMA)
    write_atomic(work.path(MEASUREMENTS), lambda p: pq.write_table(found, p))
    total = len(rows) + others + len(refused)
    add_rejects(work, refused, what="measurements", total=total, limit=limit)
    if not rows:
        raise InputError(
            f"none of {others} measurements belongs to a patient of the manifest; compare the "
            "patient_id columns of the two tables"
        )
    if others:
        say(f"note: {others} measurements of patients outside the manifest were left out")
    work.counts |= {"measurements": len(rows), "measurements_of_others": others}
