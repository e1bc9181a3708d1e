"""XLI, the compression of waveforms in Philips Sierra XML.

One chunk per channel: 8 bytes of header (length of the payload int32, a code int16, the first
second difference int16, all little-endian), then LZW with codes of 10 bits, most significant bit
first. The LZW output holds all high bytes, then all low bytes of 16-bit words: the first two
samples, and from then on the second differences of the samples, 64 too large and one late.

The layout is that of the format's openly documented readers (sierra-ecg-tools), told anew.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError
from components.core.readers.xml_fields import wrong_length

_HEADER = struct.Struct("<ihh")
# The only code seen in any file; another may mean another packing.
_CODE = 1
_BITS = 10
# The last code of 10 bits ends the stream; dictionary entries begin after the 256 single bytes.
_END = 2**_BITS - 1
_FIRST = 256
# Added to every second difference but the one in the header.
_BIAS = 64
# Philips' DXL algorithm works on 16 channels; those without a lead hold a calibration pulse alone.
MAX_CHANNELS = 16
_INT16 = np.iinfo(np.int16)
_FIELD = "parsedwaveforms"


def decode_channels(data: bytes, *, channels: int, samples: int) -> npt.NDArray[np.int32]:
    """Return the first `channels` channels `[channels, samples]` of XLI-compressed `data`.

    Nothing larger than the output, a dictionary of 768 strings and the input is allocated.

    Args:
        data: chunks one after another, `channels` to `MAX_CHANNELS` of them.
        channels: how many are wanted.
        samples: of each channel; every one of them must hold exactly so many.

    Raises:
        RecordError: `truncated_waveform`, `unsupported_compression`, `bad_compression`,
            `length_mismatch`.
    """
    chunks = _chunks(data)
    if len(chunks) < channels:
        raise wrong_length(
            f"the waveform has {len(chunks)} channels for {channels} leads",
            field=_FIELD,
            value=len(chunks),
        )
    out = np.empty((channels, samples), np.int32)
    for row in range(channels):
        first, payload = chunks[row]
        out[row] = _samples(_inflate(payload, 2 * samples, row), first, row)
    return out


def _chunks(data: bytes) -> list[tuple[int, bytes]]:
    """Return the first second difference and the payload of each chunk."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        if len(found) == MAX_CHANNELS:
            raise _bad(f"the waveform has more than {MAX_CHANNELS} channels", len(found))
        size, code, first = _header(data, at)
        at += _HEADER.size
        if not 0 < size <= len(data) - at:
            raise RecordError(
                "truncated_waveform",
                f"channel {len(found) + 1} states {size} bytes, {len(data) - at} follow",
                field=_FIELD,
                value=size,
                advice="export the file again",
            )
        if code != _CODE:
            raise RecordError(
                "unsupported_compression",
                f"channel {len(found) + 1} is packed with code {code}, only {_CODE} is known",
                field=_FIELD,
                value=code,
                advice="export the file uncompressed in another format",
            )
        found.append((first, data[at : at + size]))
        at += size
    return found


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    if len(data) - at < _HEADER.size:
        raise _bad("bytes that are no channel follow the last one", len(data) - at)
    return _HEADER.unpack_from(data, at)


def _inflate(payload: bytes, size: int, row: int) -> bytes:
    """Return exactly `size` bytes of LZW output; refuses as soon as there are more."""
    table: list[bytes] = [bytes((each,)) for each in range(_FIRST)]
    parts: list[bytes] = []
    total = 0
    previous = b""
    for code in _codes(payload):
        if code == _END:
            break
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise _bad(f"channel {row + 1} holds a code that is not defined yet", code)
        if previous and len(table) < _END:
            table.append(previous + entry[:1])
        parts.append(entry)
        total += len(entry)
        if total > size:
            break
        previous = entry
    if total != size:
        found = "more" if total > size else f"{total / 2:g}"
        raise wrong_length(
            f"channel {row + 1} should hold {size // 2} samples, has {found}",
            field=_FIELD,
            value=size // 2,
        )
    return b"".join(parts)


def _codes(payload: bytes) -> list[int]:
    """Return the 10-bit codes; bits left over at the end are filling."""
    bits = np.unpackbits(np.frombuffer(payload, np.uint8))
    whole = bits[: bits.size // _BITS * _BITS].reshape(-1, _BITS)
    return (whole @ (1 << np.arange(_BITS - 1, -1, -1))).tolist()


def _samples(data: bytes, first: int, row: int) -> npt.NDArray[np.int64]:
    """Return the samples: two as they are, the rest summed up twice from second differences."""
    halves = np.frombuffer(data, np.uint8).reshape(2, -1).astype(np.uint16)
    words = (halves[0] << 8 | halves[1]).view(np.int16).astype(np.int64)
    out = words.copy()
    if out.size > 2:
        second = np.concatenate(([first], words[2:-1] - _BIAS))
        # x[n] = 2 x[n-1] - x[n-2] - second[n]
        steps = out[1] - out[0] - np.cumsum(second)
        out[2:] = out[1] + np.cumsum(steps)
    if out.size and (out.min() < _INT16.min or out.max() > _INT16.max):
        raise _bad(f"the samples of channel {row + 1} run out of 16 bits", row + 1)
    return out


def _bad(reason: str, value: object) -> RecordError:
    return RecordError(
        "bad_compression", reason, field=_FIELD, value=value, advice="export the file again"
    )
