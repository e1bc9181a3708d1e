"""The text header of a WFDB record (`.hea`): record line, signal lines, age and sex.

Follows the header description of the WFDB Applications Guide (header(5)): a missing unit is mV, a
missing baseline is the ADC zero, a missing ADC zero is 0. Where that guide would assume a rate
(250 Hz) or a gain (200 per mV) the record is refused instead: such a record is uncalibrated.
Comments are patient facts: only age and sex leave this file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from components.core.errors import RecordError, quoted
from components.core.readers.decoding import decode
from components.core.readers.person import age_and_sex

# A header with 256 signals and pages of comments has 50 kB.
MAX_HEADER_BYTES = 1_000_000
MAX_SIGNALS = 256

# A file of the same folder: no separator, no leading dot or dash ("-" is standard input).
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")
RECORD_LINE = re.compile(
    r"(?P<name>\S+?)(?:/(?P<segments>\d{1,9}))?[ \t]+(?P<signals>\d{1,9})"
    r"(?:[ \t]+(?P<fs>[-+.\deE]+)(?:/\S*)?(?:[ \t]+(?P<samples>\d{1,15})(?:[ \t].*)?)?)?[ \t]*"
)
FORMAT = re.compile(
    r"(?P<format>\d{1,4})(?:x(?P<frame>\d{1,6}))?(?::(?P<skew>\d{1,6}))?(?:\+(?P<at>\d{1,15}))?"
)
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d{1,12})\))?(?:/(?P<unit>\S*))?")
_FACT = re.compile(r"#\s*<?(age|sex)>?\s*:\s*([A-Za-z]+|\d{1,3}(?:\.\d+)?)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SignalLine:
    """One signal: where its samples lie and what a count means.

    Attributes:
        file: name of the signal file.
        format: storage format, e.g. `16`.
        frame: samples of this signal per frame of the record.
        skew: samples by which the signal is delayed in the file.
        at: bytes before the first sample.
        gain: counts per unit; NaN where the header has none.
        baseline: count at physical zero.
        unit: physical unit, `mV` where the header has none.
        checksum: 16-bit sum of the counts; None where the header has none.
        name: description, by custom the lead.
    """

    file: str
    format: str
    frame: int
    skew: int
    at: int
    gain: float
    baseline: int
    unit: str
    checksum: int | None
    name: str


@dataclass(frozen=True, kw_only=True)
class Header:
    """A record's header.

    Attributes:
        fs: frames per second.
        samples: frames; None where the header leaves it to the file's size.
        signals: the signal lines of a single-segment record.
        segments: record names of a multi-segment record, in order.
        meta: age and sex.
    """

    fs: float
    samples: int | None
    signals: tuple[SignalLine, ...]
    segments: tuple[str, ...] = ()
    meta: dict[str, str | float] = field(default_factory=dict[str, str | float])


def content_lines(text: str) -> Iterator[str]:
    """Yield the lines that are neither blank nor comments."""
    stripped = (line.strip() for line in text.splitlines())
    return (line for line in stripped if line and not line.startswith("#"))


def parse_header(data: bytes) -> Header:
    """Return the header in `data`.

    Raises:
        RecordError: `header_too_large`, `not_text`, `bad_header`, `missing_fs`.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise RecordError(
            "header_too_large",
            f"the header has {len(data)} bytes, more than {MAX_HEADER_BYTES}",
            field="header",
        )
    # Older headers write the micro sign in Latin-1.
    text = decode(data, otherwise="latin-1")
    lines = list(content_lines(text))
    record = RECORD_LINE.fullmatch(lines[0]) if lines else None
    if record is None:
        raise bad_header("the record line is not 'name signals fs samples'", "record line")
    count = int(record["signals"])
    segmented = record["segments"] is not None
    expected = int(record["segments"]) if segmented else count
    if not 1 <= count <= MAX_SIGNALS or not 1 <= expected <= MAX_HEADER_BYTES:
        raise bad_header(f"the record line states {count} signals", "signals")
    if len(lines) - 1 < expected:
        raise bad_header(f"{expected} lines should follow, {len(lines) - 1} do", "signals")
    rest = lines[1 : 1 + expected]
    return Header(
        fs=_rate(record["fs"]),
        samples=int(record["samples"]) or None if record["samples"] else None,
        signals=() if segmented else tuple(_signal(line) for line in rest),
        segments=tuple(_file_or_none(line.split()[0]) for line in rest) if segmented else (),
        meta=_meta(text),
    )


