"""What CSV, MATLAB and NumPy files have in common: numbers without rate, unit or lead order.

All three are declared; which axis holds the leads follows from their number or is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError
from components.core.readers.counts import int16_or_float
from components.core.readers.registry import Declared
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import DIMENSIONLESS, check_fs, millivolts_per

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What was declared of the numbers.

    Attributes:
        fs: sampling rate in Hz.
        factor: what one number is in `unit`.
        unit: `mV`, or `z` for standardised values.
    """

    fs: float
    factor: float
    unit: str


def declared_scale(declared: Declared, what: str) -> Scale:
    """Return the declared rate and unit of `what` ("a CSV waveform").

    Raises:
        RecordError: `undeclared_fs`, `undeclared_unit`, `unknown_unit`, `absurd_fs`.
    """
    if declared.fs is None:
        raise _undeclared("fs", f"{what} cannot say its sampling rate", "fs=500")
    if declared.unit is None:
        example = "unit=mV (or uV, V, or z for standardised values)"
        raise _undeclared("unit", f"{what} cannot say its unit", example)
    fs, unit = check_fs(declared.fs), declared.unit.strip()
    if unit == DIMENSIONLESS:
        return Scale(fs=fs, factor=1.0, unit=DIMENSIONLESS)
    return Scale(fs=fs, factor=millivolts_per(unit), unit="mV")


def declared_leads(declared: Declared, what: str) -> tuple[str, ...]:
    """Return the canonical names of the declared leads.

    Raises:
        RecordError: `undeclared_leads`, `unknown_lead`, `duplicate_lead`.
    """
    if not declared.leads:
        raise _undeclared("leads", f"{what} cannot say its leads", "leads=I;II;V1;V2;V3;V4;V5;V6")
    return canonical_all(declared.leads)


def _undeclared(field: str, reason: str, example: str) -> RecordError:
    return RecordError(
        f"undeclared_{field}",
        reason,
        field=field,
        advice=f"declare it for the source or in the manifest, e.g. {example}",
    )


def leads_first(values: Numbers, leads: tuple[str, ...]) -> Numbers:
    """Return `values` as `[leads, samples]`, the axis of the leads known by their number.

    Raises:
        RecordError: `not_two_dimensional`, `ambiguous_orientation`, `lead_count_mismatch`.
    """
    shape = "x".join(map(str, values.shape))
    if values.ndim != 2:
        raise RecordError(
            "not_two_dimensional",
            f"the array has {values.ndim} dimensions where leads and samples are two",
            field="shape",
            value=shape,
            advice="write one recording per file",
        )
    fits = [axis for axis, size in enumerate(values.shape) if size == len(leads)]
    if len(fits) == 2:
        raise RecordError(
            "ambiguous_orientation",
            f"both axes of the {shape} array could be the {len(leads)} leads",
            field="shape",
            value=shape,
            advice="write the recording as CSV with the lead names in its first line",
        )
    if not fits:
        raise lead_count_mismatch(leads, shape)
    return values if fits[0] == 0 else values.T


def lead_count_mismatch(leads: tuple[str, ...], found: object) -> RecordError:
    """Return the error for numbers whose count of leads is not as declared."""
    return RecordError(
        "lead_count_mismatch",
        f"{len(leads)} leads are declared, the file has {found}",
        field="leads",
        value=found,
        advice="declare every lead of the file in its order",
    )


def plain_signal(values: Numbers, leads: tuple[str, ...], scale: Scale) -> Signal:
    """Return the recording; int16 where every value is an integer that fits, else float32.

    Args:
        values: `[leads, samples]`, integers or floats of any width and byte order.
        leads: canonical names.
        scale: what was declared.
    """
    stored = _store(values)
    # Counts keep their scale beside them; floats carry it in the values.
    whole = stored.dtype == np.int16
    # What leaves float32, or is a NaN of the kind that signals, is no value; its lead is masked.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = stored if whole else stored * np.float32(scale.factor)
    return Signal(
        values=scaled,
        fs=scale.fs,
        leads=leads,
        unit=scale.unit,
        lsb=np.full(len(leads), scale.factor if whole else 1.0),
        offset=np.zeros(len(leads)),
    )


def _store(values: Numbers) -> npt.NDArray[np.int16] | npt.NDArray[np.float32]:
    if values.dtype.kind == "i" and values.dtype.itemsize <= 2:
        return values.astype(np.int16, order="C")
    # Half precision would round the bound of 16 bits itself.
    wide = values.astype(np.float32) if values.dtype.itemsize < 4 else values
    stored = int16_or_float(wide)
    if stored.dtype == np.int16:
        return np.ascontiguousarray(stored, np.int16)
    with np.errstate(over="ignore", invalid="ignore"):
        return stored.astype(np.float32, order="C")
