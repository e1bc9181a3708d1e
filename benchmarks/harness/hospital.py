"""A hospital of any size in MIMIC-IV's own layout, written by DuckDB; nothing is planted in it."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

_STATEMENTS = Path(__file__).with_name("hospital.sql")
_TABLE = re.compile(r"^-- table (\S+)$", re.MULTILINE)
# DuckDB packs at five times the cost.
_LEVEL = 1
_BLOCK = 1 << 20


def write_hospital(folder: Path, *, stays: int, longest: int = 0, memory_gb: float = 4) -> Path:
    """Write the ten tables that the source `mimic_iv` reads as `.csv.gz`, and return the folder.

    Of each stay about 400 events are known 24 h after ICU admission, beside about 2,000 rows of
    other admissions and later times. The same arguments give the same rows, in no certain order.

    Args:
        folder: gets `hosp/` and `icu/`.
        stays: of the ICU; a fifth ends before the prediction.
        longest: events that are known of the first stay, at least.
        memory_gb: that DuckDB takes at most.
    """
    first, *rest = _TABLE.split(_STATEMENTS.read_text(encoding="utf-8"))
    for name, value in (("stays", stays), ("longest", longest)):
        first = first.replace(f"${name}", str(value))
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set memory_limit = $1", [f"{memory_gb:g}GB"])
        connection.execute(first)
        for name, statement in zip(rest[::2], rest[1::2], strict=True):
            file = folder / f"{name}.csv.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            with _packed(file) as plain:
                query = statement.strip().removesuffix(";")
                connection.execute(f"copy ({query}) to '{plain}' (format csv, header)")
    return folder


@contextmanager
def _packed(file: Path) -> Generator[Path]:
    """Yield a pipe of which all that is written to it is packed into the file."""
    source, sink = os.pipe()
    with ThreadPoolExecutor(1) as packer:
        done = packer.submit(_pack, source, file)
        try:
            yield Path(f"/dev/fd/{sink}")
        finally:
            os.close(sink)
            done.result()


def _pack(source: int, file: Path) -> None:
    with open(source, "rb") as plain, gzip.open(file, "wb", compresslevel=_LEVEL) as packed:
        shutil.copyfileobj(plain, packed, _BLOCK)
