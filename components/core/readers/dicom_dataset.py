"""The part of a DICOM file that a waveform needs, taken out of pydicom's data set as plain facts.

Only the waveform sequence, age and sex are parsed: names, ids, dates, physicians and annotations
are skipped by their tags. Attributes follow PS3.3, section C.10.9 (Waveform Module).
"""

from __future__ import annotations

import importlib
import io
import logging
import math
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from components.core.errors import RecordError, quoted

# Implicit and Explicit VR Little Endian (PS3.5, section 10). The rest is deflated, which could
# unpack without bound, big-endian, which is retired, or made for compressed pixels.
_PLAIN_SYNTAXES = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
# The file meta information: group 2, after preamble and mark, always explicit little-endian.
_META_AT, _META_GROUP, _SYNTAX = 132, 2, 0x00020010
_TAGS = ["SOPClassUID", "PatientAge", "PatientSex", "WaveformSequence"]
# A multiplex group has at most 13 channels in a 12-lead file, 24 in a general one (PS3.3, A.34).
MAX_CHANNELS = 256
MAX_GROUPS = 64


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel of a multiplex group.

    Attributes:
        scheme: coding scheme of `code`, e.g. MDC or SCPECG.
        code: what the channel records, in that scheme.
        names: the code's meaning and the channel's own label, where there are any.
        is_modified: whether source modifiers change what the code says.
        sensitivity: units per count; NaN where samples are not calibrated.
        correction: multiplier of the sensitivity.
        unit: code of the sensitivity's unit.
        baseline: value of count 0 in that unit.
        skew: samples by which the channel is late in its group.
    """

    scheme: str
    code: str
    names: tuple[str, ...]
    is_modified: bool
    sensitivity: float
    correction: float
    unit: str
    baseline: float
    skew: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """One multiplex group: channels sampled together.

    Attributes:
        label: the device's own name for the group.
        originality: ORIGINAL or DERIVED.
        fs: sampling rate in Hz; NaN where it is missing.
        samples: stated samples per channel.
        channels: stated number of channels.
        bits: allocated bits per sample.
        interpretation: SB, UB, SS, US and others.
        padding: the stored value that means "no sample here", in bytes; empty without one.
        data: the samples, channels interleaved.
        definitions: the channels.
    """

    label: str
    originality: str
    fs: float
    samples: int
    channels: int
    bits: int
    interpretation: str
    padding: bytes
    data: bytes
    definitions: tuple[Channel, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class WaveformFile:
    """What is taken from a file: its kind, age and sex as stated, and the multiplex groups."""

    sop_class: str
    age: str
    sex: str
    groups: tuple[Group, ...]


@cache
def _pydicom() -> Any:  # noqa: ANN401  (imported on first use: it takes a third of a second)
    module = importlib.import_module("pydicom")
    # It logs what it warns of, and quotes the values: a hospital's log must not get them.
    logging.getLogger("pydicom").disabled = True
    return module


@contextmanager
def _guarded() -> Generator[None]:
    """Turn whatever pydicom raises into a `RecordError`, and silence its warnings.

    Both quote the values that they complain of.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RecordError:
        raise
    except Exception as error:  # noqa: BLE001  (a damaged file can raise anything in there)
        raise unreadable(type(error).__name__) from None


def unreadable(reason: str) -> RecordError:
    """Return the error for a file that breaks its own format."""
    return RecordError(
        "unreadable_dicom",
        f"the DICOM file cannot be read: {reason}",
        field="file",
        advice="export the ECG again",
    )


def parse(data: bytes) -> WaveformFile:
    """Return the waveform facts of the Part 10 file `data`.

    Raises:
        RecordError: `unsupported_transfer_syntax`, `unreadable_dicom`.
    """
    with _guarded():
        stream = io.BytesIO(data)
        _check_syntax(stream)
        found = _pydicom().dcmread(stream, specific_tags=_TAGS)
        items = _items(found, "WaveformSequence")
        if len(items) > MAX_GROUPS:
            raise unreadable(f"it has {len(items)} multiplex groups")
        return WaveformFile(
            sop_class=_text(found, "SOPClassUID"),
            age=_text(found, "PatientAge"),
            sex=_text(found, "PatientSex"),
            groups=tuple(_group(each) for each in items),
        )


