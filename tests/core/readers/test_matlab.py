"""MATLAB matrices of every version, one variable chosen, nothing else built."""

from __future__ import annotations

import io
import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from components.core.errors import RecordError
from components.core.readers import matlab_variables
from components.core.readers.rawfile import DiskFile, MemoryFile
from components.core.readers.registry import Declared, read_signal
from components.core.signals.leads import LEADS8, LEADS12, einthoven_residual
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig

DECLARED = Declared(fs=400, unit="uV", leads=LEADS8)


def _mat(variables: dict[str, object], **kwargs) -> bytes:
    out = io.BytesIO()
    scipy.io.savemat(out, variables, **kwargs)
    return out.getvalue()


def _mat73(build, *, user: int = 512) -> bytes:
    """A version 7.3 file; `build` fills it."""
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=user) as file:
        build(file)
    return b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + out.getvalue()[128:]


def _matrix73(file: h5py.File, name: str, values: np.ndarray, **kwargs) -> None:
    """Store as MATLAB does: columns first, with the class beside it."""
    kind = {"float64": "double", "float32": "single"}.get(values.dtype.name, values.dtype.name)
    found = file.create_dataset(name, data=np.asarray(values).T, **kwargs)
    found.attrs["MATLAB_class"] = np.bytes_(kind)


def _read(content: bytes, key: str | None = None, **kwargs):
    declared = Declared(fs=400, unit="uV", leads=LEADS8, key=key)
    return read_signal(MemoryFile("a.bin", content), declared, **kwargs)


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("dtype", ["i2", "f4", "f8"])
def test_every_version_gives_the_matrix(ecg, is_turned, compressed, version, dtype) -> None:
    counts = ecg(samples=61)
    matrix = (counts.T if is_turned else counts).astype(dtype)
    if version == "5":
        content = _mat(
            {"val": matrix, "fs": 400.0, "who": "Quintanilla"}, do_compression=compressed
        )
    else:
        filters = {"compression": "gzip", "shuffle": True, "fletcher32": True} if compressed else {}
        content = _mat73(lambda file: _matrix73(file, "val", matrix, **filters))
    signal = _read(content)
    np.testing.assert_array_equal(signal.values, counts)
    assert (signal.leads, signal.fs, signal.unit) == (LEADS8, 400, "mV")


def test_a_big_endian_file(ecg) -> None:
    counts = ecg(samples=9).astype(">i2")
    data = counts.T.tobytes()
    name = b"val".ljust(4, b"\0")
    inner = struct.pack(">IIII", 6, 8, 10, 0) + struct.pack(">IIii", 5, 8, 8, 9)
    inner += struct.pack(">HH", 3, 1) + name + struct.pack(">II", 3, len(data)) + data
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    content += struct.pack(">II", 14, len(inner)) + inner
    np.testing.assert_array_equal(_read(content).values, counts)


def test_the_declared_key_picks_one_of_several(ecg) -> None:
    first, second = ecg(seed=1), ecg(seed=2)
    for content in (
        _mat({"a": first, "b": second}),
        _mat73(lambda file: (_matrix73(file, "a", first), _matrix73(file, "b", second))),
    ):
        np.testing.assert_array_equal(_read(content, "b").values, second)
        with pytest.raises(
            RecordError, match=r"2 variables could be .*: a \(8x500 int16\), b \(8x"
        ):
            _read(content)
        with pytest.raises(
            RecordError, match=r"'c' is not one numeric matrix of the file; .*a \(8"
        ):
            _read(content, "c")


def _patched(at: int, put: bytes, values: np.ndarray | None = None) -> bytes:
    """An uncompressed file whose bytes from `at` on are others; see the layout below.

    128 tag, 136 flags (class at 144), 152 dimensions (at 160), 168 name, 176 values (at 184).
    """
    content = _mat({"val": np.ones((8, 5)) if values is None else values})
    return content[:at] + put + content[at + len(put) :]


