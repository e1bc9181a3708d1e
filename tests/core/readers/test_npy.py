"""`.npy` recordings: declared, bounded by the file's size, never unpickled."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal
from components.core.signals.leads import LEADS8

DECLARED = Declared(fs=500, unit="uV", leads=LEADS8)


def _npy(array: np.ndarray, **kwargs) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asanyarray(array), **kwargs)
    return out.getvalue()


def _read(content: bytes, declared: Declared = DECLARED, **kwargs):
    return read_signal(MemoryFile("a.bin", content), declared, **kwargs)


def _header(text: str, version: tuple[int, int] = (1, 0), tail: bytes = b"") -> bytes:
    size = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + size + text.encode() + tail


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", "<f8"])
def test_both_orientations_and_memory_orders(ecg, version, order, is_turned, dtype) -> None:
    counts = ecg(samples=61)
    array = np.array(counts.T if is_turned else counts, dtype, order=order)
    signal = _read(_npy(array, version=version))
    np.testing.assert_array_equal(signal.values, counts)
    np.testing.assert_allclose(signal.physical(), counts / 1000, rtol=1e-6)
    assert (signal.leads, signal.fs, signal.unit) == (LEADS8, 500, "mV")


def test_a_header_of_python_2_is_read_without_a_warning(ecg) -> None:
    counts = ecg(samples=5)
    text = "{'descr': '<i2', 'fortran_order': False, 'shape': (8L, 5L), }".ljust(117) + "\n"
    np.testing.assert_array_equal(_read(_header(text, tail=counts.tobytes())).values, counts)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("the pickle was run",))


@pytest.mark.parametrize(
    ("content", "code", "match"),
    [
        (_npy(np.zeros((8, 5), complex)), "unsupported_dtype", "real numbers of at most 64 bits"),
        (_npy(np.zeros((8, 5), bool)), "unsupported_dtype", "save the signal as int16 or float32"),
        (_npy(np.zeros((8, 5), "M8[s]")), "unsupported_dtype", "does not hold real numbers"),
        (_npy(np.zeros((8, 5), "U3")), "unsupported_dtype", "does not hold real numbers"),
        (_npy(np.zeros((8, 5), "i2,i2")), "unsupported_dtype", "does not hold real numbers"),
        (_npy(np.zeros((8, 5), np.longdouble)), "unsupported_dtype", "at most 64 bits"),
        (_header("{'descr': '|O', 'fortran_order': False, 'shape': (8, 5), }",
                 tail=pickle.dumps(_Evil())), "unsupported_dtype", "does not hold real numbers"),
        (_header("{'descr': '<i2', 'fortran_order': False, 'shape': (8, 99999999999999), }"),
         "length_mismatch", "takes 1599999999999984 bytes, 0 follow it"),
        (_header("{'descr': '<i2', 'fortran_order': False, 'shape': (-8, -5), }", tail=bytes(80)),
         "length_mismatch", "the header's shape takes 80 bytes, 80 follow it"),
        (_npy(np.zeros((8, 5)))[:-1], "length_mismatch", "takes 320 bytes, 319 follow it"),
        (_npy(np.zeros((8, 5))) * 2, "length_mismatch", "320 bytes, 768 follow it; save the array"),
        (_header("x" * 20_000), "bad_npy_header", r"cannot be read \(ValueError\)"),
        (_header("{'descr': '<i2'"), "bad_npy_header", "save the array again with numpy.save"),
        (_header("{'shape': (8, 5)}"), "bad_npy_header", r"\(ValueError\)"),
        (_header("x", version=(3, 0)), "bad_npy_header", r"cannot be read \(KeyError\)"),
        (b"\x93NUMPY", "bad_npy_header", r"cannot be read \(ValueError\)"),
        (_npy(np.zeros((8, 0), np.int16)), "empty_signal", "the leads hold no sample"),
        (_npy(np.zeros((8, 5, 1))), "not_two_dimensional", "has 3 dimensions"),
        (_npy(np.zeros(())), "not_two_dimensional", "has 0 dimensions"),
        (_npy(np.zeros((8, 8))), "ambiguous_orientation", "both axes of the 8x8 array"),
        (_npy(np.zeros((12, 50))), "lead_count_mismatch", "8 leads are declared, the file has 12x"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(content, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(content)
    assert caught.value.code == code


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_is_recognised_and_refused(ecg, save) -> None:
    out = io.BytesIO()
    save(out, signals=ecg())
    with pytest.raises(RecordError, match=r"an \.npz archive of arrays, .* source=array") as caught:
        _read(out.getvalue())
    assert caught.value.code == "npz_archive"


def test_another_archive_is_no_npz() -> None:
    with pytest.raises(RecordError, match="no reader recognises the file"):
        _read(b"PK\x03\x04" + bytes(26) + b"word/document.xml")


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        (Declared(unit="uV", leads=LEADS8), "an .npy file cannot say its sampling rate; declare"),
        (Declared(fs=500, leads=LEADS8), "an .npy file cannot say its unit; declare"),
        (Declared(fs=500, unit="uV"), "an .npy file cannot say its leads; declare .*leads=I;II;V1"),
        (Declared(fs=500, unit="uV", leads=("I", "Q")), "'Q' is not one of the twelve"),
    ],
)
def test_rate_unit_and_leads_must_be_declared(ecg, declared, match) -> None:
    with pytest.raises(RecordError, match=match):
        _read(_npy(ecg()), declared)
