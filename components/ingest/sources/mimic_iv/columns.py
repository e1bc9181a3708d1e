"""A file's cells in the types of MIMIC-IV's columns, as SQL."""

from __future__ import annotations

from pathlib import Path

from components.core.data.mimic_iv_tables import TEXT, TIME, Table


def typed(table: Table, file: Path, rows: str) -> str:
    """Return the statement of a file's columns in their types; what cannot be read is null.

    Of a row that is stored nobody can tell when, nobody can tell that it was known: it has no time.
    Times are read in a query of its own, since each is asked for several times.

    Args:
        table: of the file.
        file: CSV, or Parquet with types of its own.
        rows: what stands for it in SQL.
    """
    packed = file.suffix == ".parquet"
    dated = [name for name in (table.time, table.stored) if name]
    read = {_read(name): _plain(name, packed=packed)
            for name, kind in table.columns.items() if kind == TIME}  # fmt: skip
    # Parquet's own times need not be written as text; whether a cell is one is asked of its text.
    read |= {_told(name): _text(name) for name in dated if packed}
    times = "".join(f", try_cast({cell} as {TIME}) as {name}" for name, cell in read.items())
    unreadable = " or ".join(_unreadable(name, packed=packed) for name in dated)
    columns = [
        f'{_cell(table, name, unreadable, packed=packed)} as "{name}"' for name in table.columns
    ]
    columns += [f"({unreadable}) as unreadable_time"] if unreadable else []
    return f"select {', '.join(columns)} from (select *{times} from {rows})"  # noqa: S608 - own names, and a quoted file's


def _cell(table: Table, name: str, unreadable: str, *, packed: bool) -> str:
    kind = table.columns[name]
    if kind != TIME:
        # DuckDB would hand a bare cast on to its reader of CSV, which ends at the first bad cell.
        plain = f'"{name}"' if kind == TEXT else _plain(name, packed=packed)
        return f"try_cast({plain} as {kind})"
    cell = _bounded(_read(name))
    hidden = name in (table.time, table.day) and bool(table.stored)
    return f"case when {unreadable} then null else {cell} end" if hidden else cell


def _plain(column: str, *, packed: bool) -> str:
    return f'"{column}"' if packed else f'trim("{column}")'


def _text(column: str) -> str:
    return f'trim(cast("{column}" as varchar))'


def _read(column: str) -> str:
    return f'"{column} as read"'


def _told(column: str) -> str:
    return f'"{column} as told"'


def _unreadable(column: str, *, packed: bool) -> str:
    time = _bounded(_told(column) if packed else _read(column))
    return f"(coalesce({_text(column)}, '') <> '' and {time} is null)"


def _bounded(time: str) -> str:
    """Return a time; one beyond what calendars tell is none."""
    return f"case when {time} between {TIME} '0001-01-01' and {TIME} '9000-01-01' then {time} end"
