"""Whether a WAV file is whole: the length that its header states against what is there.

libsndfile reads what there is and says nothing. Layout: IBM and Microsoft, Multimedia Programming
Interface 1.0 (1991), chapter 2; RF64: EBU Tech 3306 (2009).
"""

from __future__ import annotations

import struct

from components.core.errors import RecordError

# What stands for "not known" in a header of 32 bits, of RF64 and of a stream.
_UNKNOWN = 0xFFFFFFFF
_HEAD = 12  # form, size, "WAVE"
_CHUNK = 8  # name, size
_ORDER = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}


def check_whole(data: bytes) -> None:
    """Refuse a WAV file that ends before the samples that its header states.

    A file of another form, or without a chunk of samples, passes: whoever reads it refuses it.

    Raises:
        RecordError: `truncated_sound`, `unknown_length`.
    """
    order = _ORDER.get(data[:4])
    if order is None or data[8:_HEAD] != b"WAVE":
        return
    place, long_size = _HEAD, None
    while place + _CHUNK <= len(data):
        name = data[place : place + 4]
        size = _number(data, order + "I", place + 4)
        if name == b"data":
            stated = long_size if size == _UNKNOWN else size
            _check(stated, len(data) - place - _CHUNK)
            return
        if name == b"ds64" and place + 24 <= len(data):
            long_size = _number(data, "<Q", place + 16)
        place += _CHUNK + size + size % 2  # chunks begin at even places


def _number(data: bytes, layout: str, place: int) -> int:
    return int(struct.unpack_from(layout, data, place)[0])


def _check(stated: int | None, there: int) -> None:
    if stated is None:
        raise unknown_length()
    if stated > there:
        raise RecordError(
            "truncated_sound",
            f"the header states {stated:,} bytes of samples, the file holds {there:,}",
            field="pcg_audio",
            value=str(there),
            advice="copy or export it again",
        )


def unknown_length() -> RecordError:
    """Return the error for a sound that was written as a stream, whose end cannot be told."""
    return RecordError(
        "unknown_length",
        "the header does not say how long the sound is, so that its end may be missing",
        field="pcg_audio",
        advice="export it to a file, not through a pipe",
    )
