"""The sampling rate out of an aECG's time sequences."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from components.core.errors import RecordError, quoted
from components.core.readers.xml_fields import Element, attribute_of, child_of
from components.core.signals.units import check_fs

_NS = "{urn:hl7-org:v3}"
# Powers of ten of a second, UCUM; HL7 aECG files write microseconds as "us".
_SECONDS = {"s": 0, "ms": -3, "us": -6, "ns": -9}
# More digits than any clock has: an exponent beyond would make the arithmetic slow.
_MAX_DIGITS = 30


def sampling_rate(values: list[Element]) -> float:
    """Return the sampling rate in Hz that all time axes of a sequence set agree on.

    Args:
        values: `value` elements of type GLIST_TS (absolute) or GLIST_PQ (relative time).

    Raises:
        RecordError: `missing_field`, `not_a_number`, `unknown_unit`, `conflicting_fs`,
            `absurd_fs`.
    """
    rates = {_rate(child_of(each, f"{_NS}increment")) for each in values}
    if len(rates) == 1:
        return check_fs(rates.pop())
    if rates:
        found = ", ".join(f"{rate:g} Hz" for rate in sorted(rates))
        raise RecordError(
            "conflicting_fs",
            f"the time sequences disagree on the sampling rate: {found}",
            field="increment",
            value=found,
            advice="export the file again",
        )
    raise RecordError(
        "missing_field",
        "the sequence set has no time sequence, so the sampling rate is not known",
        field="increment",
        advice="export the file again",
    )


def _rate(increment: Element) -> float:
    """Return 1 / increment in Hz.

    An increment is rounded to its last digit: 0.00277778 s is 360 Hz. Where a single whole rate
    rounds to these digits, that one is meant.
    """
    text = attribute_of(increment, "value")
    step = _decimal(text)
    unit = attribute_of(increment, "unit")
    if unit not in _SECONDS:
        raise RecordError(
            "unknown_unit",
            "the unit of the time increment is not one known here (s, ms, us, ns)",
            field="increment",
            value=quoted(unit),
            advice="export the file again",
        )
    step = step.scaleb(_SECONDS[unit])
    half = Decimal(5).scaleb(int(step.as_tuple().exponent) - 1)
    low, high = 1 / (step + half), 1 / (step - half)
    if math.ceil(low) == math.floor(high):
        return float(math.ceil(low))
    return float(1 / step)


def _decimal(text: str) -> Decimal:
    try:
        step = Decimal(text)
    except InvalidOperation:
        step = Decimal("NaN")
    if step.is_finite() and step > 0 and abs(step.adjusted()) + len(text) <= _MAX_DIGITS:
        return step
    raise RecordError(
        "not_a_number",
        "the time increment is not a usable number of time units",
        field="increment",
        value=quoted(text),
        advice="export the file again",
    )
