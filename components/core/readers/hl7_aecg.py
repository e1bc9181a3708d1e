"""HL7 annotated ECG (aECG, ANSI/HL7 V3 ECG R1-2004): the rhythm series of one recording.

A series holds sequence sets, a set one sequence for the time axis and one for each lead, told
apart by their codes (ISO/IEEE 11073-10102 names such as MDC_ECG_LEAD_V1), never by their order.
Annotations, derived series (the representative beat) and everything about the trial stay unread;
of the subject only the reported age and the sex are looked at.
"""

from __future__ import annotations

import re
from typing import cast

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, quoted
from components.core.readers import counts
from components.core.readers.decoding import peek
from components.core.readers.hl7_time import sampling_rate
from components.core.readers.person import age_and_sex, whole
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.readers.safe_xml import parse
from components.core.readers.xml_fields import (
    Element,
    attribute_of,
    check_lengths,
    check_root,
    child_of,
    number,
    text_of,
)
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import millivolts_per

NAME = "hl7_aecg"

NS = "{urn:hl7-org:v3}"
_ROOT = re.compile(r"<(?:[\w.-]+:)?AnnotatedECG[\s>/]")
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TIMES = ("TIME_ABSOLUTE", "TIME_RELATIVE")
# Positions of ISO/IEEE 11073-10102 beyond the twelve standard leads: further chest leads, and the
# orthogonal leads of Frank.
NOT_LEADS = frozenset(
    f"MDC_ECG_LEAD_{name}"
    for name in (
        *(f"V{n}" for n in range(7, 10)), *(f"V{n}R" for n in range(2, 10)), "X", "Y", "Z",
    )
)  # fmt: skip
_SUBJECT = "/".join(
    NS + tag
    for tag in (
        "componentOf", "timepointEvent", "componentOf", "subjectAssignment", "subject",
        "trialSubject", "subjectDemographicPerson", "administrativeGenderCode",
    )
)  # fmt: skip
# LOINC "Age - Reported"; ages are in UCUM units.
_REPORTED_AGE = "21612-7"
_UNITS = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the root element is AnnotatedECG."""
    return _ROOT.search(peek(head)) is not None


def read(raw: RawFile, declared: Declared) -> Signal:  # noqa: ARG001  (the file says it all)
    """Return the rhythm series with its own rate, scales and origins, in mV.

    Digits that are whole and fit become int16 counts, any others float32 values in mV. Leads in
    `NOT_LEADS` are left out. More than one rhythm series or sequence set (a gap between two
    parts, or two montages) is refused: which of them is meant cannot be known.

    Raises:
        RecordError: `wrong_root`, `no_rhythm_waveform`, `several_rhythm_waveforms`,
            `several_sequence_sets`, `missing_field`, `not_a_number`, `unknown_unit`,
            `conflicting_fs`, `absurd_fs`, `absurd_gain`, `unsupported_encoding`,
            `length_mismatch`, `unknown_lead`, `duplicate_lead`, `no_ecg_leads`, or what
            `safe_xml.parse` refuses.
    """
    root = parse(raw.data())
    check_root(root, f"{NS}AnnotatedECG", "HL7 aECG (namespace urn:hl7-org:v3)")
    sequences = _sequences(_rhythm(root))
    fs = sampling_rate([each for code, each in sequences if code in _TIMES])
    kept = [(c, each) for c, each in sequences if c not in _TIMES and c not in NOT_LEADS]
    if not kept:
        raise RecordError("no_ecg_leads", "the rhythm series holds no lead", field="sequence")
    leads = canonical_all([code for code, _ in kept])
    slists = [_slist(each, lead) for (_, each), lead in zip(kept, leads, strict=True)]
    lsb = np.array([_scale(each, lead) for each, lead in zip(slists, leads, strict=True)])
    offset = np.array([_millivolts(each, "origin") for each in slists])
    digits = [_digits(each, lead) for each, lead in zip(slists, leads, strict=True)]
    check_lengths(digits, leads, "digits")
    values = np.stack(digits)
    whole = values.dtype == np.int16
    return Signal(
        values=values if whole else _physical(values, lsb, offset),
        fs=fs,
        leads=leads,
        unit="mV",
        lsb=lsb if whole else np.ones(len(leads)),
        offset=offset if whole else np.zeros(len(leads)),
        meta=_meta(root),
    )


def _rhythm(root: Element) -> Element:
    """Return the sequence set of the one rhythm series."""
    series = root.findall(f"{NS}component/{NS}series")
    kinds = [attribute_of(child_of(each, f"{NS}code"), "code") for each in series]
    found = [each for each, kind in zip(series, kinds, strict=True) if kind == "RHYTHM"]
    if len(found) != 1:
        raise RecordError(
            "several_rhythm_waveforms" if found else "no_rhythm_waveform",
            f"the file has {len(found)} series of type RHYTHM where one is expected",
            field="series",
            value=", ".join(map(quoted, kinds)),
            advice="export each ECG with its rhythm series into a file of its own",
        )
    sets = found[0].findall(f"{NS}component/{NS}sequenceSet")
    if len(sets) > 1:
        raise RecordError(
            "several_sequence_sets",
            f"the rhythm series has {len(sets)} sequence sets where one is expected",
            field="sequenceSet",
            value=len(sets),
            advice="export one continuous recording per file",
        )
    return sets[0] if sets else child_of(found[0], f"{NS}sequenceSet")


def _sequences(sequence_set: Element) -> list[tuple[str, Element]]:
    """Return code and value element of each sequence."""
    return [
        (attribute_of(child_of(each, f"{NS}code"), "code"), child_of(each, f"{NS}value"))
        for each in sequence_set.findall(f"{NS}component/{NS}sequence")
    ]


def _slist(value: Element, lead: str) -> Element:
    # A schema type is a qualified name, so a prefix may stand before it.
    kind = attribute_of(value, _TYPE, default="none").rpartition(":")[2]
    if kind == "SLIST_PQ":
        return value
    raise RecordError(
        "unsupported_encoding",
        f"the samples of lead {lead} have the type {quoted(kind)}, only SLIST_PQ is known",
        field="value",
        value=quoted(kind),
        advice="export them as scaled digits",
    )


def _millivolts(value: Element, tag: str) -> float:
    quantity = child_of(value, NS + tag)
    return number(attribute_of(quantity, "value"), tag) * millivolts_per(
        attribute_of(quantity, "unit"), field=tag
    )


def _scale(value: Element, lead: str) -> float:
    """Return mV per digit; integers are checked once more for what an amplifier can resolve."""
    scale = _millivolts(value, "scale")
    if scale > 0:
        return scale
    raise RecordError(
        "absurd_gain",
        f"one digit of lead {lead} would be {scale:g} mV",
        field=lead,
        value=scale,
        advice="correct the scale or its unit",
    )


def _digits(value: Element, lead: str) -> npt.NDArray[np.float64]:
    try:
        return cast(npt.NDArray[np.float64], counts.parse(text_of(value, f"{NS}digits")))
    except ValueError:
        raise RecordError(
            "not_a_number",
            f"the digits of lead {lead} are not all numbers separated by white space",
            field="digits",
            value=lead,
            advice="write each with a decimal point",
        ) from None


def _physical(
    values: npt.NDArray[np.float64], lsb: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return (values * lsb[:, None] + offset[:, None]).astype(np.float32)


def _meta(root: Element) -> dict[str, str | float]:
    """Return reported age in years and sex where they are stated and plausible, nothing else."""
    gender = root.find(_SUBJECT)
    age, unit = "", ""
    for each in root.findall(f"{NS}controlVariable/{NS}relatedObservation"):
        code, value = each.find(f"{NS}code"), each.find(f"{NS}value")
        if code is not None and value is not None and code.get("code") == _REPORTED_AGE:
            age, unit = str(value.get("value") or ""), str(value.get("unit") or "")
    sex = "" if gender is None else attribute_of(gender, "code", default="")
    return age_and_sex(whole(age), _UNITS.get(unit, ""), sex)
