"""WFDB records (`.hea` with `.dat` or `.mat`).

Single-segment records in formats 16 and 212 are decoded here; every other storage format, frames
of several samples, skewed signals and multi-segment records go to the `wfdb` package.
"""

from __future__ import annotations

from itertools import groupby, islice

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError
from components.core.readers import wfdb_package
from components.core.readers.decoding import peek
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.readers.wfdb_header import (
    FORMAT,
    RECORD_LINE,
    Header,
    SignalLine,
    bad_header,
    check_sum,
    content_lines,
    parse_header,
)
from components.core.signals.leads import find, label, unknown_lead
from components.core.signals.signal import Signal
from components.core.signals.units import check_lsb, duplicate_lead, is_voltage, millivolts_per

NAME = "wfdb"

# Recorded in volts beside an ECG, yet none of the twelve leads: Frank's orthogonal leads, other
# biosignals that some devices leave uncalibrated in mV, and markers.
NOT_LEADS = frozenset(
    {"vx", "vy", "vz", "pleth", "ppg", "resp", "abp", "art", "pap", "cvp", "icp", "bp", "co2"}
    | {"spo2", "scg", "pcg", "eeg", "emg", "eog", "marker", "event", "trigger", "calibration"}
)
# The most negative 16-bit code means "no sample here" (signal(5) of the WFDB guide).
NO_VALUE = -(2**15)
_NO_VALUE_212 = -(2**11)
# Stored bits per sample of the formats decoded here.
_BITS = {"16": 16, "212": 12}

