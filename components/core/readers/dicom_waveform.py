"""DICOM waveforms: 12-Lead, General and Ambulatory ECG Waveform Storage (PS3.3, section A.34).

The rhythm strip is the one original multiplex group; averaged beats are told apart by label and
originality. Leads are known by their MDC or SCP-ECG codes (PS3.16, CID 3001) or by name.
"""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, quoted
from components.core.readers.dicom_dataset import Channel, Group, WaveformFile, parse
from components.core.readers.dicom_leads import ecg_rows
from components.core.readers.person import age_and_sex
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.signal import Signal
from components.core.signals.units import check_fs, check_lsb, millivolts_per

NAME = "dicom_waveform"

# A Part 10 file: 128 bytes of anything, then these four.
_MARK, _MARK_AT = b"DICM", 128
# A data set without them begins with group 2 or 8: tag, then a value representation or, without
# one, a length under 64 KB.
_BARE = re.compile(
    rb"(?:\x02\x00[\x00-\x03\x10\x12]\x00|\x08\x00[\x00\x05\x08\x12-\x14\x16\x18\x20]\x00)"
    rb"(?:UL|OB|UI|CS|DA|TM|..\x00\x00)",
    re.DOTALL,
)
_SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.2": "general ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.3": "ambulatory ECG",
}
# Bits and sample interpretation → type (PS3.3, C.10.9.1.5); companded and wider ones are refused.
_TYPES = {(8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "<i2", (16, "US"): "<u2"}
# What devices call an averaged beat, and what they call the strip it comes from.
_BEAT = re.compile(r"median|average|mean|representative|template|beat", re.IGNORECASE)
_RHYTHM = re.compile(r"rhythm", re.IGNORECASE)
# Stored values of 16 unsigned bits, moved by this to fit signed ones without loss.
_MIDDLE = 2**15
_AGE = re.compile(r"(\d{3})([DWMY])")
_AGE_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the file is DICOM, with its preamble or, to be refused by `read`, without."""
    return _has_preamble(head) or _BARE.match(head) is not None


def _has_preamble(head: bytes) -> bool:
    return head[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK


def read(raw: RawFile, declared: Declared) -> Signal:  # noqa: ARG001  (the file says it all)
    """Return the ECG leads of the rhythm strip with their own gains, in mV.

    A count's value is count · sensitivity · correction + baseline; an absent correction is 1, an
    absent baseline 0 (PS3.3, C.10.9.1.4). Channels whose code certainly names another lead than
    the twelve (V7, X, −aVR) are left out.

    Raises:
        RecordError: `no_dicom_preamble`, `unreadable_dicom`, `unsupported_transfer_syntax`,
            `wrong_sop_class`, `no_rhythm_waveform`, `several_rhythm_waveforms`,
            `unsupported_sample_size`, `length_mismatch`, `absurd_fs`, `skewed_channels`,
            `contradictory_lead`, `modified_lead`, `unknown_lead`, `duplicate_lead`,
            `no_ecg_leads`, `missing_gain`, `unknown_unit`.
    """
    if not _has_preamble(raw.head(_MARK_AT + len(_MARK))):
        raise RecordError(
            "no_dicom_preamble",
            "the file is no DICOM file with 128 bytes of preamble and the mark 'DICM'",
            field="preamble",
            advice="export it as a DICOM Part 10 file",
        )
    file = parse(raw.data())
    group = _rhythm(_checked_groups(file))
    fs = check_fs(group.fs)
    counts, shift, no_value = _counts(group)
    kept = ecg_rows(group)
    leads = tuple(kept)
    channels = [group.definitions[row] for row in kept.values()]
    lsb = np.array([_lsb(each, lead) for lead, each in zip(leads, channels, strict=True)])
    baseline = np.array([each.baseline * millivolts_per(each.unit) for each in channels])
    with np.errstate(over="ignore", invalid="ignore"):  # absurd numbers: check_signal refuses them
        offset = baseline + lsb * shift
    return Signal(
        values=np.ascontiguousarray(counts[:, list(kept.values())].T),
        fs=fs,
        leads=leads,
        unit="mV",
        lsb=lsb,
        offset=offset,
        meta=_meta(file),
        no_value=no_value,
    )


def _checked_groups(file: WaveformFile) -> tuple[Group, ...]:
    if file.sop_class not in _SOP_CLASSES:
        raise RecordError(
            "wrong_sop_class",
            f"the DICOM file is no {', '.join(_SOP_CLASSES.values())} waveform",
            field="SOPClassUID",
            value=quoted(file.sop_class),
            advice="export the ECG as 12-Lead ECG Waveform Storage",
        )
    return file.groups


def _rhythm(groups: tuple[Group, ...]) -> Group:
    """Return the one group that is neither derived nor an averaged beat."""
    found = [
        each
        for each in groups
        if each.originality.upper() != "DERIVED" and not _BEAT.search(each.label)
    ]
    if len(found) > 1:
        found = [each for each in found if _RHYTHM.search(each.label)] or found
    if len(found) == 1:
        return found[0]
    sizes = ", ".join(f"{each.channels} x {each.samples}" for each in groups)
    raise RecordError(
        "several_rhythm_waveforms" if found else "no_rhythm_waveform",
        f"{len(found)} of {len(groups)} multiplex groups could be the rhythm strip where one is "
        "expected",
        field="MultiplexGroupLabel",
        value=sizes,
        advice="export the ECG with one original group that holds all leads at once",
    )


def _counts(group: Group) -> tuple[npt.NDArray[np.int16], int, int | None]:
    """Return counts `[samples, channels]`, what was taken off them, and the count of no value.

    The stated shape is compared with the data's length before anything is made of it.
    """
    code = _TYPES.get((group.bits, group.interpretation))
    if code is None:
        raise RecordError(
            "unsupported_sample_size",
            "the samples are not linear integers of 8 or 16 bits",
            field="WaveformSampleInterpretation",
            value=f"{group.bits} {group.interpretation}",
            advice="export the ECG with 16-bit signed samples",
        )
    dtype, total = np.dtype(code), group.samples * group.channels
    needed, found = total * dtype.itemsize, len(group.data)
    # An odd number of bytes is padded to an even one (PS3.5, 7.1.1).
    is_whole = min(group.samples, group.channels) > 0 and found == needed + needed % 2
    if not is_whole or len(group.definitions) != group.channels:
        raise RecordError(
            "length_mismatch",
            f"{group.samples} samples of {group.channels} channels take {needed} bytes, the group "
            f"has {found} and {len(group.definitions)} channel definitions",
            field="NumberOfWaveformSamples",
            value=group.samples,
            advice="export the ECG again",
        )
    stored = np.frombuffer(group.data, dtype, total).reshape(group.samples, group.channels)
    shift = _MIDDLE if code == "<u2" else 0
    counts = (stored.astype(np.int32) - shift).astype(np.int16) if shift else stored
    padding = _padding(group, dtype)
    no_value = None if padding is None else padding - shift
    return counts.astype(np.int16, copy=False), shift, no_value


def _padding(group: Group, dtype: np.dtype[np.generic]) -> int | None:
    """Return the stored value of no sample; a single byte may be padded to an even length."""
    if not group.padding:
        return None
    if len(group.padding) not in (dtype.itemsize, 2):
        raise RecordError(
            "bad_padding_value",
            "the padding value is not one sample",
            field="WaveformPaddingValue",
            value=len(group.padding),
            advice="export the ECG again",
        )
    return int(np.frombuffer(group.padding, dtype, 1)[0])


def _lsb(channel: Channel, lead: str) -> float:
    """Return mV per count."""
    if not channel.unit or math.isnan(channel.sensitivity):
        raise RecordError(
            "missing_gain",
            f"lead {lead} has no sensitivity with a unit, so its amplitude is unknown",
            field="ChannelSensitivity",
            value=lead,
            advice="export calibrated samples",
        )
    factor = millivolts_per(channel.unit, field="ChannelSensitivityUnitsSequence")
    lsb = channel.sensitivity * channel.correction * factor
    check_lsb(lsb, lead)
    return lsb


def _meta(file: WaveformFile) -> dict[str, str | float]:
    age = _AGE.fullmatch(file.age)
    return age_and_sex(float(age[1]) if age else None, _AGE_UNITS[age[2]] if age else "", file.sex)
