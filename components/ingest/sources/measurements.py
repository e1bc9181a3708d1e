"""Serial measurements beside a manifest or table: a long CSV, one measurement a row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from components.core import cells, tables
from components.core.beside import locate
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError, nearest, quoted
from components.core.schemas import MEASUREMENT_UNITS
from components.ingest.records import Reject

Column = Literal["patient_id", "time", "name", "value", "unit"]
COLUMNS: tuple[Column, ...] = ("patient_id", "time", "name", "value", "unit")
# Factor from each accepted unit (lower case) to that of MEASUREMENT_UNITS.
_PER_LITRE = {"ng/l": 1.0, "pg/ml": 1.0, "ng/ml": 1000.0, "ug/l": 1000.0, "µg/l": 1000.0}
FACTORS: dict[str, dict[str, float]] = {
    "lvef": {"%": 1.0, "fraction": 100.0},
    "gls": {"%": 1.0, "fraction": 100.0},
    "troponin_t": _PER_LITRE,
    "troponin_i": _PER_LITRE,
    "nt_probnp": _PER_LITRE,
    "hf_symptoms": {"grade": 1.0},
}
# Beyond these a cell is a typing error or another unit: no heart ejects under 5 or over 90 %, no
# strain exceeds 40 % in magnitude, the assays end well below the last two.
_RANGE = {
    "lvef": (5.0, 90.0),
    "gls": (1.0, 40.0),
    "troponin_t": (0.0, 1e6),
    "troponin_i": (0.0, 1e6),
    "nt_probnp": (0.0, 1e6),
    "hf_symptoms": (0.0, 4.0),
}
# No follow-up is longer; a date written without separators reads as a larger number.
_MAX_DAYS = 36_525


class MeasurementOptions(Frozen):
    """Where the measurements lie and how their table is written.

    Attributes:
        measurements: CSV beside the manifest or table, under its folder; empty = none.
        measurement_columns: our column name → the table's, where it differs.
        measurement_units: measurement name → its unit, where the table has no `unit` cell.
        dates_shifted: the source shifts its dates per patient, so that they may lie in the future
            (as in MIMIC-IV); else such a date is refused.
    """

    measurements: str = ""
    measurement_columns: dict[Column, str] = Field(default_factory=dict[Column, str])
    measurement_units: dict[str, str] = Field(default_factory=dict[str, str])
    dates_shifted: bool = False


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement of one patient.

    Attributes:
        patient_id: as in the manifest.
        name: of `MEASUREMENT_UNITS`.
        time: date or time without zone; None where `day` is given.
        day: days from the patient's index date; None where `time` is given.
        value: in the unit of `MEASUREMENT_UNITS`.
        below: the value is an upper limit, written `<5`.
        row: line of the table.
    """

    patient_id: str
    name: str
    time: datetime | None
    day: float | None
    value: float
    below: bool
    row: int


def read_measurements(
    path: Path, options: MeasurementOptions, *, separator: str = ",", decimal: str = "."
) -> Iterator[Measurement | Reject]:
    """Yield one measurement or reject per row of the table that `options` name.

    Args:
        path: the manifest or table, or its folder; the measurements lie under that folder.
        options: file, columns, units.
        separator: between cells.
        decimal: decimal mark of numbers.

    Raises:
        InputError: the file lies elsewhere, is missing or lacks a column, or every LVEF in it is
            a fraction called per cent.
    """
    file = locate(path if path.is_dir() else path.parent, options.measurements, "measurements")
    header, rows = tables.open_table(file, separator=separator)
    names: dict[Column, str] = {
        name: options.measurement_columns.get(name, name) for name in COLUMNS
    }
    optional = {names["unit"]} if options.measurement_units else set[str]()
    tables.require(header, [n for n in names.values() if n not in optional], file.name)
    lvefs = fractions = 0
    for line, row in rows:
        try:
            tables.check_width(row, header)
            found = _measurement(row, line, names, options, decimal)
            lvefs += found.name == "lvef"
            yield found
        except RecordError as error:
            fractions += error.code == "lvef_fraction"
            yield Reject.of(error, file=options.measurements, row=line)
    if fractions and not lvefs:
        raise InputError(
            f"all {fractions} LVEF values of '{file.name}' are 1 or less and called per cent; "
            "if they are fractions, give them the unit 'fraction'"
        )


