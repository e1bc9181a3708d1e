"""Sources by discovery: every module here with `NAME`, `Options`, `read` and `features`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import BaseModel

from components.core.errors import ConfigError, nearest
from components.ingest import sources
from components.ingest.records import Record, Reject


class Source(Protocol):
    """What a source's module must hold."""

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
