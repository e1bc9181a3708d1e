"""MIMIC-IV out of a PostgreSQL: the same SQL, the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import psycopg
import pytest

from components.core.data.mimic_iv_tables import TABLES
from components.core.errors import InputError
from components.ingest.sources import mimic_iv
from tests.ingest.sources.mimic_files import (
    SMALL,
    hospital,
    read_all,
    shown,
    write_mimic,
    written,
)
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]


def _load(url: str, folder: Path) -> None:
    """Load a folder of MIMIC-IV into a database as its own set-up would."""
    types = {"double": "double precision", "timestamp": "timestamp(0)"}
    with psycopg.connect(url) as connection, duckdb.connect() as engine:
        for schema in sorted({table.schema for table in TABLES}):
            connection.execute(f"create schema {schema}".encode())
        for table in TABLES:
            columns = ", ".join(f"{n} {types.get(k, k)}" for n, k in table.columns.items())
            connection.execute(f"create table {table.qualified} ({columns})".encode())
            file = folder / table.folder / f"{table.name}.csv.gz"
            names = ", ".join(table.columns)
            plain = folder / "loaded.csv"
            own = engine.read_csv(str(file), all_varchar=True).project(names)
            own.write_csv(str(plain), header=False)
            order = f"copy {table.qualified} from stdin (format csv)".encode()
            with connection.cursor().copy(order) as copy:
                copy.write(plain.read_bytes())


def test_a_database_gives_the_rows_of_the_folder(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.ingest.sources.mimic_iv.database._BATCH", 2)
    rows = hospital(4)
    rows["icustays"][3]["outtime"] = "2150-03-01 13:00:00"
    rows["admissions"][2]["hospital_expire_flag"] = 7
    path = write_mimic(tmp_path, rows)
    url = postgres.create("mimic")
    _load(url, path)
    files, tables = read_all(path), read_all(url)
    assert [shown(each) for each in files[0]] == [shown(each) for each in tables[0]]
    assert files[1] == tables[1]
    assert mimic_iv.counts(path, SMALL) == mimic_iv.counts(url, SMALL)
    assert mimic_iv.flow(path, SMALL) == mimic_iv.flow(url, SMALL)
    with mimic_iv.session(url, SMALL) as opened:
        assert mimic_iv.counts(opened, SMALL) == mimic_iv.counts(path, SMALL)


def test_a_database_without_a_table_or_column_names_it(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("partial")
    _load(url, written(tmp_path))
    with psycopg.connect(url) as connection:
        connection.execute("alter table mimiciv_hosp.labevents drop column flag")
    with pytest.raises(InputError, match=r"'mimiciv_hosp.labevents' lacks the column\(s\) flag;"):
        read_all(url)
    with psycopg.connect(url) as connection:
        connection.execute("drop table mimiciv_hosp.labevents")
    with pytest.raises(InputError, match=r"has no table 'mimiciv_hosp.labevents' that this user"):
        read_all(url)
