"""Tabular features to numbers: fitted on training patients only, kept as JSON in the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from components.core.config.base import Frozen
from components.core.errors import InputError

# A category seen in fewer training patients than this teaches nothing and identifies people.
MIN_CATEGORY = 5


class NumericColumn(Frozen):
    """A numeric feature: standardised by the training mean and SD; missing → 0 and an indicator."""

    name: str
    mean: float
    sd: float
    low: float
    high: float
    indicator: bool


class CategoricalColumn(Frozen):
    """A categorical feature: one-hot over the training categories; others and missing are zeros."""

    name: str
    levels: tuple[str, ...]


class TabularEncoder(Frozen):
    """Turns a frame of features into `[n, width]` float32.

    Attributes:
        numeric: standardised columns, each with a missing indicator where training had gaps.
        categorical: one-hot columns.
    """

    numeric: tuple[NumericColumn, ...] = ()
    categorical: tuple[CategoricalColumn, ...] = ()
    fitted_rows: int = Field(default=0, ge=0)

    @property
    def features(self) -> list[str]:
        """Return the name of every output column."""
        names: list[str] = []
        for column in self.numeric:
            names += [column.name] + ([f"{column.name}=missing"] if column.indicator else [])
        for column in self.categorical:
            names += [f"{column.name}={level}" for level in column.levels]
        return names

    @property
    def columns(self) -> list[str]:
        """Return the name of every input column."""
        return [c.name for c in self.numeric] + [c.name for c in self.categorical]

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return `[n, width]` float32.

        Raises:
            InputError: a column is missing from the frame.
        """
        missing = [c for c in self.columns if c not in frame.columns]
        if missing:
            raise InputError(f"the table lacks {', '.join(missing)}; the model was trained on them")
        parts: list[npt.NDArray[np.float32]] = []
        for column in self.numeric:
            parts += _numeric(column, frame[column.name])
        for column in self.categorical:
            text = frame[column.name].astype("string")
            parts += [_is_level(text, level) for level in column.levels]
        if not parts:
            return np.zeros((len(frame), 0), dtype=np.float32)
        return np.stack(parts, axis=1)


def _is_level(text: pd.Series, level: str) -> npt.NDArray[np.float32]:
    return np.asarray((text == level).fillna(value=False), dtype=np.float32)


def _numeric(column: NumericColumn, values: pd.Series) -> list[npt.NDArray[np.float32]]:
    numbers = pd.to_numeric(values, errors="raise").to_numpy(np.float64, na_value=np.nan)
    gap = np.isnan(numbers)
    # Outside the training range a standardised value is an extrapolation: hold it at the edge.
    held = np.clip(numbers, column.low, column.high)
    scaled = np.where(gap, 0.0, (held - column.mean) / column.sd).astype(np.float32)
    return [scaled, gap.astype(np.float32)] if column.indicator else [scaled]


def fit_tabular(frame: pd.DataFrame) -> TabularEncoder:
    """Return an encoder fitted on `frame` (training rows only, one column per feature)."""
    numeric: list[NumericColumn] = []
    categorical: list[CategoricalColumn] = []
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            found = _fit_numeric(str(name), values)
            numeric += [found] if found else []
        else:
            counts = values.astype("string").value_counts()
            levels = sorted(str(v) for v in counts[counts >= MIN_CATEGORY].index)
            categorical.append(CategoricalColumn(name=str(name), levels=tuple(levels)))
    return TabularEncoder(
        numeric=tuple(numeric), categorical=tuple(categorical), fitted_rows=len(frame)
    )


def _fit_numeric(name: str, values: pd.Series) -> NumericColumn | None:
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    if known.size == 0 or known.min() == known.max():  # the SD of a constant can round above 0
        return None  # a constant says nothing about anyone
    margin = 3 * float(known.std())  # beyond the range by 3 SD a typing error is likelier
    return NumericColumn(
        name=name,
        mean=float(known.mean()),
        sd=float(known.std()),
        low=float(known.min()) - margin,
        high=float(known.max()) + margin,
        indicator=bool(known.size < numbers.size),
    )


def tabular_frame(manifest: pd.DataFrame, columns: list[str], prefix: str) -> pd.DataFrame:
    """Return the named features of a manifest under their own names."""
    renamed: dict[Any, Any] = {f"{prefix}{c}": c for c in columns}
    return manifest[list(renamed)].rename(columns=renamed)
