"""WFDB records against the wfdb package, and every way a header can be wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from components.core.errors import RecordError, StorageError
from components.core.readers import wfdb_package
from components.core.readers.rawfile import DiskFile, MemoryFile
from components.core.readers.registry import read_signal
from components.core.readers.wfdb_package import package
from components.core.signals.leads import LEADS8, LEADS12

wfdb = package()


def _write(
    folder: Path, counts: np.ndarray, leads: Sequence[str], fmt: str = "16", **over: object
) -> DiskFile:
    """Write with the wfdb package itself, so that writer and reader are not the same hand."""
    n = len(leads)
    settings: dict = {
        "fs": 500,
        "units": ["mV"] * n,
        "sig_name": list(leads),
        "d_signal": counts.T.astype(np.int64),
        "fmt": [fmt] * n,
        "adc_gain": [200.0] * n,
        "baseline": [0] * n,
        **over,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the writer uses a pandas call that pandas 3.1 deprecates
        wfdb.wrsamp("rec", write_dir=str(folder), **settings)
    return DiskFile(folder / "rec.hea", folder)


def _expected(raw: DiskFile) -> np.ndarray:
    return wfdb.rdrecord(str(raw.path.with_suffix(""))).p_signal.T


@pytest.mark.parametrize("samples", [500, 501])
@pytest.mark.parametrize("leads", [LEADS12, LEADS8, ("II",), ("I", "II", "V1")])
@pytest.mark.parametrize("fmt", ["16", "212"])
def test_own_formats_equal_the_package(tmp_path, ecg, fmt, leads, samples) -> None:
    counts = np.clip(ecg(len(leads), samples), -2000, 2000)
    raw = _write(tmp_path, counts, leads, fmt, baseline=list(range(len(leads))))
    signal = read_signal(raw)
    np.testing.assert_array_equal(signal.values, counts)
    np.testing.assert_allclose(signal.physical(), _expected(raw), atol=1e-6)
    assert (signal.leads, signal.fs, signal.values.dtype) == (tuple(leads), 500.0, np.int16)


@pytest.mark.parametrize("fmt", ["24", "32", "80", "508", "516", "524"])
def test_other_formats_go_to_the_package(tmp_path, ecg, fmt) -> None:
    counts = np.clip(ecg(3, 300), -120 if fmt == "80" else -500, 120 if fmt == "80" else 500)
    raw = _write(tmp_path, counts, ("I", "II", "V1"), fmt)
    signal = read_signal(raw)
    assert signal.values.dtype == np.float32
    np.testing.assert_allclose(signal.physical(), counts / 200, atol=1e-6)


def _offset_binary(
    counts: np.ndarray, *, checksum: int | None = None, skew: str = ""
) -> MemoryFile:
    total = int(counts.sum()) if checksum is None else checksum
    header = f"r 1 500 {counts.size}\nr.dat 160{skew} 200(3)/mV 16 0 0 {total} 0 II\n"
    return MemoryFile("r.hea", header.encode(), {"r.dat": (counts + 2**15).astype("<u2").tobytes()})


def test_a_format_of_the_package_is_checked_too() -> None:
    counts = np.array([5, -7, 100, -(2**15), 9])
    signal = read_signal(_offset_binary(counts))
    expected = np.where(counts == -(2**15), np.nan, (counts - 3) / 200)
    np.testing.assert_allclose(signal.physical()[0], expected, atol=1e-6)
    with pytest.raises(RecordError, match="samples of II do not give the header's checksum"):
        read_signal(_offset_binary(counts, checksum=1))


def test_a_skewed_signal_is_realigned() -> None:
    counts = np.arange(10)
    found = read_signal(_offset_binary(counts, skew=":2")).physical()[0]
    np.testing.assert_allclose(found[:8], (counts[2:] - 3) / 200, atol=1e-6)
    assert np.isnan(found[8:]).all()


@pytest.mark.parametrize(("fmt", "code"), [("16", -(2**15)), ("212", -(2**11))])
def test_the_invalid_code_is_no_value(tmp_path, ecg, fmt, code) -> None:
    counts = np.clip(ecg(2, 100), -2000, 2000)
    counts[1, 7] = code
    signal = read_signal(_write(tmp_path, counts, ("I", "II"), fmt))
    assert np.argwhere(np.isnan(signal.physical())).tolist() == [[1, 7]]


@pytest.mark.parametrize(
    ("unit", "scale"), [("mV", 1.0), ("mv", 1.0), ("uV", 1e-3), ("µV", 1e-3), ("V", 1e3)]
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_units_come_to_millivolts(ecg, unit, scale, encoding) -> None:
    counts = ecg(1, 50)
    gain = 5000 * scale
    header = f"r 1 500 50\nr.dat 16 {gain}(3)/{unit} 16 0 0 {counts.sum()} 0 II\n"
    raw = MemoryFile("r.hea", header.encode(encoding), {"r.dat": counts.T.tobytes()})
    np.testing.assert_allclose(read_signal(raw).physical(), (counts - 3) / 5000, atol=1e-7)


@pytest.mark.parametrize(
    "first", ["r 8 500 500", "r 8 500/1000 500", "r 8 500/1000(0) 500 12:00:00 01/02/2003",
              "r\t8  500.0 500", "r 8 500"],
)  # fmt: skip
def test_forms_of_the_record_line(ecg, wfdb_record, first) -> None:
    signal = read_signal(wfdb_record(ecg(), first=first))
    assert (signal.fs, signal.samples) == (500.0, 500)


def test_crlf_bom_and_blank_lines(ecg, wfdb_record) -> None:
    raw = wfdb_record(ecg(), end="\r\n")
    marked = MemoryFile("r.hea", b"\xef\xbb\xbf# note\r\n\r\n" + raw.content, raw.siblings)
    assert read_signal(marked).leads == LEADS8
    wide = MemoryFile("r.hea", raw.content.decode().encode("utf-16"), raw.siblings)
    assert read_signal(wide).leads == LEADS8


def test_baseline_rules(ecg) -> None:
    counts = ecg(2, 50)
    header = "r 2 500 50\nr.dat 16 200 11 1024 0 {} 0 I\nr.dat 16 200(5) 11 1024 0 {} 0 II\n"
    sums = [int(row.sum(dtype=np.int16)) for row in counts]
    raw = MemoryFile("r.hea", header.format(*sums).encode(), {"r.dat": counts.T.tobytes()})
    expected = (counts - np.array([[1024], [5]])) / 200
    np.testing.assert_allclose(read_signal(raw).physical(), expected, atol=1e-6)


def test_age_and_sex_and_no_other_comment(ecg, wfdb_record) -> None:
    assert read_signal(wfdb_record(ecg())).meta == {"age": 59.0, "sex": "female"}
    other = "#<age>: 51\n#<sex>: F\n# Age: 200\n# Sex: Quintanilla\n"
    assert read_signal(wfdb_record(ecg(), comments=other)).meta == {"age": 51.0, "sex": "female"}
    assert read_signal(wfdb_record(ecg(), comments="# Age: NaN\n#Sex: ?\n")).meta == {}


def test_signals_that_are_no_ecg_are_left_out(tmp_path, ecg) -> None:
    leads = ("II", "PLETH", "vx", "V5")
    raw = _write(tmp_path, ecg(4, 100), leads, units=["mV", "NU", "mV", "mV"])
    signal = read_signal(raw)
    assert signal.leads == ("II", "V5")
    np.testing.assert_array_equal(signal.values, ecg(4, 100)[[0, 3]])


def test_several_files_and_offsets(ecg) -> None:
    counts = ecg(3, 60)
    sums = [int(row.sum(dtype=np.int16)) for row in counts]
    header = (
        "r 3 500 60\n"
        f"a.dat 16+24 200/mV 16 0 0 {sums[0]} 0 I\n"
        f"a.dat 16+24 200/mV 16 0 0 {sums[1]} 0 II\n"
        f"b.dat 16 200/mV 16 0 0 {sums[2]} 0 V1\n"
    )
    files = {"a.dat": bytes(24) + counts[:2].T.tobytes(), "b.dat": counts[2:].T.tobytes()}
    signal = read_signal(MemoryFile("r.hea", header.encode(), files))
    np.testing.assert_array_equal(signal.values, counts)


def test_multi_segment_records(tmp_path, ecg) -> None:
    parts = [ecg(2, 100, seed) for seed in (0, 1)]
    for index, part in enumerate(parts):
        _write(tmp_path, part, ("I", "II"))
        for end in ("hea", "dat"):
            old = tmp_path / f"rec.{end}"
            text = old.read_bytes()
            name = f"seg{index}"
            old.unlink()
            (tmp_path / f"{name}.{end}").write_bytes(text.replace(b"rec", name.encode()))
    (tmp_path / "all.hea").write_text("all/2 2 500 200\nseg0 100\nseg1 100\n# Age: 40\n")
    signal = read_signal(DiskFile(tmp_path / "all.hea", tmp_path))
    np.testing.assert_allclose(signal.physical(), np.hstack(parts) / 200, atol=1e-6)
    assert signal.meta == {"age": 40.0}
    (tmp_path / "all.hea").write_text("all/2 2 500 200\nall 100\nseg1 100\n")
    with pytest.raises(RecordError, match="segments have segments or frames"):
        read_signal(DiskFile(tmp_path / "all.hea", tmp_path))


def _layout(ecg) -> MemoryFile:
    """Two signals in a variable layout: a stored part, then a gap."""
    counts = ecg(2, 100)
    sums = [int(row.sum(dtype=np.int16)) for row in counts]
    line = "{} 16 200/mV 16 0 0 {} 0 {}\n"
    layout = "lay 2 500 0\n" + line.format("~", 0, "I") + line.format("~", 0, "II")
    part = (
        "s 2 500 100\n" + line.format("s.dat", sums[0], "I") + line.format("s.dat", sums[1], "II")
    )
    return MemoryFile(
        "all.hea",
        b"all/3 2 500 150\nlay 0\ns 100\n~ 50\n",
        {"lay.hea": layout.encode(), "s.hea": part.encode(), "s.dat": counts.T.tobytes()},
    )


def test_a_gap_between_segments_has_no_value(ecg) -> None:
    physical = read_signal(_layout(ecg)).physical()
    np.testing.assert_allclose(physical[:, :100], ecg(2, 100) / 200, atol=1e-6)
    assert np.isnan(physical[:, 100:]).all()


def test_segments_and_samples_are_bounded(ecg, monkeypatch) -> None:
    raw = _layout(ecg)
    monkeypatch.setattr(wfdb_package, "_MAX_SAMPLES", 100)
    with pytest.raises(RecordError, match=r"s\.dat holds 200 samples"):
        read_signal(raw)
    monkeypatch.setattr(wfdb_package, "_MAX_SEGMENTS", 1)
    with pytest.raises(RecordError, match="2 segments, not 1 to 1"):
        read_signal(raw)


def test_a_temporary_folder_that_cannot_be_written_is_a_storage_fault(ecg, monkeypatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wfdb_package.tempfile, "TemporaryDirectory", full)
    with pytest.raises(StorageError, match=r"No space left on device\); free disk space"):
        read_signal(_layout(ecg))


def _lines(*, gain="200(0)/mV", fmt="16", file="r.dat", name="I") -> list[str]:
    return [f"{file} {fmt} {gain} 16 0 0 0 0 {name}"]


@pytest.mark.parametrize(
    ("over", "code", "match"),
    [
        ({"first": "r 1 0 100"}, "absurd_fs", "sampling rate 0 Hz"),
        ({"first": "r 1 5e9 100"}, "absurd_fs", "outside"),
        ({"first": "r 1"}, "missing_fs", "states no sampling rate"),
        ({"first": "r 1 nan.e 100"}, "bad_header", "record line is not"),
        ({"first": "r 1 1e1e1 100"}, "bad_header", "fs is not a number"),
        ({"first": "r 0 500 100"}, "bad_header", "states 0 signals"),
        ({"first": "r 999 500 100"}, "bad_header", "states 999 signals"),
        ({"first": "r 3 500 100"}, "bad_header", "3 lines should follow, 1 do"),
        ({"first": "r 1 500 101"}, "length_mismatch", "take 202 bytes, r.dat has 200"),
        ({"first": "r 1 500 999999999999999"}, "length_mismatch", "r.dat has 200"),
        ({"data": b"\0"}, "length_mismatch", "r.dat has 1"),
        ({"first": "r 1 500", "data": b""}, "length_mismatch", "holds no whole frame"),
        ({"lines": _lines(gain="0")}, "missing_gain", "lead I has no positive gain"),
        ({"lines": _lines(gain="-5/mV")}, "missing_gain", "no positive gain"),
        ({"lines": ["r.dat 16"]}, "unknown_lead", "'' is not one of"),
        (
            {"lines": _lines(gain="1e-9/mV"), "data": bytes(200)},
            "absurd_gain",
            "one count of lead I",
        ),
        ({"lines": _lines(gain="abc")}, "bad_header", "a gain is not"),
        ({"lines": _lines(fmt="x")}, "bad_header", "does not start with file and format"),
        ({"lines": ["r.dat 16 200 q 0.5"]}, "bad_header", "ADC zero is not an integer"),
        ({"lines": _lines(gain="200/NU")}, "unknown_unit", "not a voltage known here"),
        ({"lines": _lines(name="V")}, "unknown_lead", "'V' is not one of .* names found: V"),
        ({"lines": _lines(name="PLETH")}, "no_ecg_leads", "holds no ECG lead"),
        ({"lines": _lines(file="../x.dat")}, "bad_file_name", "not simply one beside it"),
        ({"lines": _lines(file="-")}, "bad_file_name", "not simply one beside it"),
        ({"lines": _lines(file="no.dat")}, "missing_file", "did not come with it"),
        ({"lines": _lines(fmt="999")}, "unsupported_format", "stored in format 999"),
        ({"lines": _lines(fmt="24")}, "length_mismatch", "states 100 samples in r.dat"),
        ({"lines": _lines(fmt="508")}, "unreadable_wfdb", "package cannot read the record"),
        ({"lines": _lines(fmt="80+5000")}, "length_mismatch", "which has 200 bytes"),
    ],
)
def test_what_is_wrong_is_named(ecg, wfdb_record, over, code, match) -> None:
    raw = wfdb_record(ecg(1, 100), ("I",), **over)
    with pytest.raises(RecordError, match=match) as caught:
        read_signal(raw, format="wfdb")
    assert caught.value.code == code


def test_a_changed_sample_breaks_the_checksum(ecg, wfdb_record) -> None:
    raw = wfdb_record(ecg())
    data = bytearray(raw.siblings["r.dat"])
    data[16] ^= 1
    with pytest.raises(RecordError, match="samples of I do not give the header's checksum"):
        read_signal(MemoryFile("r.hea", raw.content, {"r.dat": bytes(data)}))


def test_a_longer_file_is_told_from_a_wrong_count_by_the_sums(ecg, wfdb_record) -> None:
    counts = ecg(1, 100)
    padded = counts.T.tobytes() + bytes(6)
    assert read_signal(wfdb_record(counts, ("I",), data=padded)).samples == 100
    with pytest.raises(RecordError, match="do not give the header's checksum"):
        read_signal(wfdb_record(counts, ("I",), first="r 1 500 90"))


def test_one_files_signals_belong_together(ecg, wfdb_record) -> None:
    counts = ecg(3, 100)
    split = ["r.dat 16 200 16 0 0 0 0 I", "s.dat 16 200 16 0 0 0 0 II",
             "r.dat 16 200 16 0 0 0 0 V1"]  # fmt: skip
    raw = wfdb_record(np.zeros_like(counts), LEADS8[:3], lines=split)
    siblings = {"r.dat": bytes(200), "s.dat": bytes(200)}
    with pytest.raises(RecordError, match="not on consecutive lines"):
        read_signal(MemoryFile("r.hea", raw.content, siblings))
    mixed = ["r.dat 16 200 16 0 0 0 0 I", "r.dat 212 200 16 0 0 0 0 II"]
    with pytest.raises(RecordError, match="differ in format or offset"):
        read_signal(wfdb_record(counts[:2], LEADS8[:2], lines=mixed))


def test_files_of_different_length_are_refused() -> None:
    header = "r 2 500\na.dat 16 200 16 0 0 0 0 I\nb.dat 16 200 16 0 0 0 0 II\n"
    raw = MemoryFile("r.hea", header.encode(), {"a.dat": bytes(200), "b.dat": bytes(100)})
    with pytest.raises(RecordError, match="the signal files differ in length"):
        read_signal(raw)


def test_duplicate_leads_and_large_headers_are_refused(ecg, wfdb_record) -> None:
    with pytest.raises(RecordError, match="more than once: II"):
        read_signal(wfdb_record(ecg(2), ("II", "MLII")))
    with pytest.raises(RecordError, match=r"header has .* bytes, more than 1000000"):
        read_signal(wfdb_record(ecg(), comments="# x\n" * 10**6))


def test_frames_of_several_samples_keep_every_sample(tmp_path, ecg) -> None:
    counts = ecg(2, 400)
    frames = counts.reshape(2, 100, 4).transpose(1, 0, 2).reshape(-1)
    lines = [
        f"r.dat 16x4 200/mV 16 0 0 {int(row.sum(dtype=np.int16))} 0 {name}\n"
        for row, name in zip(counts, ("I", "II"), strict=True)
    ]
    header = "r 2 125 100\n" + "".join(lines)
    signal = read_signal(MemoryFile("r.hea", header.encode(), {"r.dat": frames.tobytes()}))
    assert signal.fs == 500.0
    np.testing.assert_allclose(signal.physical(), counts / 200, atol=1e-6)
    mixed = "r 2 125 100\nr.dat 16x4 200 16 0 0 0 0 I\nr.dat 16x2 200 16 0 0 0 0 II\n"
    with pytest.raises(RecordError, match="different sampling rates"):
        read_signal(MemoryFile("r.hea", mixed.encode(), {"r.dat": bytes(1200)}))


def test_the_package_never_sees_the_comments(monkeypatch, tmp_path, ecg) -> None:
    seen: list[str] = []
    original = wfdb.rdrecord

    def spy(name: str, **options: object):
        folder = Path(name).parent
        seen.append((folder / "record.hea").read_text())
        seen.append(str(folder))
        return original(name, **options)

    raw = _write(tmp_path, ecg(1, 50), ("I",), "24", comments=["Name: Quintanilla"])
    monkeypatch.setattr(wfdb, "rdrecord", spy)
    read_signal(raw)
    assert "Quintanilla" not in seen[0]
    assert not Path(seen[1]).exists()


def test_an_absurd_gain_is_refused_in_every_format(ecg, wfdb_record) -> None:
    for fmt in ("16", "16:3"):
        lines = [f"r.dat {fmt} 1e-300(0)/mV 16 0 0 0 0 I"]
        counts = np.zeros((1, 100), np.int16)
        with pytest.raises(RecordError, match="one count of lead I would be") as caught:
            read_signal(wfdb_record(counts, ("I",), lines=lines))
        assert caught.value.code == "absurd_gain"


def test_a_segments_absurd_gain_leaves_no_number(ecg, wfdb_record) -> None:
    counts = ecg(1, 100)
    small = f"r.dat 16 1e-300(0)/mV 16 0 0 {int(counts.sum(dtype=np.int16))} 0 I"
    first, second = (wfdb_record(counts, ("I",), lines=lines) for lines in ([small], None))
    files = {"a.hea": first.content, "b.hea": second.content, **second.siblings}
    raw = MemoryFile("all.hea", b"all/2 1 500 200\na 100\nb 100\n", files)
    values = read_signal(raw).values
    assert np.isinf(values[0, :100][counts[0] != 0]).all()
    assert np.isfinite(values[0, 100:]).all()
