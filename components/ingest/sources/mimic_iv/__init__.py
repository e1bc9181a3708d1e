"""`mimic_iv`: ICU stays of MIMIC-IV as sequences of events, in its own layout or a database.

Johnson et al., *MIMIC-IV* 2.2 (PhysioNet). All dates of a patient are shifted by one offset into
the future; the years are told by `anchor_year_group`. See docs/mortality_ingest.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from components.core import cells
from components.core.config.base import Frozen
from components.core.data.mimic_iv_tables import TABLES
from components.core.data.stored_events import Events
from components.core.errors import RecordError, quoted
from components.core.event_tables.sequences import by_stay, days_after, no_events
from components.ingest.flow import Flow
from components.ingest.records import Record, Reject
from components.ingest.sources.mimic_iv import statements
from components.ingest.sources.mimic_iv.database import Database, open_database
from components.ingest.sources.mimic_iv.exits import KEPT, LEFT, REFUSED, exits

NAME = "mimic_iv"
READS_FOLDERS = True
READS_DATABASES = True
_FEATURES: dict[str, cells.Kind] = {
    "sex": "categorical", "age": "numeric", "race": "categorical",
    "marital_status": "categorical", "admission_type": "categorical",
    "admission_location": "categorical", "insurance": "categorical", "care_unit": "categorical",
}  # fmt: skip
Place = Path | str | Database
# What MIMIC-IV writes in the place of what it took out.
_TAKEN_OUT = "___"
_STAYS = "icu/icustays"
# Stays turned into records at once.
_ROWS = 1000


class Options(Frozen):
    """When the prediction is made, and what reading may take.

    Attributes:
        hours: from ICU admission to the prediction.
        memory_gb: that DuckDB takes at most; what does not fit is sorted on disk.
    """

    hours: float = Field(default=24, gt=0, le=8760)
    memory_gb: float = Field(default=4, gt=0)


@contextmanager
def session(path: Path | str, options: Options) -> Generator[Database]:
    """Open what can stand for `path` in all other functions, so that each file is read once.

    Args:
        path: the folder with `hosp/` and `icu/`, or a `postgresql://` URL.
        options: see `Options`.

    Raises:
        InputError: as of `read`.
    """
    with open_database(path, memory_gb=options.memory_gb, copied=True) as database:
        yield database


def read(path: Place, options: Options) -> Iterator[Record | Reject]:
    """Yield a record per ICU stay that is there at the prediction, or why its row is refused.

    Its row is the place of the stay in the order of ids, after a header in row 1. Stays that left
    or died before the prediction are left out; `flow` tells their number.

    Args:
        path: the folder with `hosp/` and `icu/`, a `postgresql://` URL, or an open `session`.
        options: see `Options`.

    Raises:
        InputError: a table or column is missing, a file is damaged, or the database cannot be
            reached.
    """
    with _opened(path, options) as database:
        stays = _stays(database, options)
        found = database.batches(
            statements.events(collation=database.collation), _parameters(options)
        )
        sequences = by_stay(found)
        stay, events = next(sequences, (None, no_events()))
        for line, row in _lines(stays):
            if row["step"] == KEPT and row["stay_id"] == stay:
                yield _record(row, line, events)
                stay, events = next(sequences, (None, no_events()))
            elif row["step"] == KEPT:
                yield _record(row, line, no_events())
            elif row["step"] in REFUSED:
                yield Reject.of(_refusal(row), file=_STAYS, row=line)


def features(path: Place, options: Options) -> dict[str, cells.Kind]:
    """Return what is known of a stay at ICU admission."""
    del path, options
    return dict(_FEATURES)


def count(path: Place, options: Options) -> int:
    """Return how many stays `read` yields, without reading their events."""
    found = _steps(path, options)
    return sum(found[step] for step in (KEPT, *REFUSED))


def flow(path: Place, options: Options) -> Flow:
    """Return how many ICU stays there are, and how many left before the prediction."""
    found = _steps(path, options)
    return Flow(
        unit="ICU stays",
        total=found.total(),
        exits=exits(hours=options.hours, lost={step: found[step] for step in LEFT}),
    )


def counts(path: Place, options: Options) -> dict[str, float]:
    """Return what the rows of each table of events come to, and contradictions that are kept."""
    found: dict[str, float] = {}
    with _opened(path, options) as database:
        for table in TABLES:
            if table.time:
                sql = statements.rows_of(table, unreadable=database.unreadable)
                (row,) = _table(database, sql, options).to_pylist()
                found |= {f"{table.name}_{name}": float(value) for name, value in row.items()}
        stays = _stays(database, options).to_pylist()
    kept = [row for row in stays if row["step"] == KEPT]
    late = [row for row in kept if row["deathtime"] and row["dischtime"]
            and row["deathtime"] > row["dischtime"]]  # fmt: skip
    return found | {"deaths_after_discharge": float(len(late))}


def _opened(path: Place, options: Options) -> AbstractContextManager[Database]:
    if isinstance(path, (Path, str)):
        return open_database(path, memory_gb=options.memory_gb)
    return nullcontext(path)


def _parameters(options: Options) -> dict[str, float]:
    return {"minutes": options.hours * 60}


def _steps(path: Place, options: Options) -> Counter[str]:
    with _opened(path, options) as database:
        return Counter(_stays(database, options).column("step").to_pylist())


def _stays(database: Database, options: Options) -> pa.Table:
    """Return all stays, a few hundred bytes each."""
    return _table(database, statements.stays_in_order(), options)


def _table(database: Database, sql: str, options: Options) -> pa.Table:
    batches = list(database.batches(sql, _parameters(options)))
    return pa.Table.from_batches(batches) if batches else pa.table({"step": pa.array([], "str")})


def _lines(stays: pa.Table) -> Iterator[tuple[int, dict[str, Any]]]:
    line = 2
    for batch in stays.to_batches(max_chunksize=_ROWS):
        for row in batch.to_pylist():
            yield line, row
            line += 1


def _record(row: dict[str, Any], line: int, events: Events) -> Record:
    start = row["prediction_time"]
    return Record(
        record_id=str(row["stay_id"]),
        patient_id=str(row["subject_id"]),
        row=line,
        label=int(row["hospital_expire_flag"]),
        index_time=start,
        period=_known(row["period"]),
        tabular={
            name: row[name] if kind == "numeric" else _known(row[name])
            for name, kind in _FEATURES.items()
        },
        events=events,
        stay_end_days=days_after(start, row["outtime"]),
        admission_end_days=days_after(start, row["dischtime"], row["deathtime"]),
        file=_STAYS,
    )


def _known(text: str | None) -> str | None:
    plain = (text or "").strip()
    return None if plain in ("", _TAKEN_OUT) else plain


def _refusal(row: dict[str, Any]) -> RecordError:
    own = REFUSED[row["step"]]
    return RecordError(
        row["step"], own.reason, field=own.field,
        value=quoted(str(row[own.shown])) if own.shown else "", advice=own.advice,
    )  # fmt: skip
