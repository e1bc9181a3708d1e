"""When too many rows were refused for the rest to be believed."""

from __future__ import annotations

import shutil
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import InputError
from components.core.files import write_atomic
from components.core.schemas import REJECT_SCHEMA, REJECTS
from components.core.store import Workspace
from components.ingest.records import Reject


def rejects_table(rejects: list[Reject]) -> pa.Table:
    """Return reject rows as a table of `REJECT_SCHEMA`."""
    return pa.Table.from_pylist([asdict(r) for r in rejects], schema=REJECT_SCHEMA)


def check_rate(
    work: Workspace,
    rejects: pa.Table,
    *,
    what: str,
    total: int,
    limit: float,
    duplicates: int = 0,
) -> None:
    """Stop when the share of refused rows is above the limit, or none is left.

    Args:
        work: its rejects are kept beside the stage folder then.
        rejects: of these rows.
        what: they are, in the plural.
        total: rows read.
        limit: highest share of refused ones.
        duplicates: how many of the rejects are mere copies, which count as accepted.

    Raises:
        InputError: the share is above the limit.
    """
    refused = rejects.num_rows - duplicates
    if refused == 0 or (refused / total <= limit and refused < total):
        return
    kept = work.folder.parent / f"{work.folder.name.removeprefix('.tmp-')}.rejects.parquet"
    shutil.copyfile(work.folder / REJECTS, kept)
    counts = rejects.column("code").to_pandas().value_counts()
    reasons = ", ".join(f"{n} × {code}" for code, n in counts.items())
    raise InputError(
        f"{refused} of {total} {what} were refused ({reasons}), more than the limit of "
        f"{limit:.0%}; see data/{kept.parent.name}/{kept.name}, mend them, or raise "
        "ingest.max_reject_rate"
    )


def add_rejects(
    work: Workspace, refused: list[Reject], *, what: str, total: int, limit: float
) -> None:
    """Add the refused rows of a table beside the manifest to the rejects, and count them.

    Args:
        work: holds the manifest's rejects already.
        refused: rows of the other table.
        what: they are, in the plural.
        total: rows of that table.
        limit: highest share of refused ones.

    Raises:
        InputError: the share is above the limit.
    """
    if not refused:
        return
    table = rejects_table(refused)
    together = pa.concat_tables([pq.read_table(work.folder / REJECTS), table])
    write_atomic(work.path(REJECTS), lambda p: pq.write_table(together, p))
    check_rate(work, table, what=what, total=total, limit=limit)
    codes = table.column("code").to_pylist()
    work.counts["rejects"] = together.num_rows
    for code in sorted(set(codes)):
        name = f"rejects_{code}"
        work.counts[name] = work.counts.get(name, 0) + codes.count(code)
