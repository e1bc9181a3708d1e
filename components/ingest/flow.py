"""How many were left at each step on the way into a cohort, as table, picture and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from components.core.files import write_atomic
from components.core.progress import say
from components.core.schemas import MANIFEST, REJECTS
from components.core.store import Workspace

FLOW = "flow.json"
PICTURE = "cohort_flow.svg"


@dataclass(frozen=True, kw_only=True)
class Exit:
    """A reason to leave the cohort.

    Attributes:
        code: of the reason, as in `rejects.parquet` where it is one.
        why: as people read it, after a number.
        lost: how many left for it; None = as many as were rejected under its code.
    """

    code: str
    why: str
    lost: int | None = None


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Where a source's cohort begins, and why some left it, in order.

    Attributes:
        unit: what is counted, in the plural.
        total: how many the source has.
        exits: reasons in the order in which they are looked at.
    """

    unit: str
    total: int
    exits: tuple[Exit, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the finished flow; `left` remain after it."""

    code: str
    why: str
    lost: int
    left: int


def write_flow(work: Workspace, flow: Flow) -> None:
    """Write `flow.json` and `cohort_flow.svg`, and print the flow as one line.

    Args:
        work: holds the manifest and the rejects already.
        flow: as the source tells it; rejects under codes that it does not name come last.
    """
    from components.ingest.flow_picture import draw  # imports matplotlib

    table = pq.read_table(work.folder / REJECTS, columns=["code"])
    manifest = pq.read_table(work.folder / MANIFEST, columns=["patient_id", "label"])
    found = steps(flow, table.column("code").to_pylist())
    labels = manifest.column("label").to_pylist()
    end = {
        "records": manifest.num_rows,
        "patients": len(set(manifest.column("patient_id").to_pylist())),
        "positive": labels.count(1),
        "unlabelled": labels.count(None),
    }
    told = {"unit": flow.unit, "total": flow.total, "steps": [asdict(each) for each in found],
            "kept": end}  # fmt: skip
    _write(work.path(FLOW), (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    _write(work.path(PICTURE), draw(flow, found, end))
    lost = "".join(f"; {each.lost} {each.why}" for each in found)
    say(f"flow: {flow.total} {flow.unit}{lost}; {end['records']} kept of {end['patients']} "
        f"patients, {end['positive']} with the event")  # fmt: skip


def steps(flow: Flow, rejected: Sequence[str]) -> list[Step]:
    """Return the steps at which anybody left.

    Args:
        flow: as the source tells it.
        rejected: code of every reject.
    """
    named = {each.code for each in flow.exits}
    others = sorted(set(rejected) - named)
    exits = [*flow.exits, *(Exit(code=code, why=code.replace("_", " ")) for code in others)]
    left, found = flow.total, list[Step]()
    for each in exits:
        lost = rejected.count(each.code) if each.lost is None else each.lost
        left -= lost
        if lost:
            found.append(Step(code=each.code, why=each.why, lost=lost, left=left))
    return found


def _write(file: Path, content: bytes) -> None:
    write_atomic(file, lambda path: path.write_bytes(content))
