"""Problem documents, and what little is told of a file's name."""

from __future__ import annotations

import pytest

from components.core.errors import InputError, RecordError
from components.serve import calls
from components.serve.order import Upload, ending_of
from components.serve.problems import KINDS, Fault, FaultError, ProblemError, document, refusal
from tests.serve.near import over


def test_every_kind_says_what_it_means_under_a_status_of_its_own_class() -> None:
    for name, kind in KINDS.items():
        assert name == name.lower()
        assert 400 <= kind.status < 600, name
        assert kind.title
        assert not kind.title.endswith(".")
        assert kind.meaning.endswith("."), name


def test_a_document_has_the_members_of_the_standard_and_the_extensions() -> None:
    problem = ProblemError("busy", "too much", extra={"code": "c"}, headers={"Retry-After": "1"})
    assert document(problem) == {
        "type": "/problems/busy", "title": KINDS["busy"].title, "status": 503,
        "detail": "too much", "code": "c",
    }  # fmt: skip


def test_a_refusal_keeps_code_and_field_of_a_record_and_drops_its_value() -> None:
    error = RecordError("unknown_lead", "no", field="lead", value="MILLER", advice="mend it")
    found = over(refusal(error))
    told = document(found.problem())
    assert (told["code"], told["field"], told["detail"]) == ("unknown_lead", "lead", "no; mend it")
    assert "MILLER" not in str(told)
    assert document(refusal(InputError("no")).problem())["code"] == "input"


def test_an_error_takes_the_way_between_processes_as_plain_data() -> None:
    def odd() -> None:
        raise ProblemError("busy", "needs two arguments to be rebuilt")

    assert calls.plainly(odd) == refusal(ProblemError("busy", "needs two arguments to be rebuilt"))

    def fault() -> None:
        raise KeyError("QUILLFEATHRY")

    found = calls.plainly(fault)
    assert isinstance(found, Fault)
    assert found.kind == "KeyError"
    assert found.place.startswith("test_problems.py:")
    assert "QUILLFEATHRY" not in str(FaultError(found))
    assert calls.plainly(len, "abc") == 3


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("Miller, John.HEA", ".hea"), ("miller", ""), ("a.b.xml", ".xml"), ("", ""), (None, ""),
        (".Miller12", ".miller12"), ("x.Miller123", ""), ("x.mü", ""), ("x.../../etc", ""),
        ("x.a b", ""), ("x.", ""),
    ],
)  # fmt: skip
def test_of_a_files_name_a_plain_ending_is_kept(name: str | None, ending: str) -> None:
    assert ending_of(name) == ending


def test_a_reader_is_told_the_ending_alone() -> None:
    file = Upload(ending=ending_of("QUILLFEATHRY.dat"), content=b"x").file()
    assert (file.name, file.data()) == ("upload.dat", b"x")
