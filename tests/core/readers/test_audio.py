"""Sounds of every depth, and files that are none or are cut short."""

from __future__ import annotations

import contextlib
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import RecordError
from components.core.readers.audio import Sound, read_audio
from components.core.readers.rawfile import DiskFile, MemoryFile
from components.core.readers.riff import check_whole
from tests.core.readers.sound_files import (
    CHANNELS_AT,
    FS,
    LENGTH_AT,
    RATE_AT,
    changed,
    encoded,
    tone,
)

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PLAIN = encoded(tone())
# The 36 bits of a FLAC file's count of samples end here.
FLAC_COUNT = 21


def read(content: bytes) -> Sound:
    return read_audio(MemoryFile("x", content))


def refused(content: bytes, code: str, sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence) as caught:
        read(content)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("coding", "error"),
    [("PCM_U8", 1 / 128), ("PCM_24", 2e-7), ("PCM_32", 1e-7), ("FLOAT", 1e-7), ("DOUBLE", 1e-7),
     ("ULAW", 0.02), ("ALAW", 0.02)],
)  # fmt: skip
def test_depths(coding: str, error: float) -> None:
    found = read(encoded(tone(), coding=coding))
    assert (found.fs, found.lsb, found.values.dtype) == (FS, 1.0, np.float32)
    assert np.abs(found.scaled() - tone()).max() <= error


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "FLAC"])
def test_sixteen_bits_of_one_channel_stay_counts(form: str) -> None:
    counts = np.rint(32767 * tone()).astype(np.int16)
    found = read(encoded(counts, form=form, coding="PCM_16"))
    assert found.values.dtype == np.int16
    assert found.lsb == 1 / 32768
    np.testing.assert_array_equal(found.values, counts)
    assert np.abs(found.scaled() - tone()).max() <= 2 / 32768


def test_channels_are_averaged() -> None:
    both = np.stack([tone(fs=44_100), np.zeros(22_050)], axis=1)
    for form in ("WAV", "FLAC"):
        found = read(encoded(both, 44_100, form))
        assert (found.fs, found.values.shape, found.lsb) == (44_100, (22_050,), 1.0)
        assert np.abs(found.values - tone(fs=44_100) / 2).max() <= 1 / 32768


def test_other_chunks_do_not_matter() -> None:
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    before = PLAIN[:36] + odd + PLAIN[36:]
    for content in (PLAIN + odd, before, PLAIN + bytes(999)):
        np.testing.assert_array_equal(read(content).values, read(PLAIN).values)
    refused(before[:-10], "truncated_sound", "states 4,000 bytes of samples, the file holds 3,990")


def test_big_endian_files() -> None:
    turned = np.frombuffer(PLAIN[44:], "<i2").astype(">i2").tobytes()
    fields = struct.pack(">IHHIIHH", 16, 1, 1, FS, 2 * FS, 2, 16)
    content = (
        b"RIFX" + struct.pack(">I", 36 + len(turned)) + b"WAVEfmt " + fields + b"data"
        + struct.pack(">I", len(turned)) + turned
    )  # fmt: skip
    np.testing.assert_array_equal(read(content).values, read(PLAIN).values)
    refused(content[:-10], "truncated_sound", "states 4,000 bytes of samples, the file holds 3,990")


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("lost", [1, 1500])
def test_a_wav_cut_short_is_refused(form: str, lost: int) -> None:
    content = encoded(tone(), form=form, coding="PCM_24")
    refused(content[:-lost], "truncated_sound", f"the file holds {6000 - lost:,}; copy or export")


def test_a_header_that_states_more_than_is_there() -> None:
    more = changed(PLAIN, LENGTH_AT, struct.pack("<I", 2**31 - 1))
    refused(more, "truncated_sound", "the header states 2,147,483,647 bytes of samples")
    refused(PLAIN[:44], "truncated_sound", "the file holds 0")


def test_streams_of_unknown_length() -> None:
    endless = changed(PLAIN, LENGTH_AT, b"\xff" * 4)
    refused(endless, "unknown_length", "does not say how long the sound is")
    flac = encoded(tone(), form="FLAC")
    first = bytes([flac[FLAC_COUNT] & 0xF0])
    refused(changed(flac, FLAC_COUNT, first + bytes(4)), "unknown_length", "through a pipe")


