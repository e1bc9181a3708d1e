"""`array`: signals in one array, labels in a CSV, row for row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.errors import InputError
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