def _check_syntax(stream: io.BytesIO) -> None:
    """Refuse a syntax that is not plain before pydicom unpacks it."""
    stream.seek(_META_AT)
    elements = _pydicom().filereader.data_element_generator(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, *_: tag.group != _META_GROUP,
    )
    found = b"".join(each.value for each in elements if each.tag == _SYNTAX)
    syntax = found.decode("latin-1").strip(" \0")
    stream.seek(0)
    if syntax not in _PLAIN_SYNTAXES:
        raise RecordError(
            "unsupported_transfer_syntax",
            "the DICOM file is not stored as plain little-endian values",
            field="TransferSyntaxUID",
            value=quoted(syntax),
            advice="export it as Explicit VR Little Endian",
        )


def _text(item: Any, keyword: str) -> str:  # noqa: ANN401  (pydicom's data set)
    value = item.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def _float(item: Any, keyword: str, default: float) -> float:  # noqa: ANN401  (as above)
    value = item.get(keyword)
    return default if value is None else float(value)


def _items(item: Any, keyword: str) -> list[Any]:  # noqa: ANN401  (as above)
    return list(item.get(keyword) or ())


def _first(item: Any, keyword: str) -> Any:  # noqa: ANN401  (as above)
    """Return a code sequence's only item, or an empty data set."""
    items = _items(item, keyword)
    if len(items) > 1:
        raise unreadable(f"{keyword} has {len(items)} items where one is allowed")
    return items[0] if items else _pydicom().Dataset()


def _bytes(item: Any, keyword: str) -> bytes:  # noqa: ANN401  (as above)
    value = item.get(keyword)
    if value is None:
        return b""
    if not isinstance(value, bytes):
        raise unreadable(f"{keyword} is not stored as bytes")
    return value


def _group(item: Any) -> Group:  # noqa: ANN401  (as above)
    definitions = _items(item, "ChannelDefinitionSequence")
    if len(definitions) > MAX_CHANNELS:
        raise unreadable(f"a multiplex group has {len(definitions)} channels")
    return Group(
        label=_text(item, "MultiplexGroupLabel"),
        originality=_text(item, "WaveformOriginality"),
        fs=_float(item, "SamplingFrequency", math.nan),
        samples=int(_float(item, "NumberOfWaveformSamples", 0)),
        channels=int(_float(item, "NumberOfWaveformChannels", 0)),
        bits=int(_float(item, "WaveformBitsAllocated", 0)),
        interpretation=_text(item, "WaveformSampleInterpretation"),
        padding=_bytes(item, "WaveformPaddingValue"),
        data=_bytes(item, "WaveformData"),
        definitions=tuple(_channel(each) for each in definitions),
    )


def _channel(item: Any) -> Channel:  # noqa: ANN401  (as above)
    source = _first(item, "ChannelSourceSequence")
    names = (_text(source, "CodeMeaning"), _text(item, "ChannelLabel"))
    return Channel(
        scheme=_text(source, "CodingSchemeDesignator"),
        code=_text(source, "CodeValue"),
        names=tuple(name for name in names if name),
        is_modified=bool(_items(item, "ChannelSourceModifiersSequence")),
        sensitivity=_float(item, "ChannelSensitivity", math.nan),
        correction=_float(item, "ChannelSensitivityCorrectionFactor", 1.0),
        unit=_text(_first(item, "ChannelSensitivityUnitsSequence"), "CodeValue"),
        baseline=_float(item, "ChannelBaseline", 0.0),
        skew=_float(item, "ChannelSampleSkew", 0.0),
    )