def test_a_flac_cut_short_or_damaged() -> None:
    flac = encoded(tone(4), form="FLAC")
    refused(flac[: len(flac) // 2], "not_a_sound", "no WAV or FLAC sound that can be read")
    refused(flac[:-5], "not_a_sound", "lost sync")
    turned = bytes([flac[len(flac) // 2] ^ 16])
    refused(changed(flac, len(flac) // 2, turned), "not_a_sound", "export it as WAV")


def test_nothing_in_it() -> None:
    refused(b"", "empty_file", "the file is empty")
    refused(encoded(tone()[:0]), "empty_sound", "the file holds no sample")


@pytest.mark.parametrize("content", [b"RIFF", PLAIN[:20], PLAIN[:40], b"a,b\n" * 50, bytes(500)])
def test_what_is_no_sound(content: bytes) -> None:
    with pytest.raises(RecordError, match="no WAV or FLAC sound that can be read") as caught:
        read(content)
    assert caught.value.code == "not_a_sound"
    assert "0x" not in caught.value.reason  # the same sentence each time


@pytest.mark.parametrize("form", ["OGG", "MP3", "AIFF", "AU", "W64"])
def test_other_forms_are_refused(form: str) -> None:
    content = encoded(tone(fs=8000), 8000, form)
    refused(content, "not_a_sound", f"the file is {form}, not plain WAV or FLAC")


@pytest.mark.parametrize("coding", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_packed_codings_are_refused(coding: str) -> None:
    refused(encoded(tone(), coding=coding), "not_a_sound", f"WAV of coding {coding}, not plain")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_number(value: float) -> None:
    values = tone()
    values[7] = value
    refused(encoded(values, coding="DOUBLE"), "non_finite", "samples that are no number")


@pytest.mark.parametrize("fs", [100, 499, 400_001, 2_000_000])
def test_absurd_rates(fs: int) -> None:
    content = changed(PLAIN, RATE_AT, struct.pack("<I", fs))
    refused(content, "bad_rate", f"the rate is {fs} Hz; from 500 to 400,000 Hz are read")


def test_absurd_counts() -> None:
    flac = encoded(tone(), form="FLAC")
    first = bytes([flac[FLAC_COUNT] | 0x0F])
    many = changed(flac, FLAC_COUNT, first + b"\xff" * 4)
    refused(many, "sound_too_long", "68,719,476,735 values, more than 120,000,000; cut it to a")
    crowd = changed(PLAIN, CHANNELS_AT, struct.pack("<H", 1000))
    refused(crowd, "too_many_channels", "1000 channels; at most 8 are averaged")


def test_a_length_is_asked_of_wav_alone() -> None:
    check_whole(b"fLaC" + bytes(50))
    check_whole(b"RIFF" + bytes(4) + b"AVI " + PLAIN[36:44])
    check_whole(b"RIFF" + bytes(4) + b"WAVE" + b"fmt " + struct.pack("<I", 16) + bytes(16))
    with pytest.raises(RecordError, match="does not say how long"):
        check_whole(b"RF64" + b"\xff" * 4 + b"WAVE" + b"data" + b"\xff" * 4)


SEEDS = [
    PLAIN, encoded(tone(), coding="PCM_24"), encoded(tone(), coding="FLOAT"),
    encoded(tone(), form="FLAC"), encoded(np.stack([tone()] * 2, axis=1), form="FLAC"),
    encoded(tone(), form="RF64"),
]  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 90), st.binary(max_size=4)), max_size=4),
    st.floats(0, 1),
)
def test_damage_is_refused_or_read(
    content: bytes, edits: list[tuple[int, bytes]], kept: float
) -> None:
    for at, new in edits:
        content = changed(content, at, new)
    with contextlib.suppress(RecordError):  # any other error is a fault
        found = read(content[: round(2 * kept * len(content))])
        assert found.values.ndim == 1
        assert 0 < len(found.values) <= 8 * len(content)
        assert np.isfinite(found.scaled()).all()


@pytest.mark.real_data
def test_published_sounds_and_how_long_they_are() -> None:
    folder = DATA / "pcg" / "circor"
    if not folder.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    files = sorted(folder.glob("*.wav"))
    assert len(files) == 192
    for file in files:
        found = read_audio(DiskFile(file, DATA))
        with wave.open(str(file)) as other:  # the standard library's own reader
            assert len(found.values) == other.getnframes()
            counts = np.frombuffer(other.readframes(other.getnframes()), "<i2")
        assert (found.fs, found.values.dtype) == (4000, np.int16)
        np.testing.assert_array_equal(found.values, counts)
        assert 4 < len(found.values) / found.fs < 66
