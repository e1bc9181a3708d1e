"""Sources by discovery: every module here with `NAME`, `Options`, `read` and `features`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import BaseModel

from components.core.database_url import is_database
from components.core.errors import ConfigError, InputError, nearest
from components.ingest import sources
from components.ingest.records import Record, Reject


class Source(Protocol):
    """What a source's module must hold.

    A module may hold more, which ingest uses where it is there: `targets`, `measurements`, `notes`,
    `counts`, `side_files`, `flow` (`components.ingest.flow.Flow`), `count` (how many items `read`
    will yield, where that is told sooner than by reading), `session` (a context of path and
    options: what it gives stands for the path in the others), `READS_FOLDERS`, `READS_DATABASES` (a
    `postgresql://` URL comes as text) and `GENERATES`.
    """

    NAME: str
    Options: type[BaseModel]

    @staticmethod
    def read(path: Path, options: Any) -> Iterator[Record | Reject]:  # noqa: ANN401 - own Options
        """Yield one record or reject per row of the source."""
        ...

    @staticmethod
    def features(path: Path, options: Any) -> dict[str, str]:  # noqa: ANN401 - own Options
        """Return tabular feature → `numeric` or `categorical`."""
        ...


def sources_by_name() -> dict[str, Source]:
    """Return every source by its `NAME`."""
    found: dict[str, Source] = {}
    for info in pkgutil.iter_modules(sources.__path__):
        module = importlib.import_module(f"{sources.__name__}.{info.name}")
        if hasattr(module, "NAME") and hasattr(module, "read"):
            source = cast(Source, module)
            found[source.NAME] = source
    return found


def source(name: str) -> Source:
    """Return the named source.

    Raises:
        ConfigError: no source has that name; the nearest is named.
    """
    known = sources_by_name()
    if name not in known:
        raise ConfigError(f"there is no source '{name}'; {nearest(name, known)}")
    return known[name]


def place(origin: Source, path: str) -> Any:  # noqa: ANN401 - what the source asks for
    """Return a path as a source reads it: a `Path`, or the URL of a database as it is.

    Raises:
        InputError: the source reads no database.
    """
    if not is_database(path):
        return Path(path).expanduser()
    if not getattr(origin, "READS_DATABASES", False):
        raise InputError(
            f"the source '{origin.NAME}' reads files and no database; give it a file or folder, or "
            "take source=mimic_iv"
        )
    return path
