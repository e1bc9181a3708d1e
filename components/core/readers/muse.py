"""GE MUSE XML (`RestingECG`): the rhythm strip, int16 counts in base64, eight leads as a rule.

Nothing but the waveform, age and sex is looked at: names, ids, dates and the diagnosis stay in
the file.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pybase64
from lxml import etree

from components.core.errors import RecordError, quoted
from components.core.readers.decoding import peek
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.readers.safe_xml import parse
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import millivolts_per

Element: TypeAlias = etree._Element  # pyright: ignore[reportPrivateUsage] - its only name

NAME = "muse"

_ROOT = re.compile(r"<RestingECG[\s>/]")
# The only width that MUSE writes, in bytes.
_SAMPLE_BYTES = "2"
# What base64 is broken into lines with.
_SPACES = (b"\n", b"\r", b" ", b"\t")
_YEARS_PER = {"YEARS": 1.0, "MONTHS": 1 / 12, "WEEKS": 7 / 365.25, "DAYS": 1 / 365.25}
_SEXES = {"M": "male", "MALE": "male", "F": "female", "FEMALE": "female"}
# The longest documented human life is 122 years.
_MAX_AGE = 123


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the root element is RestingECG."""
    return _ROOT.search(peek(head)) is not None


def read(raw: RawFile, declared: Declared) -> Signal:  # noqa: ARG001  (the file says it all)
    """Return the rhythm strip with its own rate and gains, in mV.

    A lead that the device marks as off is left out.

    Raises:
        RecordError: `wrong_root`, `no_rhythm_waveform`, `several_rhythm_waveforms`,
            `missing_field`, `not_a_number`, `unsupported_sample_size`, `bad_base64`,
            `length_mismatch`, `unknown_lead`, `duplicate_lead`, `unknown_unit`, `no_ecg_leads`,
            or what `safe_xml.parse` refuses.
    """
    root = parse(raw.data())
    if root.tag != "RestingECG":
        raise RecordError(
            "wrong_root",
            "the XML's root element is not RestingECG",
            field="xml",
            value=root.tag,
            advice="export the ECG as GE MUSE XML",
        )
    waveform = _rhythm(root)
    fs = _number(waveform, "SampleBase") * 10 ** _number(waveform, "SampleExponent", default=0.0)
    elements = [each for each in waveform.findall("LeadData") if not _is_off(each)]
    if not elements:
        raise RecordError("no_ecg_leads", "the rhythm strip holds no lead", field="LeadData")
    leads = canonical_all([_text(each, "LeadID") for each in elements])
    values = [_samples(each, lead) for each, lead in zip(elements, leads, strict=True)]
    return Signal(
        values=_stack(values, leads),
        fs=fs,
        leads=leads,
        unit="mV",
        lsb=np.array([_lsb(each) for each in elements], np.float64),
        offset=np.zeros(len(leads)),
        meta=_meta(root),
    )


def _rhythm(root: Element) -> Element:
    """Return the one waveform of type Rhythm (the other, Median, is an averaged beat)."""
    waveforms = root.findall("Waveform")
    kinds = [_text(each, "WaveformType").casefold() for each in waveforms]
    found = [each for each, kind in zip(waveforms, kinds, strict=True) if kind == "rhythm"]
    if len(found) == 1:
        return found[0]
    raise RecordError(
        "several_rhythm_waveforms" if found else "no_rhythm_waveform",
        f"the file has {len(found)} waveforms of type Rhythm where one is expected",
        field="WaveformType",
        value=", ".join(map(quoted, kinds)),
        advice="export the ECG with its full 10 s rhythm strip",
    )


def _text(element: Element, tag: str, *, default: str | None = None) -> str:
    found = (element.findtext(tag) or "").strip()
    if found:
        return found
    if default is not None:
        return default
    raise RecordError(
        "missing_field",
        f"the element {element.tag} has no {tag}",
        field=tag,
        advice="export the file again",
    )


def _number(element: Element, tag: str, *, default: float | None = None) -> float:
    text = _text(element, tag, default=None if default is None else str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # A decimal exponent of the rate beyond 6 would overflow; rates are checked by the registry.
    if math.isfinite(value) and (tag != "SampleExponent" or abs(value) <= 6):
        return value
    raise RecordError(
        "not_a_number",
        f"{tag} is not a usable number",
        field=tag,
        value=quoted(text),
        advice="export the file again",
    )


def _is_off(lead: Element) -> bool:
    return _text(lead, "LeadOff", default="FALSE").upper() == "TRUE"


def _lsb(lead: Element) -> float:
    """Return mV per count."""
    unit = _text(lead, "LeadAmplitudeUnits")
    return _number(lead, "LeadAmplitudeUnitsPerBit") * millivolts_per(
        unit, field="LeadAmplitudeUnits"
    )


def _samples(element: Element, lead: str) -> npt.NDArray[np.int16]:
    """Return the lead's counts `[samples]`, little-endian int16 in base64 over many lines."""
    size = _text(element, "LeadSampleSize", default=_SAMPLE_BYTES)
    if size != _SAMPLE_BYTES:
        raise RecordError(
            "unsupported_sample_size",
            f"lead {lead} has {quoted(size)} bytes per sample, only {_SAMPLE_BYTES} are known",
            field="LeadSampleSize",
            value=quoted(size),
        )
    text = _text(element, "WaveFormData").encode()
    for each in _SPACES:  # three times as fast as splitting or translating
        text = text.replace(each, b"")
    try:
        data = pybase64.b64decode(text, validate=True)
    except ValueError:
        raise RecordError(
            "bad_base64",
            f"the waveform of lead {lead} is not valid base64",
            field="WaveFormData",
            advice="export the file again",
        ) from None
    stated = _number(element, "LeadSampleCountTotal")
    if len(data) != 2 * stated:
        raise _wrong_length(f"lead {lead} states {stated:g} samples, has {len(data) / 2:g}", stated)
    return np.frombuffer(data, "<i2")


def _stack(values: list[npt.NDArray[np.int16]], leads: tuple[str, ...]) -> npt.NDArray[np.int16]:
    sizes = [each.size for each in values]
    if len(set(sizes)) > 1:
        odd = ", ".join(f"{lead} {size}" for lead, size in zip(leads, sizes, strict=True))
        raise _wrong_length(f"the leads differ in length: {odd}", max(sizes))
    return np.stack(values).astype(np.int16, copy=False)


def _wrong_length(reason: str, value: float) -> RecordError:
    return RecordError(
        "length_mismatch",
        reason,
        field="LeadSampleCountTotal",
        value=value,
        advice="export the file again",
    )


def _meta(root: Element) -> dict[str, str | float]:
    """Return age in years and sex where they are stated and plausible, nothing else."""
    person = root.find("PatientDemographics")
    if person is None:
        return {}
    meta: dict[str, str | float] = {}
    scale = _YEARS_PER.get(_text(person, "AgeUnits", default="YEARS").upper())
    age = _text(person, "PatientAge", default="")
    if scale is not None and re.fullmatch(r"\d{1,5}", age) and int(age) * scale < _MAX_AGE:
        meta["age"] = int(age) * scale
    sex = _SEXES.get(_text(person, "Gender", default="").upper())
    if sex is not None:
        meta["sex"] = sex
    return meta
