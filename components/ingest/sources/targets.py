"""Truths beside the label: columns from which heads learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.core import cells, tables
from components.core.schemas import LVEF
from components.ingest.sources.measurements import plausible


def check_targets(
    targets: Mapping[str, cells.Kind], tabular: Iterable[str], units: Mapping[str, str]
) -> None:
    """Refuse targets that are features too, or an LVEF that would escape its checks.

    Args:
        targets: column → kind.
        tabular: declared features.
        units: measurement name → unit, as declared.

    Raises:
        ValueError: such a target is there.
    """
    for name in targets:
        if name in tabular:
            raise ValueError(f"'{name}' is a target and a feature; a truth is no feature")
        if name != LVEF and name.casefold() == LVEF:
            raise ValueError(
                f"targets names '{name}'; call the column '{LVEF}', under which an ejection "
                "fraction is checked and paired with the ECG"
            )
    if targets.get(LVEF, "numeric") != "numeric":
        raise ValueError(f"the target '{LVEF}' is a number; declare it numeric")
    if units.get(LVEF, "%") not in {"%", "fraction"}:
        raise ValueError(f"the unit of '{LVEF}' is '{units[LVEF]}'; write % or fraction")


def read_targets(
    row: tables.Row,
    declared: Mapping[str, cells.Kind],
    units: Mapping[str, str],
    *,
    decimal: str = ".",
) -> dict[str, float | str | None]:
    """Return the truths of a row; the LVEF in per cent.

    Args:
        row: the cells.
        declared: column → kind.
        units: measurement name → unit; the LVEF is in per cent unless declared a fraction.
        decimal: decimal mark.

    Raises:
        RecordError: no number where one is declared, or an LVEF that no heart has.
    """
    found = cells.features(row, declared, decimal=decimal)
    lvef = found.get(LVEF)
    if isinstance(lvef, float):
        found[LVEF] = plausible(LVEF, lvef, units.get(LVEF, "%"), field=LVEF)
    return found
