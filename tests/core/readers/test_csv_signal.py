"""CSV waveforms: counts stay counts, what is undeclared or malformed is named."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal
from components.core.signals.leads import LEADS8

DECLARED = Declared(fs=500, unit="uV")


def _read(content: bytes, declared: Declared = DECLARED):
    return read_signal(MemoryFile("ecg.csv", content), declared, format="csv")


@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_integers_stay_counts(ecg, csv_bytes, sep) -> None:
    counts = ecg(samples=60)
    signal = _read(csv_bytes(counts, sep=sep))
    assert signal.values.dtype == np.int16
    np.testing.assert_array_equal(signal.values, counts)
    np.testing.assert_allclose(signal.physical(), counts / 1000, rtol=1e-6)


def test_floats_are_float32_in_millivolts(ecg, csv_bytes) -> None:
    values = ecg(samples=60) / 8
    signal = _read(csv_bytes(values), Declared(fs=500, unit="V"))
    assert signal.values.dtype == np.float32
    np.testing.assert_allclose(signal.physical(), values * 1000, rtol=1e-6)


def test_integers_beyond_16_bit_are_floats(csv_bytes) -> None:
    values = np.full((8, 3), 40000)
    assert _read(csv_bytes(values)).values.dtype == np.float32


def test_the_header_may_be_quoted_have_a_time_column_and_any_line_end() -> None:
    text = '"time","Lead I","II"\r\n0,1,2\r\n0.002,3,4\r\n'
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"),
                    text.replace("\r\n", "\n").encode(), b"\r\n" + text.encode()):  # fmt: skip
        signal = read_signal(MemoryFile("x", content), DECLARED)
        assert signal.leads == ("I", "II")
        assert signal.values.tolist() == [[1, 3], [2, 4]]


def test_standardised_values_keep_their_unit(csv_bytes, ecg) -> None:
    signal = _read(csv_bytes(ecg(samples=5) / 7), Declared(fs=250, unit="z"))
    assert (signal.unit, signal.fs) == ("z", 250)


def test_an_empty_cell_is_no_value() -> None:
    signal = _read(b"I,II\n1,2\n,3\n")
    assert np.isnan(signal.physical()).tolist() == [[False, True], [False, False]]


def test_a_declared_order_must_be_the_headers(csv_bytes, ecg) -> None:
    content = csv_bytes(ecg(samples=5))
    assert _read(content, Declared(fs=500, unit="uV", leads=LEADS8)).leads == LEADS8
    with pytest.raises(RecordError, match=r"declared are II, I, .*the first line has I, II"):
        _read(content, Declared(fs=500, unit="uV", leads=("II", "I", *LEADS8[2:])))


@pytest.mark.parametrize(
    ("content", "code", "match"),
    [
        (b"I,II\n1,2\n3\n", "unreadable_csv", "not all numbers, one per column"),
        (b"I,II\n1,Quintanilla\n", "unreadable_csv", "not all numbers"),
        (b"I,II\n1,true\n", "unreadable_csv", "not all numbers"),
        (b"I;II\n0,5;0,7\n", "decimal_comma", "have a decimal comma; .*declare decimal=','"),
        (b"I,II\n", "empty_signal", "no row follows the names"),
        (b"I,I\n1,2\n", "duplicate_lead", "more than once: I"),
        (b"I,Quality\n1,2\n", "unknown_lead", "names found: I, text of 7 ch"),
        (b"time,t\n1,2\n", "no_ecg_leads", "names no ECG lead"),
        (b'"' + b"I" * 200_000 + b"\n1\n", "no_ecg_leads", "names no ECG lead"),
        (b"I," * 200_000 + b"\n1\n", "no_ecg_leads", "names no ECG lead"),
        (b"", "unknown_lead|no_ecg_leads", "no ECG lead"),
        (b"I,II\n1,2\n\xff\xff", "unreadable_csv|not_text", "."),
        (b"\xffI,II\n1,2\n", "not_text", "not utf-8 text; save it as UTF-8"),
    ],
)
def test_what_is_wrong_is_named(content, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(content)
    assert caught.value.code in code.split("|")
    assert "Quintanilla" not in f"{caught.value} {caught.value.value}"


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        (Declared(unit="mV"), "cannot say its sampling rate; declare it .* fs=500"),
        (Declared(fs=500), "cannot say its unit; declare it .* unit=mV"),
        (Declared(fs=500, unit="parsec"), "not a voltage known here"),
        (Declared(fs=0, unit="mV"), "sampling rate 0 Hz is outside"),
    ],
)
def test_rate_and_unit_must_be_declared(declared, match) -> None:
    with pytest.raises(RecordError, match=match):
        _read(b"I,II\n1,2\n", declared)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_decimal_comma_is_read_where_it_is_declared(end, encoding) -> None:
    declared = Declared(fs=500, unit="mV", decimal=",")
    content = f"time;I;II{end}0;0,5;-1,25{end}0,002;1e-1;3{end}".encode(encoding)
    signal = read_signal(MemoryFile("a.csv", content), declared)
    np.testing.assert_array_equal(signal.physical(), np.float32([[0.5, 0.1], [-1.25, 3]]))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"I,II\n0,5\n", "a decimal comma is declared, but commas separate the columns"),
        (b"I;II\n0.5;0.7\n", "not all numbers.*write one number with a decimal ','"),
    ],
)
def test_a_declared_decimal_comma_must_fit_the_file(content, match) -> None:
    with pytest.raises(RecordError, match=match):
        _read(content, Declared(fs=500, unit="mV", decimal=","))


@pytest.mark.parametrize(
    ("content", "decimal"),
    [
        (b"1,2\n3,4\n", "."),
        (b"\n-1e0\t+2.\r\n3\t4\r\n", "."),
        ("1;2\n3;4".encode("utf-8-sig"), ","),
        (b"1,0;2,0\n3,0;4,0\n", ","),
    ],
)
def test_leads_may_be_declared_where_the_first_line_holds_numbers(content, decimal) -> None:
    declared = Declared(fs=500, unit="uV", leads=("Lead II", "v1"), decimal=decimal)
    signal = read_signal(MemoryFile("a.csv", content), declared)
    assert signal.leads == ("II", "V1")
    assert np.abs(signal.values).tolist() == [[1, 3], [2, 4]]


def test_without_names_every_column_must_be_declared() -> None:
    with pytest.raises(RecordError, match="first line holds numbers cannot say its leads; declare"):
        _read(b"1,2\n3,4\n")
    with pytest.raises(RecordError, match="2 leads are declared, the file has 3 columns") as caught:
        _read(b"0,1,2\n", Declared(fs=500, unit="uV", leads=("I", "II")))
    assert caught.value.code == "lead_count_mismatch"


@pytest.mark.parametrize(
    "content", [b"1,2\n3,4,5\n", b"I" + b",1" * 300 + b"\n", b"1\n2\n", b"1,x\n2,3\n"]
)
def test_other_text_is_not_taken_for_a_csv_without_names(content) -> None:
    with pytest.raises(RecordError, match="no reader recognises the file"):
        _read_unknown(content)


def _read_unknown(content: bytes):
    return read_signal(MemoryFile("a.csv", content), DECLARED)


def test_a_million_lines_are_read() -> None:
    content = b"I,II\n" + b"1,2\n" * 10**6
    assert _read(content).samples == 10**6


def test_a_huge_file_is_refused_before_parsing(monkeypatch) -> None:
    monkeypatch.setattr("components.core.readers.csv_signal._MAX_BYTES", 5)
    with pytest.raises(RecordError, match="the CSV has 9 bytes"):
        _read(b"I,II\n1,2\n")
