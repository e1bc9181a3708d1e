"""`array`: signals in one array, labels in a CSV, row for row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError
from components.ingest.chunks import _signal
from components.ingest.records import ArrayRef, Record, Reject
from components.ingest.sources import array

BASE: dict[str, Any] = {
    "signals": "s.npy", "fs": 250, "unit": "uV", "leads": ("I", "II"), "label": "y",
}  # fmt: skip


def write(folder: Path, table: str, values: np.ndarray | None = None) -> Path:
    (folder / "t.csv").write_text(table)
    np.save(folder / "s.npy", np.zeros((2, 2, 8), np.int16) if values is None else values)
    return folder / "t.csv"


def read(path: Path, **options: object) -> list[Record | Reject]:
    return list(array.read(path, array.Options.model_validate(BASE | options)))


def test_a_row_of_the_array_is_a_record(tmp_path: Path) -> None:
    path = write(tmp_path, "y,id,p,s,age\n1,r1,p1,train,60\n0,,p2,test,\n")
    first, second = read(
        path, record_id="id", patient_id="p", split="s", tabular={"age": "numeric"}
    )
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.record_id, first.patient_id, first.label) == ("r1", "p1", 1)
    assert (first.given_split, first.tabular) == ("train", {"age": 60.0})
    assert first.ecg == ArrayRef(
        path=tmp_path / "s.npy",
        row=0,
        declared=array.Declared(fs=250, unit="uV", leads=("I", "II")),
    )
    assert (second.record_id, second.tabular["age"]) == ("row-3", None)
    assert isinstance(second.ecg, ArrayRef)
    assert second.ecg.row == 1


def test_a_negated_label(tmp_path: Path) -> None:
    path = write(tmp_path, "y\n1\n0\n")
    labels = [item.label for item in read(path, negate=True) if isinstance(item, Record)]
    assert labels == [0, 1]


def test_an_npz_by_key(tmp_path: Path) -> None:
    path = write(tmp_path, "y\n1\n")
    np.savez(tmp_path / "s.npz", ecg=np.zeros((1, 2, 8), np.float16))
    (record,) = read(path, signals="s.npz", key="ecg")
    assert isinstance(record, Record)
    assert isinstance(record.ecg, ArrayRef)
    assert array.load_array(record.ecg.path, record.ecg.key).shape == (1, 2, 8)
    with pytest.raises(InputError, match=r"'s.npz' cannot be read: it has no array of that name"):
        read(path, signals="s.npz", key="other")


def test_wrong_rows_keep_their_place_in_the_array(tmp_path: Path) -> None:
    path = write(tmp_path, "y,id\n2,a\n1,b\n1,b\n", np.zeros((3, 2, 8), np.int16))
    wrong, good, twice = read(path, record_id="id")
    assert isinstance(wrong, Reject)
    assert (wrong.code, wrong.row, wrong.value) == ("label_not_binary", 2, "2")
    assert isinstance(good, Record)
    assert isinstance(good.ecg, ArrayRef)
    assert good.ecg.row == 1
    assert isinstance(twice, Reject)
    assert (twice.code, twice.row, twice.field) == ("duplicate_id", 4, "id")


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((2, 8), r"'s.npy' has shape \(2, 8\); \[record, 2 leads, time\] was declared"),
        ((2, 3, 8), r"'s.npy' has shape \(2, 3, 8\); \[record, 2 leads, time\]"),
        ((1, 2, 8), "'t.csv' has more rows than 's.npy' has records"),
        ((3, 2, 8), "'t.csv' has 2 rows, 's.npy' has 3 records; they must match row for row"),
    ],
)
def test_an_array_that_does_not_fit(tmp_path: Path, shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(write(tmp_path, "y\n1\n0\n", np.zeros(shape, np.int16)))


def test_an_array_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "y\n1\n0\n")
    with pytest.raises(InputError, match=r"the array 'none.npy' does not exist beside the table"):
        read(path, signals="none.npy")
    (tmp_path / "s.npy").write_bytes((tmp_path / "s.npy").read_bytes()[:-4])
    with pytest.raises(InputError, match=r"the array 's.npy' cannot be read"):
        read(path)
    # numpy's parser of headers has its own exception for an open bracket.
    head = np.lib.format.magic(1, 0) + (16).to_bytes(2, "little") + b"{'descr': (((  \n"
    (tmp_path / "s.npy").write_bytes(head)
    with pytest.raises(InputError, match=r"it is damaged or no numpy file .*; save it again"):
        read(path)


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = write(tmp_path, "y\n1\n")
    np.save(tmp_path / "s.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"cannot be read: .*Python objects"):
        read(path)


def _twins(tmp_path: Path, labels: list[str]) -> Path:
    values = np.random.default_rng(0).normal(size=(4, 2, 50)).astype(np.float32)
    values[2] = values[0]
    np.save(tmp_path / "s.npy", values)
    (tmp_path / "t.csv").write_text("quality\n" + "".join(f"{label}\n" for label in labels))
    return tmp_path / "t.csv"


TWINS = {
    "signals": "s.npy", "fs": 500, "unit": "mV", "leads": ("I", "II"), "label": "quality",
    "label_values": {"bad": 1, "good": 0}, "group_identical": True,
}  # fmt: skip


def test_records_of_identical_samples_are_one_patient(tmp_path: Path) -> None:
    path = _twins(tmp_path, ["bad", "good", "bad", "NA"])
    options = array.Options.model_validate(TWINS)
    found = [r for r in array.read(path, options) if isinstance(r, Record)]
    assert [r.patient_id for r in found] == ["same-1", "row-3", "same-1", "row-5"]
    assert [r.label for r in found] == [1, 0, 1, None]
    apart = options.model_copy(update={"group_identical": False})
    plain = [r.patient_id for r in array.read(path, apart) if isinstance(r, Record)]
    assert plain == ["row-2", "row-3", "row-4", "row-5"]


def test_identical_samples_with_different_labels_are_refused(tmp_path: Path) -> None:
    path = _twins(tmp_path, ["bad", "good", "good", "bda"])
    found = list(array.read(path, array.Options.model_validate(TWINS)))
    codes = [r.code if isinstance(r, Reject) else "ok" for r in found]
    assert codes == ["conflicting_labels", "ok", "conflicting_labels", "label_not_binary"]
    assert isinstance(found[3], Reject)
    assert found[3].advice == "did you mean 'bad'?"


def test_patients_and_groups_do_not_go_together() -> None:
    with pytest.raises(ConfigError, match="group_identical stands in for patients; leave"):
        validate(array.Options, {**TWINS, "patient_id": "p"}, "here")


def test_counts_are_scaled_by_what_one_of_them_is(tmp_path: Path) -> None:
    path = _twins(tmp_path, ["bad", "good", "bad", "good"])
    options = array.Options.model_validate({**TWINS, "unit": "uV", "lsb": 5})
    (record, *_) = [r for r in array.read(path, options) if isinstance(r, Record)]
    assert isinstance(record.ecg, ArrayRef)
    values = np.load(tmp_path / "s.npy")[0]
    np.testing.assert_allclose(_signal(record.ecg).physical(), values * 0.005, rtol=1e-6)
    with pytest.raises(ConfigError, match="lsb"):
        validate(array.Options, {**TWINS, "lsb": 0}, "here")
