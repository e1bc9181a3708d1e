"""Hashed patient ids: plain and keyed, and what is read back."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from components.core.data.patient_set import (
    FILE,
    PatientSet,
    hash_patient,
    read_patient_set,
    write_patient_set,
)
from components.core.errors import InputError


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARDIO_PATIENT_KEY", raising=False)


def test_the_round_trip(tmp_path: Path) -> None:
    write_patient_set(tmp_path, ["a", "b", "a"])
    text = (tmp_path / FILE).read_text()
    assert json.loads(text)["hashes"] == sorted(hashlib.sha256(x).hexdigest() for x in (b"a", b"b"))
    found = read_patient_set(tmp_path)
    assert isinstance(found, PatientSet)
    assert found.holds("a")
    assert not found.holds("c")


def test_a_keyed_set_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIO_PATIENT_KEY", "secret")
    write_patient_set(tmp_path, ["a"])
    body = json.loads((tmp_path / FILE).read_text())
    assert body == {
        "hashing": "hmac-sha256",
        "hashes": [hmac.new(b"secret", b"a", "sha256").hexdigest()],
        "complete": True,
    }
    found = read_patient_set(tmp_path)
    assert found is not None
    assert found.holds("a")
    assert not found.holds("b")
    monkeypatch.delenv("CARDIO_PATIENT_KEY")
    with pytest.raises(InputError, match="hashed with a key, and CARDIO_PATIENT_KEY is empty"):
        found.holds("a")
    assert hash_patient("a", keyed=False) != body["hashes"][0]


def test_no_set_and_a_damaged_one(tmp_path: Path) -> None:
    assert read_patient_set(tmp_path) is None
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(InputError, match=r"'training_patients.json' of the pretrained model"):
        read_patient_set(tmp_path)
    (tmp_path / FILE).write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"'training_patients.json' of the pretrained model"):
        read_patient_set(tmp_path)


def test_whom_the_model_before_had_seen_is_listed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(*patients: str, **more: Any) -> PatientSet:
        write_patient_set(tmp_path, patients, **more)
        found = read_patient_set(tmp_path)
        assert found is not None
        return found

    first = written("a")
    second = written("b", before=first)
    assert second.complete
    assert [second.holds(p) for p in "abc"] == [True, True, False]
    untold = written("c", complete=False)
    assert not untold.complete
    assert not written("d", before=untold).complete
    monkeypatch.setenv("CARDIO_PATIENT_KEY", "secret")
    keyed = written("b", before=first)  # hashes of two kinds cannot stand in one list
    assert not keyed.complete
    assert [keyed.holds(p) for p in "ab"] == [False, True]
