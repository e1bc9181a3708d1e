"""GE MUSE XML (`RestingECG`): the rhythm strip, int16 counts in base64, eight leads as a rule.

Nothing but the waveform, age and sex is looked at: names, ids, dates and the diagnosis stay in
the file.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, quoted
from components.core.readers.decoding import peek
from components.core.readers.person import age_and_sex, whole
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.readers.safe_xml import parse
from components.core.readers.xml_fields import (
    Element,
    check_lengths,
    check_root,
    number,
    text_of,
    unbase64,
    wrong_length,
)
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import millivolts_per

NAME = "muse"

_ROOT = re.compile(r"<RestingECG[\s>/]")
# The only width that MUSE writes, in bytes.
_SAMPLE_BYTES = "2"
_COUNT = "LeadSampleCountTotal"
# A decimal exponent of the rate beyond 6 would overflow; rates are checked by the registry.
_MAX_EXPONENT = 6.0


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
    check_root(root, "RestingECG", "GE MUSE XML")
    waveform = _rhythm(root)
    exponent = text_of(waveform, "SampleExponent", default="0")
    fs = _number(waveform, "SampleBase") * 10 ** number(
        exponent, "SampleExponent", limit=_MAX_EXPONENT
    )
    elements = [each for each in waveform.findall("LeadData") if not _is_off(each)]
    if not elements:
        raise RecordError("no_ecg_leads", "the rhythm strip holds no lead", field="LeadData")
    leads = canonical_all([text_of(each, "LeadID") for each in elements])
    values = [_samples(each, lead) for each, lead in zip(elements, leads, strict=True)]
    check_lengths(values, leads, _COUNT)
    return Signal(
        values=np.stack(values).astype(np.int16, copy=False),
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
    kinds = [text_of(each, "WaveformType").casefold() for each in waveforms]
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


def _number(element: Element, tag: str) -> float:
    return number(text_of(element, tag), tag)


def _is_off(lead: Element) -> bool:
    return text_of(lead, "LeadOff", default="FALSE").upper() == "TRUE"


def _lsb(lead: Element) -> float:
    """Return mV per count."""
    unit = text_of(lead, "LeadAmplitudeUnits")
    return _number(lead, "LeadAmplitudeUnitsPerBit") * millivolts_per(
        unit, field="LeadAmplitudeUnits"
    )


def _samples(element: Element, lead: str) -> npt.NDArray[np.int16]:
    """Return the lead's counts `[samples]`, little-endian int16 in base64 over many lines."""
    size = text_of(element, "LeadSampleSize", default=_SAMPLE_BYTES)
    if size != _SAMPLE_BYTES:
        raise RecordError(
            "unsupported_sample_size",
            f"lead {lead} has {quoted(size)} bytes per sample, only {_SAMPLE_BYTES} are known",
            field="LeadSampleSize",
            value=quoted(size),
        )
    data = unbase64(
        text_of(element, "WaveFormData"), what=f"the waveform of lead {lead}", field="WaveFormData"
    )
    stated = _number(element, _COUNT)
    if len(data) != 2 * stated:
        raise wrong_length(
            f"lead {lead} states {stated:g} samples, has {len(data) / 2:g}",
            field=_COUNT,
            value=stated,
        )
    return np.frombuffer(data, "<i2")


def _meta(root: Element) -> dict[str, str | float]:
    """Return age in years and sex where they are stated and plausible, nothing else."""
    found = root.find("PatientDemographics")
    if found is None:
        return {}
    return age_and_sex(
        whole(text_of(found, "PatientAge", default="")),
        text_of(found, "AgeUnits", default="YEARS"),
        text_of(found, "Gender", default=""),
    )
