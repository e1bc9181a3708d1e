"""Which variable of a MATLAB file is the signal: the only one that can be, or the declared one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from components.core.errors import RecordError, quoted, shorten

# MATLAB's classes of real numbers; logical, char, cell, struct, sparse, object, function handle
# and opaque are none.
NUMERIC = frozenset(
    {"double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
)
# As float64 an hour of 12 leads at 1 kHz has 345 MB.
_MAX_BYTES = 2**30
# Deflate's own limit is 1032; ECGs reach 5, a lead-off recording 200. Below a size no ratio is a
# bomb: ten seconds of zeros compress well.
_MAX_RATIO = 250
_FREE_BYTES = 1_000_000
# How many variables an error lists.
_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable without its values.

    Attributes:
        name: in the file.
        shape: rows, columns and further dimensions, as MATLAB says `size`.
        kind: MATLAB class.
    """

    name: str
    shape: tuple[int, ...]
    kind: str

    @property
    def may_be_signal(self) -> bool:
        """Return whether it is a numeric matrix and no scalar."""
        return self.kind in NUMERIC and len(self.shape) == 2 and math.prod(self.shape) > 1


def bound(file_bytes: int) -> int:
    """Return how many bytes a file of this size may unpack to."""
    return min(_MAX_BYTES, max(_FREE_BYTES, _MAX_RATIO * file_bytes))


def choose(variables: Sequence[Variable], key: str | None) -> Variable:
    """Return the variable that holds the signal.

    Raises:
        RecordError: `which_variable` when several or none could be it, `unknown_variable` when the
            declared one is not a numeric matrix of the file; both list the variables.
    """
    found = [each for each in variables if each.may_be_signal and key in (None, each.name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(
        f"{quoted(each.name)} ({'x'.join(map(str, each.shape))} {each.kind})"
        for each in islice(variables, _LISTED)
    )
    if key is not None:
        raise RecordError(
            "unknown_variable",
            f"'{shorten(key, 20)}' is not one numeric matrix of the file; variables: {listed}",
            field="key",
            value=key,
            advice="declare the key of the matrix that holds the signal",
        )
    raise RecordError(
        "which_variable",
        f"{len(found)} variables could be the signal where one is expected; variables: {listed}",
        field="key",
        value=len(found),
        advice="declare the one by its name, e.g. key=val",
    )


def unreadable(reason: str) -> RecordError:
    """Return the error for a file that breaks its own format."""
    return RecordError(
        "unreadable_matlab",
        f"the MATLAB file cannot be read: {reason}",
        field="file",
        advice="save the matrix again in version 7 (save -v7)",
    )


def too_large(size: int) -> RecordError:
    """Return the error for a matrix or a file whose values take more than is read."""
    return RecordError(
        "file_too_large",
        f"the MATLAB file unpacks to {size} bytes or more",
        field="path",
        value=size,
        advice="save the signal as int16, uncompressed, one recording per file",
    )