def _measurement(
    row: tables.Row, line: int, names: dict[Column, str], options: MeasurementOptions, decimal: str
) -> Measurement:
    patient = cells.required(row, names["patient_id"])
    name = cells.required(row, names["name"]).lower()
    if name not in MEASUREMENT_UNITS:
        raise RecordError(
            "unknown_measurement", f"the measurement in '{names['name']}' is not known",
            field=names["name"], value=quoted(name), advice=nearest(name, MEASUREMENT_UNITS),
        )  # fmt: skip
    time, day = _when(row, names["time"], decimal, shifted=options.dates_shifted)
    unit = cells.text(row, names["unit"]) or options.measurement_units.get(name, "")
    value, below = _value(row, names["value"], name, decimal)
    return Measurement(
        patient_id=patient, name=name, time=time, day=day, below=below, row=line,
        value=plausible(name, value, unit, below=below),
    )  # fmt: skip


def _when(
    row: tables.Row, column: str, decimal: str, *, shifted: bool
) -> tuple[datetime | None, float | None]:
    text = cells.required(row, column)
    if "-" in text[1:] or ":" in text:  # a date; a leading minus is a day before the index date
        return cells.moment(row, column, shifted=shifted), None
    day = cells.number(row, column, decimal=decimal)
    if day is None or abs(day) > _MAX_DAYS:
        raise RecordError(
            "not_a_time", f"the column '{column}' holds neither a date nor days from the index",
            field=column, value=quoted(text, time=True),
            advice="write 2024-05-31, or whole days such as -7 or 180",
        )  # fmt: skip
    return None, day


def _value(row: tables.Row, column: str, name: str, decimal: str) -> tuple[float, bool]:
    """Return the number, and whether it is the upper limit of a biomarker written `<5`."""
    text = cells.required(row, column)
    below = text.startswith("<") and name in {"troponin_t", "troponin_i", "nt_probnp"}
    value = cells.number({column: text.removeprefix("<") if below else text}, column,
                         decimal=decimal)  # fmt: skip
    if value is None:
        raise RecordError("missing_value", f"the column '{column}' is empty", field=column)
    return value, below


def plausible(
    name: str, value: float, unit: str, *, field: str = "value", below: bool = False
) -> float:
    """Return a measurement in the unit of `MEASUREMENT_UNITS`.

    Args:
        name: of `MEASUREMENT_UNITS`.
        value: as the source has it.
        unit: its unit.
        field: column, for the error.
        below: the value is an upper limit; what is returned lies just below it.

    Raises:
        RecordError: an unknown unit, a fraction called per cent, a value no heart or assay gives.
    """
    factor = FACTORS[name].get(unit.strip().lower())
    if factor is None:
        raise RecordError(
            "unknown_unit", f"the unit of {name} is missing or not known", field="unit",
            value=quoted(unit),
            advice=f"write one of {', '.join(FACTORS[name])}, or declare measurement_units",
        )  # fmt: skip
    if name == "lvef" and factor == 1.0 and 0 < value <= 1:
        raise RecordError(
            "lvef_fraction", "an LVEF of 1 % or less looks like a fraction", field=field,
            value=value, advice="give it the unit 'fraction', or write it in per cent",
        )  # fmt: skip
    # Decimals of a fraction: 0.57 is 57 %, not 56.99999999999999 %.
    found = round((abs(value) if name == "gls" else value) * factor, 9)
    low, high = _RANGE[name]
    whole = name != "hf_symptoms" or found.is_integer()
    if not (low <= found <= high and whole):
        raise RecordError(
            "implausible_value", f"the {name} lies outside {low:g} to {high:g} "
            f"{MEASUREMENT_UNITS[name]}", field=field, value=value,
            advice="correct the value or its unit",
        )  # fmt: skip
    return math.nextafter(found, 0.0) if below else found
