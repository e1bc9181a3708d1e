"""Where a patient's vectors lie in a file, and what both layouts check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.readers.hdf5 import foreign, is_text, own_member, text_blocks, vectors_problem

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """One patient's vectors.

    Attributes:
        dataset: name of the data set.
        numbers: `[P]` its rows, ascending.
        quality: in [0, 1] as the file gives it; 1 where it gives none.
    """

    dataset: str
    numbers: Ints
    quality: float

    def rows(self) -> tuple[int, ...]:
        """Return its rows as plain numbers."""
        return tuple(self.numbers.tolist())


def member(group: Any, name: str, where: str) -> Any:  # noqa: ANN401 - h5py ships no types
    """Return a data set by its declared name.

    Raises:
        InputError: the file has none of that name, or it lies in another file.
    """
    found = own_member(group, name)
    if not isinstance(found, h5py.Dataset):
        raise InputError(
            f"'{where}' has no data set '{name}'; declare its name ('inspect' lists what the file "
            "holds)"
        )
    if reason := foreign(found):
        raise InputError(f"the data set '{name}' of '{where}' {reason}; write it into the file")
    return found


def vectors(data: Any, where: str) -> Any:  # noqa: ANN401 - h5py ships no types
    """Return a data set that holds embeddings.

    Raises:
        InputError: it holds something else.
    """
    if problem := vectors_problem(data):
        raise InputError(
            f"the data set of embeddings in '{where}' {problem}; write floats, one vector a row"
        )
    return data


def mean_quality(found: Any) -> float:  # noqa: ANN401 - h5py ships no types
    """Return the mean of a patient's qualities; of some outside [0, 1] one of those.

    It is refused later; a mean of 2 and 0 would pass as full quality. What is no number counts as
    infinite.
    """
    each = np.nan_to_num(np.asarray(found, np.float64).ravel(), nan=np.inf)
    wrong = each[(each < 0) | (each > 1)]
    return float(wrong[0] if wrong.size else each.mean())


def column_names(
    file: h5py.File, name: str, width: int, where: str
) -> tuple[str, ...]:  # fmt: skip
    """Return the names of the columns; none where none are declared.

    Raises:
        InputError: there is no such data set, it holds no texts, or not one per column.
    """
    if not name:
        return ()
    data = member(file, name, where)
    if not is_text(data) or data.shape != (width,):
        raise InputError(
            f"the data set '{name}' of '{where}' does not hold one name for each of {width} columns"
        )
    return tuple(each for block in text_blocks(data) for each in block)
