"""Keyed pseudonyms: what they depend on, and what is refused as a key."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.config.base import validate
from components.core.config.sections import IngestConfig
from components.core.errors import ConfigError
from components.core.patient_key import PSEUDONYM_DIGITS, PatientKey, check_name, read_key

SECRET = "c2VjcmV0IG9mIHRoZSBzdHVkeSwgNDQgbGV0dGVycw=="  # noqa: S105 - of these tests
KEY = PatientKey(SECRET.encode())


def test_a_pseudonym_is_the_start_of_the_standards_hmac() -> None:
    # RFC 4231, test case 2, fixes the function; the message is the kind, a null byte and the id.
    assert hmac.new(b"Jefe", b"what do ya want for nothing?", hashlib.sha256).hexdigest() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    whole = hmac.new(SECRET.encode(), b"patient\0MRN0007", hashlib.sha256).hexdigest()
    assert KEY.pseudonym("patient", "MRN0007") == whole[:PSEUDONYM_DIGITS]
    assert KEY.full("patient", "MRN0007").hex() == whole
    assert len(KEY.pseudonym("patient", "")) == 32


@given(st.text(), st.text())
def test_the_same_id_gives_the_same_pseudonym_and_others_another(a: str, b: str) -> None:
    assert (KEY.pseudonym("patient", a) == KEY.pseudonym("patient", b)) == (a == b)
    assert KEY.pseudonym("patient", a) != KEY.pseudonym("recording", a)


def test_another_key_gives_other_pseudonyms_and_another_fingerprint() -> None:
    other = PatientKey(SECRET[::-1].encode())
    assert other.pseudonym("patient", "p") != KEY.pseudonym("patient", "p")
    assert other.fingerprint() != KEY.fingerprint() == PatientKey(SECRET.encode()).fingerprint()
    assert len(KEY.fingerprint()) == 16
    assert SECRET not in f"{KEY!r} {KEY} {KEY.fingerprint()}"


def test_a_key_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_KEY", SECRET)
    assert read_key("STUDY_KEY") == KEY


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "that ingest.patient_key_env names is not set; set it to a secret of 32 bytes"),
        ("", "is not set"),
        ("short and secret", "holds 16 bytes, fewer than 32; make a key with 'openssl"),
        (f"{SECRET}\n", "has blanks at its ends; set it without them"),
    ],
)
def test_what_is_no_key(
    monkeypatch: pytest.MonkeyPatch, value: str | None, sentence: str
) -> None:  # fmt: skip
    monkeypatch.delenv("STUDY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("STUDY_KEY", value)
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_key("STUDY_KEY")
    assert "secret." not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", [SECRET, "study key", "lower", "A" * 65, "1A"])
def test_a_key_in_the_place_of_the_name_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ConfigError, match="never the key") as caught:
        validate(IngestConfig, {"patient_key_env": name}, "ctrcd.yaml")
    assert name not in str(caught.value)
    assert check_name("") == ""
