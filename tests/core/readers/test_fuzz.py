"""Damaged files give a signal or a `RecordError`, never anything else."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal, readers_by_name
from components.core.readers.zipped import memory_file_from_zip
from components.core.signals.prepare import PrepareConfig, prepare, quantise
from components.core.signals.signal import Signal
from tests.core.readers.xml_files import aecg, chunk, sierra, twelve

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
DECLARED = Declared(fs=500, unit="mV", leads=("I", "II"))
TOKENS = [b"", b"\0", b"\xff\xfe", b"-1", b"0", b"1e308", b"nan", b"99999999999", b"<", b"&x;",
          b"\r", b"\n", b",", b"\x80", b"/", b"../", b"V9", b" ", b"x", b":", b"+"]  # fmt: skip
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(TOKENS) | st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)
cuts = st.floats(0.5, 1.0) | st.just(1.0)


def _mutate(content: bytes, changes, cut: float = 1.0) -> bytes:
    for place, drop, put in changes:
        at = int(place * len(content))
        content = content[:at] + put + content[at + drop :]
    return content[: int(cut * len(content))]


def _survives(raw: MemoryFile) -> None:
    for name in (None, *readers_by_name()):
        try:
            signal = read_signal(raw, DECLARED, format=name)
        except RecordError:
            continue
        assert isinstance(signal, Signal)
        assert signal.values.shape == (len(signal.leads), signal.samples)
        try:
            prepared = prepare(signal, PrepareConfig(length=64, min_duration_s=0))
        except RecordError:
            continue
        assert np.isfinite(prepared.values).all()
        counts, scale = quantise(prepared)
        error = np.abs(counts * scale[:, None] - prepared.values)
        assert (error <= scale[:, None] * 0.51).all()


@FUZZ
@given(edits, cuts)
def test_muse(ecg, muse_xml, changes, cut) -> None:
    _survives(MemoryFile("a.xml", _mutate(muse_xml(ecg(2, 40), ("I", "II")), changes, cut)))


@FUZZ
@given(edits, cuts)
def test_hl7_aecg(ecg, changes, cut) -> None:
    _survives(MemoryFile("a.xml", _mutate(aecg(ecg(2, 40), ("I", "V1")), changes, cut)))


@FUZZ
@given(edits, cuts, st.sampled_from(["UTF-8", "UTF-16"]))
def test_philips_sierra(ecg, changes, cut, encoding) -> None:
    content = sierra(twelve(ecg(8, 40)), encoding=encoding)
    _survives(MemoryFile("a.xml", _mutate(content, changes, cut)))


@FUZZ
@given(edits)
def test_xli(ecg, changes) -> None:
    data = _mutate(b"".join(map(chunk, ecg(3, 40))), changes)
    _survives(MemoryFile("a.xml", sierra(ecg(3, 40), ("V1", "V2", "V3"), data=data)))


@FUZZ
@given(edits, edits, st.sampled_from(["16", "212", "24", "80", "61", "310", "16x2", "516"]))
def test_wfdb(ecg, wfdb_record, header, data, fmt) -> None:
    raw = wfdb_record(ecg(3, 40), ("I", "II", "V1"))
    content = _mutate(raw.content.replace(b" 16 200", f" {fmt} 200".encode()), header)
    _survives(MemoryFile("r.hea", content, {"r.dat": _mutate(raw.siblings["r.dat"], data)}))


@settings(FUZZ, max_examples=60)
@given(edits, edits)
def test_segments(ecg, wfdb_record, header, segment) -> None:
    part = wfdb_record(ecg(2, 40), ("I", "II"))
    files = {"s.hea": _mutate(part.content, segment), **part.siblings}
    content = _mutate(b"all/2 2 500 80\ns 40\ns 40\n", header)
    _survives(MemoryFile("all.hea", content, files))


@FUZZ
@given(edits, cuts)
def test_csv(ecg, csv_bytes, changes, cut) -> None:
    _survives(MemoryFile("a.csv", _mutate(csv_bytes(ecg(2, 40), ("I", "II")), changes, cut)))


@FUZZ
@given(edits, cuts)
def test_dicom(ecg, dicom_bytes, changes, cut) -> None:
    _survives(MemoryFile("a.dcm", _mutate(dicom_bytes(ecg(2, 40), ("I", "II")), changes, cut)))


@FUZZ
@given(edits, cuts)
def test_npy(ecg, changes, cut) -> None:
    out = io.BytesIO()
    np.save(out, ecg(2, 40))
    _survives(MemoryFile("a.npy", _mutate(out.getvalue(), changes, cut)))


@FUZZ
@given(edits, cuts, st.sampled_from(["plain", "compressed", "7.3"]))
def test_matlab(ecg, matlab_bytes, changes, cut, kind) -> None:
    _survives(MemoryFile("a.mat", _mutate(matlab_bytes(ecg(2, 40), kind), changes, cut)))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(content) -> None:
    _survives(MemoryFile("a", content))


@FUZZ
@given(edits)
def test_zip(changes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.hea", b"a 1 500 100\n" * 5)
        archive.writestr("a.dat", bytes(300))
    try:
        raw = memory_file_from_zip(_mutate(buffer.getvalue(), changes))
    except RecordError:
        return
    assert raw.name.endswith(".hea")
