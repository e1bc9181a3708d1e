"""Entry checks of the metrics: every function refuses bad arrays here, in one wording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Vector = npt.NDArray[np.generic] | Sequence[float] | Sequence[int] | Sequence[bool]


def binary(y: Vector) -> FloatArray:
    """Return labels `[rows]` as float64 zeros and ones.

    Raises:
        InputError: no rows, more than one dimension, or a value other than 0 and 1.
    """
    labels = finite(y, "the label")
    if labels.size == 0:
        raise InputError("the metric was given no rows; hand in at least one prediction")
    wrong = labels[(labels != 0) & (labels != 1)]
    if wrong.size:
        raise InputError(
            f"the label holds {wrong[0]:g} in {wrong.size} of {labels.size} rows; "
            "a binary metric needs 0 or 1 (give unknown labels weight 0)"
        )
    return labels


def finite(values: Vector, name: str, *, rows: int | None = None) -> FloatArray:
    """Return `values` as float64 `[rows]`, all finite and of the length asked for.

    Raises:
        InputError: wrong dimension or length, NaN or infinity.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"{name} has {array.ndim} dimensions; hand in one value per row")
    if rows is not None and array.size != rows:
        raise InputError(f"{name} has {array.size} rows where {rows} are needed; align the arrays")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{name} is {array[bad[0]]} in row {bad[0]} ({bad.size} such rows); "
            "remove these rows or mend the model that wrote them"
        )
    return array


def probabilities(values: Vector, name: str = "the probability", *, rows: int) -> FloatArray:
    """Return `values` as float64 `[rows]` in [0, 1].

    Raises:
        InputError: as `finite`, or a value outside [0, 1].
    """
    array = finite(values, name, rows=rows)
    outside = array[(array < 0) | (array > 1)]
    if outside.size:
        raise InputError(
            f"{name} is {outside[0]:g}, outside [0, 1], in {outside.size} rows; "
            "apply the sigmoid to logits first"
        )
    return array


def weights(weight: Vector | None, *, rows: int) -> FloatArray | None:
    """Return non-negative row weights `[rows]`, or None where every row counts once.

    Raises:
        InputError: as `finite`, a negative weight, or weights that are all zero.
    """
    if weight is None:
        return None
    array = finite(weight, "the weight", rows=rows)
    if (array < 0).any():
        raise InputError(f"the weight is {array.min():g} in one row; weights may not be negative")
    if not array.any():
        raise InputError(f"all {rows} weights are 0; no row has a known label")
    return array
