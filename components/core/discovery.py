"""Files of a package found by themselves: whoever adds one writes no line elsewhere."""

from __future__ import annotations

import importlib
import pkgutil
from types import MappingProxyType, ModuleType
from typing import Protocol, cast

from components.core.errors import CardioError


class Named(Protocol):
    """What every file of such a package holds: its name, and its place among the others."""

    NAME: str
    ORDER: int


def in_order(package: ModuleType, *, kind: str) -> MappingProxyType[str, Named]:
    """Return the package's modules by `NAME`, in the order of `ORDER`, then of the names.

    Modules whose file begins with an underscore are helpers of the others.

    Args:
        package: a folder of such files.
        kind: what they are called, in the plural.

    Raises:
        CardioError: two of the same name.
    """
    modules = [
        cast(Named, importlib.import_module(f"{package.__name__}.{info.name}"))
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    ]
    found: dict[str, Named] = {}
    for module in sorted(modules, key=lambda each: (each.ORDER, each.NAME)):
        if module.NAME in found:
            raise CardioError(f"two {kind} are named '{module.NAME}'; rename one of them")
        found[module.NAME] = module
    return MappingProxyType(found)
