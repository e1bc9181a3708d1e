"""Philips Sierra XML (`restingecgdata`, schema 1.03, 1.04, 1.04.01): the parsed waveforms.

Counts are int16, 5 uV each as a rule, compressed by XLI. Some devices add a 1 mV calibration pulse
behind the recording (11 s where 10 s are the patient's); the schema has no element that says so,
therefore every sample is returned. Representative beats and everything about patient, order and
report stay unread, except age and sex.
"""

from __future__ import annotations

import re

import numpy as np

from components.core.errors import RecordError, quoted
from components.core.readers.decoding import peek
from components.core.readers.person import age_and_sex, whole
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.readers.safe_xml import parse
from components.core.readers.sierra_leads import labels_of, restore_limb_leads
from components.core.readers.xli import decode_channels
from components.core.readers.xml_fields import (
    Element,
    attribute_of,
    check_root,
    child_of,
    number,
    text_of,
    unbase64,
    wrong_length,
)
from components.core.signals.leads import find
from components.core.signals.signal import Signal
from components.core.signals.units import check_fs, millivolts_per

NAME = "philips_sierra"

NS = "{http://www3.medical.philips.com}"
_ROOT = re.compile(r"<(?:[\w.-]+:)?restingecgdata[\s>/]")
_TYPES = ("SierraECG", "PhilipsECG")
_VERSIONS = ("1.03", "1.04", "1.04.01")
_WAVES = "parsedwaveforms"
# What the schema states since 1.04 as an attribute of the waveform, the settings of the acquisition
# being the device's; 1.03 has those alone. All amplitudes are in microvolts.
_SETTINGS = {
    "samplespersecond": "samplingrate",
    "resolution": "resolution",
    "signaloffset": "signaloffset",
    "signalsigned": "signalsigned",
    "bitspersample": "bitspersample",
}
_RENAMED_1_03 = {"resolution": "signalresolution"}
_UNIT = "uV"
# Sixteen channels of a million samples are 64 MB; the longest resting ECG (five minutes at 1 kHz)
# has less than a third of them.
_MAX_SAMPLES = 1_000_000
_AGE_UNITS = ("years", "months", "weeks", "days")


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the root element is restingecgdata."""
    return _ROOT.search(peek(head)) is not None


def read(raw: RawFile, declared: Declared) -> Signal:  # noqa: ARG001  (the file says it all)
    """Return all samples of the standard leads with the file's own rate and resolution, in mV.

    Raises:
        RecordError: `wrong_root`, `unsupported_version`, `no_rhythm_waveform`,
            `several_rhythm_waveforms`, `missing_field`, `not_a_number`, `unsupported_encoding`,
            `unsupported_compression`, `unsupported_sample_size`, `unsupported_offset`,
            `length_mismatch`, `bad_base64`, `truncated_waveform`, `bad_compression`, `absurd_fs`,
            `unknown_lead_set`, `invalid_channels`, `unknown_lead`, `duplicate_lead`,
            `missing_limb_lead`, `no_ecg_leads`, or what `safe_xml.parse` refuses.
    """
    root = parse(raw.data())
    check_root(root, f"{NS}restingecgdata", "Philips Sierra XML")
    version = _version(root)
    waves = _waveforms(root)
    acquisition = child_of(root, f"{NS}dataacquisition")
    device = child_of(acquisition, f"{NS}signalcharacteristics")
    settings = {key: _setting(waves, device, key, version) for key in _SETTINGS}
    _check_packing(waves, settings, version)
    fs = check_fs(number(settings["samplespersecond"], "samplespersecond"))
    labels = labels_of(waves, device, version)
    packed = unbase64((waves.text or "").strip(), what="the waveform", field=_WAVES)
    samples = _sample_count(waves, fs)
    counts = decode_channels(packed, channels=len(labels), samples=samples)
    restored = restore_limb_leads(counts, labels)
    kept = [row for row, label in enumerate(labels) if find(label) is not None]
    lsb = number(settings["resolution"], "resolution") * millivolts_per(_UNIT)
    return Signal(
        values=restored[kept],
        fs=fs,
        leads=tuple(filter(None, map(find, labels))),
        unit="mV",
        lsb=np.full(len(kept), lsb),
        offset=np.zeros(len(kept)),
        meta=_meta(root),
    )


def _version(root: Element) -> str:
    info = child_of(root, f"{NS}documentinfo")
    kind, version = text_of(info, f"{NS}documenttype"), text_of(info, f"{NS}documentversion")
    if kind in _TYPES and version in _VERSIONS:
        return version
    found = f"{kind if kind in _TYPES else quoted(kind)} {quoted(version)}"
    raise RecordError(
        "unsupported_version",
        f"the file is {found}; known are {' and '.join(_TYPES)} {', '.join(_VERSIONS)}",
        field="documentversion",
        value=found,
        advice="export the ECG in one of these versions",
    )


def _waveforms(root: Element) -> Element:
    found = root.findall(f"{NS}waveforms/{NS}{_WAVES}")
    if len(found) == 1:
        return found[0]
    raise RecordError(
        "several_rhythm_waveforms" if found else "no_rhythm_waveform",
        f"the file has {len(found)} elements {_WAVES} where one is expected",
        field=_WAVES,
        value=len(found),
        advice="export the ECG with its full waveform",
    )


def _setting(waves: Element, device: Element, key: str, version: str) -> str:
    if version != "1.03":
        return attribute_of(waves, key, default="0" if key == "signaloffset" else None)
    tag = _RENAMED_1_03.get(key, _SETTINGS[key])
    return text_of(device, NS + tag, default="0" if key == "signaloffset" else None)


def _check_packing(waves: Element, settings: dict[str, str], version: str) -> None:
    """Refuse waveforms that are stored in any other way than those of the known files."""
    _require(attribute_of(waves, "dataencoding"), "Base64", "unsupported_encoding", "dataencoding")
    if version == "1.03":
        flag = attribute_of(waves, "compressflag", default="False")
        _require(flag, "True", "unsupported_compression", "compressflag")
    name = "compressmethod" if version == "1.03" else "compression"
    # Open readers disagree on whether uncompressed limb leads are differences, so none is guessed.
    method = attribute_of(waves, name, default="none")
    _require(method, "XLI", "unsupported_compression", name)
    _require(settings["bitspersample"], "16", "unsupported_sample_size", "bitspersample")
    _require(settings["signalsigned"], "True", "unsupported_sample_size", "signalsigned")
    # Whether an offset applies to the limb leads' differences, too, the schema does not say.
    _require(settings["signaloffset"], "0", "unsupported_offset", "signaloffset")


def _require(found: str, known: str, code: str, field: str) -> None:
    if found != known:
        raise RecordError(
            code,
            f"{field} is {quoted(found)}, only {known} is known",
            field=field,
            value=quoted(found),
            advice="export the ECG with the device's usual settings",
        )


def _sample_count(waves: Element, fs: float) -> int:
    duration = number(attribute_of(waves, "durationperchannel"), "durationperchannel")
    exact = duration * fs / 1000
    if exact == round(exact) and 0 < exact <= _MAX_SAMPLES:
        return round(exact)
    raise wrong_length(
        f"{duration:g} ms at {fs:g} Hz are {exact:g} samples, not 1 to {_MAX_SAMPLES}",
        field="durationperchannel",
        value=duration,
    )


def _meta(root: Element) -> dict[str, str | float]:
    """Return age in years and sex where they are stated and plausible, nothing else.

    `defaultage` is the device's assumption, not the patient's age.
    """
    patient = root.find(f"{NS}patient/{NS}generalpatientdata")
    if patient is None:
        return {}
    ages = patient.find(f"{NS}age")
    stated = (
        [(unit, text_of(ages, NS + unit, default="")) for unit in _AGE_UNITS]
        if ages is not None
        else []
    )
    unit, age = next(((unit, age) for unit, age in stated if age), ("years", ""))
    sex = text_of(patient, f"{NS}sex", default="")
    return age_and_sex(whole(age), unit, sex)
