"""The rows of events as one relation, whichever way they are written, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from components.core import tables
from components.core.data.stored_events import EVENT_KINDS
from components.core.engine import relation, text, told
from components.core.errors import InputError
from components.core.event_tables.options import Options
from components.core.event_tables.stays import Stay

USED = "used"
# Not a fault of the table: stays that are not asked about, and what was not known yet.
LEFT_OUT = ("of_other_stays", "after_prediction", "known_later")
_BATCH = 100_000


def batches(
    connection: duckdb.DuckDBPyConnection, file: Path, options: Options, stays: Sequence[Stay]
) -> Iterator[pa.RecordBatch]:
    """Yield the events that count, stay by stay in order of time; `stay_id` is a stay's place.

    Args:
        connection: an empty database.
        file: with the events.
        options: how they are written.
        stays: in order.

    Raises:
        InputError: the file is damaged or lacks a column.
    """
    _enter(connection, stays)
    found = (
        "select place as stay_id, seconds, known_seconds, kind as event_type, event_text "  # noqa: S608 - own names
        f"from ({_fates(connection, file, options)}) told where fate = '{USED}' "
        "order by place, seconds desc, known_seconds desc, kind, event_text"
    )
    with told(f"the table '{file.name}'"):
        yield from connection.sql(found).to_arrow_reader(_BATCH)


def fates(
    connection: duckdb.DuckDBPyConnection, file: Path, options: Options, stays: Sequence[Stay]
) -> dict[str, int]:
    """Return how many rows of events came to what; arguments and errors as of `batches`."""
    _enter(connection, stays)
    every = _fates(connection, file, options)
    with told(f"the table '{file.name}'"):
        found = connection.sql(f"select fate, count(*) from ({every}) told group by fate")  # noqa: S608 - own names
        return {str(fate): int(count) for fate, count in found.fetchall()}


def _enter(connection: duckdb.DuckDBPyConnection, stays: Sequence[Stay]) -> None:
    own = pa.table({
        "place": pa.array(range(len(stays)), pa.int64()),
        "stay_id": pa.array([each.stay_id for each in stays], pa.string()),
        "patient_id": pa.array([each.patient_id for each in stays], pa.string()),
        "prediction_time": pa.array(
            [each.index_time for each in stays], pa.timestamp("us")
        ),
        "zoned": pa.array([each.zoned for each in stays], pa.bool_()),
    })  # fmt: skip
    connection.register("stays", own)


def _fates(connection: duckdb.DuckDBPyConnection, file: Path, options: Options) -> str:
    values = {
        "rows": _rows(connection, file, options),
        "kinds": "[" + ", ".join(text(name) for name in EVENT_KINDS) + "]",
        "time": "try_cast(raw_time as timestamp)",
        "known": "try_cast(raw_known as timestamp)",
    }
    filled = _statement()
    for name, value in values.items():
        filled = filled.replace(f"{{{name}}}", value)
    return filled


def _rows(connection: duckdb.DuckDBPyConnection, file: Path, options: Options) -> str:
    """Return the relation `stay_id, patient_id, unequal` and texts of what each event was."""
    source = relation(file)
    with told(f"the table '{file.name}'"):
        have = connection.sql(f"from {source}").columns
    tables.require(have, [options.stay_id, *options.of_events()], file.name)
    cells = {"event_time": options.event_time, "event_type": options.event_type,
             "event_text": options.event_text, "known_time": options.known_time}  # fmt: skip
    patient = _quoted(options.patient_id) if options.patient_id in have else "null"
    own = f"cast({_quoted(options.stay_id)} as varchar) as stay_id, "
    own += f"cast({patient} as varchar) as patient_id, "
    if options.events:
        own += "false as unequal, "
        own += ", ".join(f"{_cell(column)} as {name}" for name, column in cells.items())
    else:
        named = {name: _list(column, file) for name, column in cells.items() if column}
        lengths = [f"coalesce(len({each}), 0)" for each in named.values()]
        own += f"least({', '.join(lengths)}) <> greatest({', '.join(lengths)}) as unequal, "
        own += ", ".join(f"unnest({each}) as {name}" for name, each in named.items())
        own += "" if options.known_time else ", null as known_time"
    return f"select {own} from {source}"  # noqa: S608 - quoted names


def _cell(column: str) -> str:
    return f"cast({_quoted(column) if column else 'null'} as varchar)"


def _list(column: str, file: Path) -> str:
    """Return a cell as a list of texts; a text that is no JSON list gives one empty event."""
    name = _quoted(column)
    if file.suffix == ".parquet":
        return f"cast({name} as varchar[])"
    plain = f"coalesce(nullif(trim({name}), ''), '[]')"
    sound = f"case when json_valid({plain}) then json_type({plain}) = 'ARRAY' else false end"
    return (
        f"case when {sound} then from_json({plain}, '[\"varchar\"]') else [cast(null as varchar)] "
        "end"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@lru_cache
def _statement() -> str:
    file = Path(__file__).parent / "sql" / "fates.sql"
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("--"))


def check_rows(found: dict[str, int], limit: float, name: str) -> None:
    """Refuse a table of events of which too many rows cannot be used.

    Args:
        found: what its rows came to.
        limit: highest share of such rows.
        name: of the table.

    Raises:
        InputError: there are more.
    """
    bad = {fate: n for fate, n in sorted(found.items()) if fate not in (USED, *LEFT_OUT)}
    lost, total = sum(bad.values()), sum(found.values())
    if lost > limit * total:
        reasons = ", ".join(f"{n} × {fate}" for fate, n in bad.items())
        raise InputError(
            f"{lost} of {total} events of '{name}' cannot be used ({reasons}), more than the limit "
            f"of {limit:.0%}; mend them, or raise max_bad_rows in the source's options"
        )