Counts = npt.NDArray[np.int16]


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the first lines are a WFDB record line and a signal or segment line."""
    lines = list(islice(content_lines(peek(head)), 2))
    if len(lines) < 2 or "\0" in lines[0]:
        return False
    record = RECORD_LINE.fullmatch(lines[0])
    if record is None:
        return False
    words = lines[1].split()
    return len(words) > 1 and (
        record["segments"] is not None or FORMAT.fullmatch(words[1]) is not None
    )


def read(raw: RawFile, declared: Declared) -> Signal:  # noqa: ARG001  (the header says it all)
    """Return the ECG leads of the record, in mV by the header's own gains.

    Signals whose unit is no voltage, or whose name is in `NOT_LEADS`, are left out; any other
    that is no standard lead is refused.

    Raises:
        RecordError: `bad_header`, `header_too_large`, `missing_fs`, `missing_gain`,
            `bad_file_name`, `missing_file`, `unknown_lead`, `duplicate_lead`, `unknown_unit`,
            `no_ecg_leads`, `absurd_gain`, `length_mismatch`, `checksum_mismatch`,
            `unreadable_wfdb`.
    """
    header = parse_header(raw.data())
    if header.segments or any(_is_foreign(line) for line in header.signals):
        return _foreign(raw, header)
    kept = ecg_rows(header.signals)
    values = _decode(raw, header, kept)
    lines = [header.signals[row] for row in kept]
    lsb = np.array([millivolts_per(line.unit) / line.gain for line in lines], np.float64)
    return Signal(
        values=values,
        fs=header.fs,
        leads=tuple(filter(None, (find(line.name) for line in lines))),
        unit="mV",
        lsb=lsb,
        offset=-lsb * np.array([line.baseline for line in lines], np.float64),
        meta=header.meta,
        no_value=NO_VALUE,
    )


def _is_foreign(line: SignalLine) -> bool:
    return line.format not in _BITS or line.frame != 1 or line.skew != 0


def _foreign(raw: RawFile, header: Header) -> Signal:
    """Return what the `wfdb` package reads, its float values in mV."""
    record = wfdb_package.read(raw, header)
    kept = ecg_rows(record.signals)
    lines = [record.signals[row] for row in kept]
    if len({line.frame for line in lines}) > 1:
        raise RecordError(
            "mixed_rates",
            "the ECG leads have different sampling rates",
            field="format",
            value=", ".join(f"{label(line.name)} x{line.frame}" for line in lines),
            advice="resample the record to one rate first",
        )
    scale = np.array([millivolts_per(line.unit) for line in lines])[:, None]
    for line, factor in zip(lines, scale[:, 0], strict=True):
        check_lsb(float(factor) / line.gain, str(find(line.name)))
    values = np.stack([record.values[row] for row in kept]) * scale
    # An earlier segment's own gain may leave float32: infinity masks the lead.
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return Signal(
        values=narrow,
        fs=header.fs * lines[0].frame,
        leads=tuple(filter(None, (find(line.name) for line in lines))),
        unit="mV",
        lsb=np.ones(len(kept)),
        offset=np.zeros(len(kept)),
        meta=header.meta,
    )


def ecg_rows(lines: tuple[SignalLine, ...]) -> list[int]:
    """Return the rows that are ECG leads, after checking that each other row certainly is none.

    Raises:
        RecordError: `unknown_lead`, `unknown_unit`, `missing_gain`, `duplicate_lead`,
            `no_ecg_leads`.
    """
    names = [line.name for line in lines]
    rows = [row for row, line in enumerate(lines) if _is_ecg(line, names)]
    leads = tuple(str(find(names[row])) for row in rows)
    if not leads:
        raise RecordError(
            "no_ecg_leads",
            "the record holds no ECG lead",
            field="leads",
            value=", ".join(map(label, names)),
            advice="leave the record out",
        )
    if len(set(leads)) != len(leads):
        raise duplicate_lead(leads)
    return rows


def _is_ecg(line: SignalLine, names: list[str]) -> bool:
    if find(line.name) is None:
        if is_voltage(line.unit) and line.name.strip().casefold() not in NOT_LEADS:
            raise unknown_lead(line.name, names)
        return False
    millivolts_per(line.unit, field=line.name)
    if not line.gain > 0:
        raise RecordError(
            "missing_gain",
            f"lead {line.name} has no positive gain, so its amplitude is unknown",
            field="gain",
            value=line.gain,
            advice="write the counts per mV into the header",
        )
    return True


def _decode(raw: RawFile, header: Header, kept: list[int]) -> Counts:
    """Return the counts `[kept, samples]` of the rows wanted, checked against their sums."""
    parts: list[Counts] = []
    seen: set[str] = set()
    first = 0
    for file, group in groupby(header.signals, key=lambda line: line.file):
        lines = tuple(group)
        rows = [row - first for row in kept if first <= row < first + len(lines)]
        first += len(lines)
        if file in seen:
            raise bad_header("the signals of one file are not on consecutive lines", "file", file)
        seen.add(file)
        if rows:
            parts.append(_decode_file(raw.sibling(file).data(), header.samples, lines, rows))
    if len({part.shape[1] for part in parts}) > 1:
        raise _wrong_length("the signal files differ in length", parts[-1].shape[1])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _decode_file(
    data: bytes, samples: int | None, lines: tuple[SignalLine, ...], rows: list[int]
) -> Counts:
    kind, at = lines[0].format, lines[0].at
    if any((line.format, line.at) != (kind, at) for line in lines):
        raise _wrong_length(f"the signals of {lines[0].file} differ in format or offset", kind)
    samples = _checked_samples(len(data) - at, samples, lines)
    total = samples * len(lines)
    stored = np.frombuffer(data, "<i2", total, at) if kind == "16" else _unpack_212(data, at, total)
    frames = stored.reshape(samples, len(lines))
    counts = np.empty((len(rows), samples), np.int16)
    for index, row in enumerate(rows):
        counts[index] = frames[:, row]
    _check_sums(counts, [lines[row] for row in rows])
    if kind == "212":
        counts[counts == _NO_VALUE_212] = NO_VALUE
    return counts


def _checked_samples(available: int, samples: int | None, lines: tuple[SignalLine, ...]) -> int:
    """Return the samples per signal, refusing a file that is shorter than stated.

    A longer one may be padded; if instead the stated count is wrong, the sums do not come out.
    """
    bits = _BITS[lines[0].format]
    if samples is None:
        samples = max(0, available) * 8 // (bits * len(lines))
    if samples == 0:
        raise _wrong_length(f"{lines[0].file} holds no whole frame of samples", available)
    needed = (samples * len(lines) * bits + 7) // 8
    if available < needed:
        raise _wrong_length(
            f"{samples} samples of {len(lines)} signals take {needed} bytes, "
            f"{lines[0].file} has {available}",
            available,
        )
    return samples


def _unpack_212(data: bytes, at: int, total: int) -> Counts:
    """Return `total` counts packed as two 12-bit numbers in three bytes."""
    pairs = (total + 1) // 2
    packed = np.zeros(pairs * 3, np.uint8)
    found = np.frombuffer(data, np.uint8, (total * 12 + 7) // 8, at)
    packed[: found.size] = found
    low, middle, high = packed.reshape(-1, 3).T.astype(np.int16)
    counts = np.empty((pairs, 2), np.int16)
    counts[:, 0] = low | ((middle & 0x0F) << 8)
    counts[:, 1] = high | ((middle & 0xF0) << 4)
    # Moving the sign bit to bit 15 and back extends it.
    return ((counts << 4) >> 4).reshape(-1)[:total]


def _check_sums(counts: Counts, lines: list[SignalLine]) -> None:
    # Adding in 16 bit wraps around just as the format's checksum does.
    sums = counts.sum(axis=1, dtype=np.int16)
    for line, found in zip(lines, sums, strict=True):
        check_sum(line, int(found))


def _wrong_length(reason: str, value: object) -> RecordError:
    return RecordError(
        "length_mismatch",
        reason,
        field="samples",
        value=value,
        advice="fetch the record again: file or header is damaged",
    )