@pytest.mark.parametrize(
    "content",
    [
        _mat({"s": {"signal": np.ones((8, 5))}}),
        _mat({"c": np.array([[np.ones(3)], ["x"]], dtype=object)}),
        _mat({"t": "a text"}),
        _mat({"l": np.ones((8, 5), bool)}),
        _mat({"p": scipy.sparse.csc_array(np.eye(8, 9))}),
        _mat({"n": np.ones((8, 5, 2))}),
        _mat({"one": 5.0}),
        _mat({"z": np.ones((8, 5), complex)}),
        _mat73(lambda file: file.create_group("s").create_dataset("signal", data=np.ones((5, 8)))),
        _mat73(lambda file: file.create_dataset("plain", data=np.ones((5, 8)))),
        _mat73(lambda file: file.create_dataset("x", data=np.ones((5, 8), complex))),
    ],
)
def test_what_is_no_numeric_matrix_is_never_the_signal(content) -> None:
    with pytest.raises(RecordError, match="0 variables could be the signal where one is expected"):
        _read(content)


@pytest.mark.parametrize(
    ("kind", "said"),
    [(3, "object"), (16, "function or object"), (17, "function or object"), (99, "function or")],
)
def test_objects_and_function_handles_are_never_the_signal(kind, said) -> None:
    with pytest.raises(RecordError, match=rf"0 variables could be .*: val \(8x5 {said}"):
        _read(_patched(144, bytes([kind])))


def test_opaque_objects_are_told_by_their_name_in_the_place_of_dimensions() -> None:
    with pytest.raises(RecordError, match=r"variables: .*\( opaque\)"):
        _read(_patched(152, struct.pack("<I", 1)))


def test_the_nameless_workspace_of_functions_is_not_the_signal() -> None:
    with pytest.raises(RecordError, match=r"variables:  \(8x5 workspace\)"):
        _read(_patched(168, struct.pack("<II", 1, 0)))


def test_dimensions_may_be_unsigned_and_values_tiny() -> None:
    declared = Declared(fs=400, unit="uV", leads=("I",))
    for values in ([[1, 2]], [[1], [2]], [[-1, 2, 3, 4]]):
        content = _patched(152, struct.pack("<I", 6), np.array(values, np.int8))
        found = read_signal(MemoryFile("a", content), declared)
        assert found.values.tolist() == [np.ravel(values).tolist()]


def test_empty_and_linked_variables_of_7_3(ecg) -> None:
    def build(file: h5py.File) -> None:
        _matrix73(file, "val", ecg())
        _matrix73(file, "none", np.ones((8, 2)))
        file["none"].attrs["MATLAB_empty"] = 1
        file["soft"] = h5py.SoftLink("/val")
        file["away"] = h5py.ExternalLink("/etc/passwd", "/")

    np.testing.assert_array_equal(_read(_mat73(build)).values, ecg())
    for key in ("none", "soft", "away"):
        with pytest.raises(RecordError, match="is not one numeric matrix"):
            _read(_mat73(build), key)


def test_matrices_that_lie_in_other_files_are_refused(tmp_path) -> None:
    away = tmp_path / "away.bin"
    away.write_bytes(bytes(8 * 5 * 8))

    def external(file: h5py.File) -> None:
        found = file.create_dataset("val", (5, 8), "f8", external=[(str(away), 0, 320)])
        found.attrs["MATLAB_class"] = np.bytes_("double")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((5, 8), "f8")
        layout[:] = h5py.VirtualSource(str(away), "x", (5, 8))
        file.create_virtual_dataset("val", layout).attrs["MATLAB_class"] = np.bytes_("double")

    for build in (external, virtual):
        with pytest.raises(RecordError, match="the matrix lies in another file; save the matrix"):
            _read(_mat73(build))


def test_only_filters_that_hdf5_brings_are_used(ecg) -> None:
    content = _mat73(lambda file: _matrix73(file, "val", ecg(), compression="lzf"))
    with pytest.raises(RecordError, match="by another filter than deflate"):
        _read(content)


def test_unpacking_is_bounded(monkeypatch) -> None:
    zeros = np.zeros((8, 40_000))
    five = _mat({"val": zeros}, do_compression=True)

    def build(file: h5py.File) -> None:
        found = file.create_dataset("val", (40_000, 8), "f8", chunks=(1000, 8))
        found.attrs["MATLAB_class"] = np.bytes_("double")

    for content in (five, _mat73(build)):
        with pytest.raises(RecordError, match=r"unpacks to .* bytes or more") as caught:
            _read(content)
        assert caught.value.code == "file_too_large"
    monkeypatch.setattr(matlab_variables, "_FREE_BYTES", 10**7)
    assert _read(five).samples == 40_000


