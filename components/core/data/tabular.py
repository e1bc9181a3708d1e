"""Tabular features to numbers: fitted on training patients only, kept as JSON in the bundle."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from components.core.config.base import Frozen
from components.core.errors import InputError

# A category seen in fewer training patients than this teaches nothing and identifies people.
MIN_CATEGORY = 5
# The number of a category that is missing or none of training's.
_NO_LEVEL = -1
Cell = float | str | None
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


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
        self._require(frame.columns)
        numbers = np.empty((len(frame), len(self.numeric)))
        for place, column in enumerate(self.numeric):
            numbers[:, place] = _numbers(frame[column.name])
        levels = np.empty((len(frame), len(self.categorical)), np.intp)
        for place, column in enumerate(self.categorical):
            text = frame[column.name].astype("string").to_numpy(object)
            number = self._layout.numbered[place]
            levels[:, place] = [number.get(each, _NO_LEVEL) for each in text]
        return self._encoded(numbers, levels)

    def encode(self, cells: Mapping[str, Cell]) -> npt.NDArray[np.float32]:
        """Return `[1, width]` float32: `transform` of one row, at a fiftieth of its time.

        Args:
            cells: value by column; None where it is missing.

        Raises:
            InputError: a column is missing from the row.
        """
        self._require(cells)
        given = [cells[column.name] for column in self.numeric]
        numbers = np.array([[np.nan if each is None else float(each) for each in given]])
        texts = [cells[column.name] for column in self.categorical]
        levels = [
            _NO_LEVEL if each is None else number.get(str(each), _NO_LEVEL)
            for each, number in zip(texts, self._layout.numbered, strict=True)
        ]
        return self._encoded(numbers, np.array([levels], np.intp))

    def _require(self, columns: Container[str]) -> None:
        missing = [c for c in self.columns if c not in columns]
        if missing:
            raise InputError(f"the table lacks {', '.join(missing)}; the model was trained on them")

    def _encoded(
        self, numbers: npt.NDArray[np.float64], levels: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float32]:
        """Return `[n, width]` from `[n, numeric]` and the number of each `[n, categorical]`."""
        layout = self._layout
        out = np.zeros((len(numbers), layout.width), np.float32)
        gap = np.isnan(numbers)
        # Outside the training range a standardised value is an extrapolation: hold it at the edge.
        held = np.clip(numbers, layout.low, layout.high)
        out[:, layout.numbers] = np.where(gap, 0.0, (held - layout.mean) / layout.sd)
        out[:, layout.indicators] = gap[:, layout.indicated]
        row, column = np.nonzero(levels != _NO_LEVEL)
        out[row, layout.levels[column] + levels[row, column]] = 1
        return out

    @cached_property
    def _layout(self) -> _Layout:
        taken = [1 + c.indicator for c in self.numeric] + [len(c.levels) for c in self.categorical]
        first = np.cumsum([0, *taken])
        numbers, levels = first[: len(self.numeric)], first[len(self.numeric) : -1]
        indicated = np.flatnonzero([column.indicator for column in self.numeric])
        return _Layout(
            width=int(first[-1]),
            numbers=numbers,
            indicated=indicated,
            indicators=numbers[indicated] + 1,
            levels=levels,
            numbered=tuple({level: n for n, level in enumerate(c.levels)} for c in self.categorical),
            **{
                name: np.array([getattr(column, name) for column in self.numeric], np.float64)
                for name in ("mean", "sd", "low", "high")
            },
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layout:
    """Where an encoder's columns stand in its output, and the figures of the numeric ones.

    Attributes:
        width: columns of the output.
        numbers: `[numeric]`, column of each standardised value.
        indicated: which of the numeric columns have an indicator.
        indicators: columns of these indicators.
        levels: `[categorical]`, column of each first level.
        numbered: per categorical column, level → its number.
        mean: `[numeric]`, as `sd`, `low` and `high`.
    """

    width: int
    numbers: Indices
    indicated: Indices
    indicators: Indices
    levels: Indices
    numbered: tuple[dict[str, int], ...]
    mean: Floats
    sd: Floats
    low: Floats
    high: Floats


def _numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    return pd.to_numeric(values, errors="raise").to_numpy(np.float64, na_value=np.nan)


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