def bad_header(reason: str, where: str, value: object = "") -> RecordError:
    """Return the error for a header that breaks its own format."""
    return RecordError(
        "bad_header",
        f"the WFDB header is wrong: {reason}",
        field=where,
        value=value,
        advice="correct the .hea file",
    )


def check_sum(line: SignalLine, found: int) -> None:
    """Compare the sum of a signal's counts with the header's, modulo 2^16.

    Raises:
        RecordError: `checksum_mismatch`.
    """
    if line.checksum is None or (found - line.checksum) % 2**16 == 0:
        return
    raise RecordError(
        "checksum_mismatch",
        f"the samples of {quoted(line.name)} do not give the header's checksum",
        field="checksum",
        value=f"{found % 2**16} instead of {line.checksum % 2**16}",
        advice="fetch the record again: file or header is damaged",
    )


def _rate(text: str | None) -> float:
    if text is None:
        raise RecordError(
            "missing_fs",
            "the WFDB header states no sampling rate",
            field="fs",
            advice="write the rate into the record line",
        )
    return number(text, "fs")


def number(text: str, where: str) -> float:
    """Return a finite number.

    Raises:
        RecordError: `bad_header`.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_header(f"{where} is not a number", where, quoted(text))
    return value


def file_name(name: str) -> str:
    """Return `name` if it can only be a file beside the header.

    Raises:
        RecordError: `bad_file_name`.
    """
    if FILE_NAME.fullmatch(name):
        return name
    raise RecordError(
        "bad_file_name",
        "the header names a file that is not simply one beside it",
        field="file",
        value=quoted(name),
        advice="put header and signal files into one folder and name them plainly",
    )


def _file_or_none(name: str) -> str:
    """Return a file name, or `~`, the format's sign for "nothing stored"."""
    return name if name == "~" else file_name(name)


def _signal(line: str) -> SignalLine:
    parts = line.split(None, 8)
    stored = FORMAT.fullmatch(parts[1]) if len(parts) > 1 else None
    if stored is None:
        raise bad_header("a signal line does not start with file and format", "format")
    parts += [""] * (9 - len(parts))
    scale = _GAIN.fullmatch(parts[2])
    if parts[2] and scale is None:
        raise bad_header("a gain is not 'counts(baseline)/unit'", "gain", quoted(parts[2]))
    zero = _integer(parts[4], "ADC zero") or 0
    baseline = scale["baseline"] if scale else None
    return SignalLine(
        file=_file_or_none(parts[0]),
        format=stored["format"],
        frame=int(stored["frame"] or 1),
        skew=int(stored["skew"] or 0),
        at=int(stored["at"] or 0),
        gain=number(scale["gain"], "gain") if scale else math.nan,
        baseline=zero if baseline is None else int(baseline),
        unit=(scale["unit"] if scale else None) or "mV",
        checksum=_integer(parts[6], "checksum"),
        name=parts[8].strip(),
    )


def _integer(text: str, where: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,12}", text):
        raise bad_header(f"{where} is not an integer", where, quoted(text))
    return int(text)


def _meta(text: str) -> dict[str, str | float]:
    meta: dict[str, str | float] = {}
    for line in text.splitlines():
        fact = _FACT.fullmatch(line.strip()) if line.startswith("#") else None
        if fact is None:
            continue
        key, value = fact[1].lower(), fact[2].lower()
        age = float(value) if key == "age" and value[0].isdigit() else None
        meta |= age_and_sex(age, "years", value if key == "sex" else "")
    return meta
