"""One row of a request: its ECG, what is declared of it, and its tabular features."""

from __future__ import annotations

import base64
import binascii
import math
from pathlib import Path
from typing import Any

import pandas as pd

from components.core.cells import MISSING
from components.core.data.tabular import Cell
from components.core.errors import InputError, RecordError, shorten
from components.core.readers.archives import SIGNATURE
from components.core.readers.rawfile import DiskFile, MemoryFile, RawFile
from components.core.readers.registry import Declared
from components.core.readers.zipped import memory_file_from_zip
from components.core.text.masking import mask_lvef

Row = dict[Any, Any]
# What is declared of an ECG that cannot say it itself, as in a manifest.
DECLARED = ("ecg_fs", "ecg_unit", "ecg_leads", "ecg_key", "ecg_decimal")
NOTES = "clinical_notes"
INPUTS = ("ecg_path", "ecg_base64", *DECLARED, NOTES)
# Of each array modality, where a row has it: `components.core.bundle_media` reads them.
FORMS = ("path", "base64")


def tabular_row(row: Row, features: dict[str, str]) -> pd.DataFrame:
    """Return one row of features with the types that training saw.

    Raises:
        InputError: a numeric feature holds no finite number, or a feature several values.
    """
    types = {n: "string" if kind == "categorical" else "float64" for n, kind in features.items()}
    cells = tabular_cells(row, features).items()
    return pd.DataFrame({n: pd.Series([value], dtype=types[n]) for n, value in cells})


def tabular_cells(row: Row, features: dict[str, str]) -> dict[str, Cell]:
    """Return a row's features by name, as numbers and texts; None where one is missing.

    Raises:
        InputError: a numeric feature holds no finite number, or a feature several values.
    """
    cells: dict[str, Cell] = {}
    for name, kind in features.items():
        value = known(row.get(name), name)
        if value is not None:
            value = _text(value) if kind == "categorical" else _number(value, name)
        cells[name] = value
    return cells


def _text(value: Any) -> str:  # noqa: ANN401 - a cell of whatever was sent
    return value.decode() if isinstance(value, bytes) else str(value)


def known(value: Any, name: str) -> Any:  # noqa: ANN401 - a cell of whatever was sent
    """Return a field's value, None where it is missing, under the rules that ingest reads by.

    Raises:
        InputError: it holds several values.
    """
    if not pd.api.types.is_scalar(value):
        raise InputError(f"the field '{name}' holds no single value; send one or leave it out")
    if isinstance(value, str):
        text = value.strip()
        return None if text in MISSING else text
    return None if pd.isna(value) else value


def _number(value: Any, name: str) -> float:  # noqa: ANN401 - a cell of whatever was sent
    try:
        # A truth value may stand for anything; a whole number may be larger than any float.
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"the field '{name}' holds no number; send one or leave it out")
    return found


def raw_file(row: Row) -> RawFile:
    """Return the ECG file that a row names or carries.

    Raises:
        InputError: both or neither of `ecg_path` and `ecg_base64` are given.
        RecordError: the file or the base64 text cannot be used.
    """
    path, text = _given(row, "ecg_path"), _given(row, "ecg_base64")
    if bool(path) == bool(text):
        raise InputError("send the ECG as either 'ecg_path' or 'ecg_base64'")
    if path:
        file = Path(path)
        return DiskFile(file, file.parent)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError("not_base64", "the field 'ecg_base64' is not base64") from error
    return memory_file_from_zip(data) if data.startswith(SIGNATURE) else MemoryFile("upload", data)


def notes(row: Row, *, masked: bool) -> str | None:
    """Return a row's notes, without mentions of the ejection fraction where training had none."""
    text = _given(row, NOTES).strip()
    if not text:
        return None
    return mask_lvef(text).text if masked else text


def declared(row: Row) -> Declared:
    """Return what a row declares of its ECG.

    Raises:
        InputError: a rate that is no number, a decimal mark other than `.` and `,`, or several
            values of one.
    """
    leads, mark = _given(row, "ecg_leads"), _given(row, "ecg_decimal") or "."
    if mark not in (".", ","):
        raise InputError(f"the field 'ecg_decimal' is '{shorten(mark)}'; send '.' or ','")
    return Declared(
        fs=_rate(_given(row, "ecg_fs")),
        unit=_given(row, "ecg_unit") or None,
        leads=tuple(leads.split(";")) if leads else None,
        key=_given(row, "ecg_key") or None,
        decimal=mark,
    )


def _given(row: Row, name: str) -> str:
    value = known(row.get(name), name)
    return "" if value is None else str(value)


def _rate(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise InputError(f"the field 'ecg_fs' is '{shorten(text)}', no rate in Hz") from error
