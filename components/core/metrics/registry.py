"""Finds every metric: each module of this package may hold a tuple `METRICS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeVar, cast

from components.core import metrics as package
from components.core.errors import CardioError, ConfigError, nearest
from components.core.metrics.metric import Metric

M = TypeVar("M")


@cache
def all_metrics() -> MappingProxyType[str, Metric]:
    """Return every metric by name, in the order of modules and of their tuples.

    Raises:
        CardioError: two metrics of the same name.
    """
    found: dict[str, Metric] = {}
    add(found, cast("tuple[Metric, ...]", discovered("METRICS")))
    return MappingProxyType(found)


def discovered(name: str) -> tuple[object, ...]:
    """Return what the tuples called `name` hold, in the order of the package's modules."""
    modules = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    held = (
        getattr(importlib.import_module(f"{package.__name__}.{each}"), name, ()) for each in modules
    )
    return tuple(metric for declared in held for metric in declared)


def add(found: dict[str, Metric], declared: Iterable[Metric]) -> None:
    """Add `declared` to `found`.

    Raises:
        CardioError: a name that is taken.
    """
    for metric in declared:
        if metric.name in found:
            raise CardioError(f"two metrics are named '{metric.name}'; rename one of them")
        found[metric.name] = metric


def named(names: Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics called `names`, in that order.

    Raises:
        ConfigError: an unknown name.
    """
    return chosen(all_metrics(), names, kind="metric")


def chosen(known: Mapping[str, M], names: Iterable[str], *, kind: str) -> tuple[M, ...]:
    """Return those of `known` that are called `names`, in that order.

    Raises:
        ConfigError: an unknown name.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no {kind} '{name}'; {nearest(name, known)}")
    return tuple(known[name] for name in wanted)