def _compressed(body: bytes, *, cut: int = 0) -> bytes:
    packed = zlib.compress(body)
    packed = packed[: len(packed) - cut]
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    return head + struct.pack("<II", 15, len(packed)) + packed


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (_mat({"val": np.ones((8, 5))})[:-3], "it ends within a variable"),
        (_mat({"val": np.ones((8, 5))}) + b"123", "it ends within a tag"),
        (_mat({"val": np.ones((8, 5))}, do_compression=True)[:-3], "it ends within a variable"),
        (_compressed(b"x" * 30), "something else than variables|ends within a variable"),
        (_compressed(struct.pack("<II", 15, 4) + b"1234"), "something else than variables"),
        (_compressed(b"12"), "it ends within a tag"),
        (_compressed(b"")[:-1] + b"", "it ends within a variable"),
        (_compressed(b"z" * 30, cut=4), "a compressed variable ends early"),
        (_patched(140, struct.pack("<I", 0)), "it ends within|has no flags"),
        (_patched(136, struct.pack("<I", 6 | 2 << 16)), "a variable has no flags"),
        (_patched(176, struct.pack("<I", 16)), "the values' type is not numeric"),
        (_patched(160, struct.pack("<i", 9)), "another number of values than its dimensions say"),
        (_patched(160, struct.pack("<ii", -8, -5)), "another number of values"),
        (_compressed(b"y" * 30)[:140] + bytes(30), "variable is damaged|within a"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 9, 8) + bytes(8),
         "something else than variables"),
        (_mat73(lambda file: None)[:600], r"cannot be read: OSError"),
    ],
)  # fmt: skip
def test_damage_is_named(content, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(content)
    assert caught.value.code == "unreadable_matlab"


def test_a_damaged_stream_is_named() -> None:
    content = bytearray(_mat({"val": np.random.default_rng(0).normal(size=(8, 90))},
                             do_compression=True))  # fmt: skip
    content[136:140] = b"\xff\xff\xff\xff"
    with pytest.raises(RecordError, match="a compressed variable is damaged"):
        _read(bytes(content))


def test_the_signal_file_of_a_wfdb_record_goes_through_its_header() -> None:
    out = io.BytesIO()
    scipy.io.savemat(out, {"val": np.ones((12, 5000), np.int16)}, format="4")
    with pytest.raises(RecordError, match=r"a MATLAB 4 file, .* name the \.hea file") as caught:
        _read(out.getvalue())
    assert caught.value.code == "wfdb_signal_file"


@pytest.mark.parametrize(
    "content", [b"", b"MATLAB 5.0 MAT-file", bytes(200), b"\x1e\0\0\0" + bytes(40)]
)
def test_what_has_no_header_is_no_matlab_file(content) -> None:
    with pytest.raises(RecordError, match="the file has no MATLAB header; write it with"):
        _read(content, format="matlab")


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        (Declared(unit="uV", leads=LEADS8), "a MATLAB file cannot say its sampling rate"),
        (Declared(fs=500, leads=LEADS8), "a MATLAB file cannot say its unit"),
        (Declared(fs=500, unit="uV"), "a MATLAB file cannot say its leads"),
    ],
)
def test_rate_unit_and_leads_must_be_declared(ecg, declared, match) -> None:
    with pytest.raises(RecordError, match=match):
        read_signal(MemoryFile("a.mat", _mat({"val": ecg()})), declared)


@pytest.mark.real_data
def test_code_15_tracings(real_data) -> None:
    files = sorted((real_data / "wfdb_ecg/code15/org").glob("*.mat"))
    assert len(files) == 10
    for path in files:
        signal = read_signal(
            DiskFile(path, real_data), Declared(fs=400, unit="mV", leads=LEADS12, key="feats")
        )
        np.testing.assert_array_equal(signal.physical(), scipy.io.loadmat(path)["feats"])
        # They were filtered lead by lead; a wrong row would leave a tenth and more.
        assert einthoven_residual(signal) < 0.02
        assert prepare(signal, PrepareConfig()).lead_mask.all()


@pytest.mark.real_data
def test_challenge_signal_files_are_refused_by_themselves(real_data) -> None:
    for path in sorted((real_data / "wfdb_ecg/cinc2021").glob("*.mat")):
        with pytest.raises(RecordError, match=r"name the \.hea file beside it"):
            read_signal(DiskFile(path, real_data))
