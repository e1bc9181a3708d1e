"""The parts of a request: which are taken, and what is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.serve.parsing import parsed
from components.serve.problems import ProblemError
from components.serve.shelf import Served
from tests.media_bundles import picture, sound
from tests.serve.near import asked, client, problem, service
from tests.serve.subjects import toy

Shelf = Callable[[str], Served]
NAME = "QUILLFEATHRY, ELOWYNNA"


@pytest.fixture
def of(shelf: Shelf, tmp_path: Path) -> Any:
    return client(service(tmp_path, shelf("ecg_fields")))


def sent(of: Any, fields: str, **more: str) -> Any:
    return of.post("/predict", data={"fields": fields, **more}, files=toy(0).files)


def test_an_unknown_part_is_refused_without_its_name(of: Any) -> None:
    told = problem(sent(of, "", QUILLFEATHRY="1"), 422, "invalid-request")
    assert told["detail"] == "1 part(s) that are not taken here; see /openapi.json"


def test_an_unknown_field_gets_the_nearest_name_and_a_patients_is_not_repeated(of: Any) -> None:
    told = problem(sent(of, '{"agee": 61}'), 422, "invalid-request")
    assert told["detail"] == "the model takes no 'agee'; did you mean 'age'?"
    assert told["code"] == "not_taken"
    told = problem(sent(of, json.dumps({NAME: 61})), 422, "invalid-request")
    assert "QUILL" not in json.dumps(told)


@pytest.mark.parametrize("name", ["ecg_path", "ecg_base64", "ecg_image_path", "pcg_base64",
                                  "pcg_path"])  # fmt: skip
@pytest.mark.parametrize("kind", ["ecg_fields", "fields", "media", "embeddings"])
def test_no_file_of_the_server_can_be_named(
    name: str, kind: str, shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf(kind))
    parts = {"fields": (None, json.dumps({name: "/etc/passwd"}).encode())}
    problem(client(own).post("/predict", files=parts), 422, "invalid-request")
    parts = {name: (None, b"/etc/passwd")}
    problem(client(own).post("/predict", files=parts), 422, "invalid-request")
    own_part: dict[str, Any] = {"ecg": (None, b"/etc/passwd")}
    problem(client(own).post("/predict", files=own_part), 422, "invalid-request")
    assert "answer" not in asked(own)


@pytest.mark.parametrize(
    "fields",
    [
        "[]", "61", '"x"', "null", "{", '{"age": NaN}', '{"age": Infinity}', '{"age": -Infinity}',
        '{"age": 61, "age": 62}', '{"x": {"age": 1, "age": 2}}', "[" * 100_000,
        '{"age":' * 50_000, '{"sex": "\\ud800"}', '{"\\udc00": 1}', "{'age': 61}", '{"age": 61,}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(of: Any, fields: str) -> None:
    told = problem(sent(of, fields), 422, "invalid-request")
    assert told["field"] == "fields"
    assert told["code"] == "not_json"


@pytest.mark.parametrize(
    ("fields", "name", "code"),
    [
        ({"age": True}, "age", "wrong_type"), ({"age": [61]}, "age", "wrong_type"),
        ({"age": {}}, "age", "wrong_type"), ({"age": NAME}, "age", "wrong_type"),
        ({"sex": 1}, "sex", "wrong_type"), ({"sex": ["F"]}, "sex", "wrong_type"),
        ({"ecg_fs": [500]}, "ecg_fs", "wrong_type"), ({"ecg_fs": NAME}, "ecg_fs", "wrong_type"),
        ({"ecg_leads": ["I"]}, "ecg_leads", "wrong_type"),
        ({"ecg_unit": 1}, "ecg_unit", "wrong_type"),
        ({"ecg_decimal": NAME}, "ecg_decimal", "wrong_type"),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_refused_without_its_value(
    of: Any, fields: dict[str, Any], name: str, code: str
) -> None:
    told = problem(sent(of, json.dumps(fields)), 422, "invalid-request")
    assert (told["field"], told["code"]) == (name, code)
    assert "QUILL" not in json.dumps(told)


@pytest.mark.parametrize("age", ["1e400", "9" * 400, "-" + "9" * 5000])
def test_a_number_that_no_network_takes_is_refused(of: Any, age: str) -> None:
    told = problem(sent(of, f'{{"age": {age}}}'), 422, "unreadable-input")
    assert told["detail"] == "the field 'age' holds no number; send one or leave it out"


def test_what_is_missing_may_be_sent_as_null_or_blank(of: Any) -> None:
    answers = [
        sent(of, fields).json()["logit"]
        for fields in ('{"sex": "F"}', '{"sex": "F", "age": null}', '{"sex": "F", "age": " "}',
                       '{"sex": "F", "age": "nan", "ecg_decimal": null, "ecg_fs": ""}')
    ]  # fmt: skip
    assert len(set(answers)) == 1
    assert (
        sent(of, '{"sex": "F", "age": "61.5"}').json()
        == sent(of, '{"sex": "F", "age": 61.5}').json()
    )


def test_a_part_twice_is_refused_for_only_the_last_would_be_read(of: Any) -> None:
    (file,) = toy(0).files
    told = problem(of.post("/predict", files=[file, file]), 422, "invalid-request")
    assert (told["code"], told["field"]) == ("part_twice", "ecg")
    fields = ("fields", (None, b'{"age": 61}'))
    told = problem(of.post("/predict", files=[file, fields, fields]), 422, "invalid-request")
    assert told["detail"] == "the part 'fields' is there 2 times; send it once"


def test_a_file_that_the_model_does_not_take_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("fields")))
    told = problem(of.post("/predict", files={"ecg": ("x", b"x")}), 422, "invalid-request")
    assert told["detail"] == "the model takes no 'ecg'; it takes no files"
    of = client(service(tmp_path / "media", shelf("media")))
    told = problem(of.post("/predict", files={"ecg": ("x", b"x")}), 422, "invalid-request")
    assert told["detail"] == "the model takes no 'ecg'; it takes ecg_image, pcg"
    told = problem(of.post("/predict", data={"notes": "x"}), 422, "invalid-request")
    assert told["code"] == "not_taken"


def test_files_of_one_kind_that_may_be_several_have_a_bound(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("media")))
    many = [("pcg", ("x.wav", sound(0, seconds=2.5)))] * 17
    problem(of.post("/predict", files=many), 422, "invalid-request")
    told = problem(of.post("/predict", files=[("pcg", ("x", b""))]), 422, "unreadable-input")
    assert "heart sound" in told["detail"].lower() or "pcg" in told["detail"].lower()
    page = {"ecg_image": ("x", picture()[:50])}
    assert problem(of.post("/predict", files=page), 422, "unreadable-input")["code"]


def test_a_request_without_anything_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    own = service(tmp_path, shelf("fields"))
    parts = {"fields": (None, b"{}")}
    told = problem(client(own).post("/predict", files=parts), 422, "invalid-request")
    assert told["detail"] == "the request has nothing to answer from; the model takes age, sex"
    assert asked(own) == []


def test_what_is_no_form_is_refused_and_not_answered_as_if_it_were_empty(
    shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf("fields"))
    of = client(own)
    for answer in (
        of.post("/predict", json={"fields": {"age": 61}}),
        of.post("/predict", content=b"age=61", headers={"content-type": "text/plain"}),
        of.post("/predict"),
        of.post("/predict/batch", json={}),
    ):
        told = problem(answer, 415, "wrong-type")
        assert told["detail"].endswith("send its parts as multipart/form-data")
    assert asked(own) == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"), ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b"QUILLFEATHRY"),
        ("multipart/form-data; boundary=b", b"--b\r\nQUILLFEATHRY: 1\r\n\r\nx\r\n--b--"),
        ('multipart/form-data; boundary="a\\"b"', b'--a"b--\r\n'),
        ("multipart/form-data; boundary=b",
         b'--b\r\nContent-Disposition: form-data; name="fields"\r\n\r\n\xff\xfe\r\n--b--\r\n'),
        ("multipart/form-data; boundary=b",
         b'--b\r\nContent-Disposition: form-data; name="notes"; filename="QUILLFEATHRY"\r\n\r\nx'
         b"\r\n--b--\r\n"),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused(of: Any, kind: str, content: bytes) -> None:
    answer = of.post("/predict", content=content, headers={"content-type": kind})
    assert answer.status_code in (400, 422), answer.text
    found = problem(answer, 422, answer.json()["type"].removeprefix("/problems/"))
    assert "QUILL" not in json.dumps(found)


NOTE = b'--b\r\nContent-Disposition: form-data; name="notes"\r\n\r\nM\xc3\xbcdigkeit%s\r\n--b--\r\n'


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=US-ASCII"])
def test_text_is_read_as_utf_8(shelf: Shelf, tmp_path: Path, charset: str) -> None:
    own = service(tmp_path, shelf("heads"))
    orders: list[Any] = []

    async def ask(function: Any, order: Any) -> Any:
        orders.append(order)
        raise ProblemError("busy", "it was seen")

    near: Any = own.processes
    near.ask = ask
    kind = {"content-type": f"multipart/form-data; boundary=b{charset}"}
    problem(client(own).post("/predict", content=NOTE % b"", headers=kind), 503, "busy")
    assert orders[0].fields == {"clinical_notes": "Müdigkeit"}
    refused = client(own).post("/predict", content=NOTE % b"\xff", headers=kind)
    problem(refused, 422, "invalid-request")
    assert len(orders) == 1


@pytest.mark.parametrize("charset", ["utf-99", "latin-1", "utf-16", "\u00fc"])
def test_text_in_another_encoding_is_not_guessed_at(of: Any, charset: str) -> None:
    kind = f"multipart/form-data; boundary=b; charset={charset}".encode()
    answer = of.post("/predict", content=NOTE % b"", headers={"content-type": kind})
    assert problem(answer, 415, "wrong-type")["detail"] == "the request is not in UTF-8; send it so"


def test_notes_twice_are_refused(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("heads")))
    sent = {"notes": "A", "fields": json.dumps({"clinical_notes": "B"})}
    told = problem(of.post("/predict", data=sent), 422, "invalid-request")
    assert (told["code"], told["field"]) == ("part_twice", "clinical_notes")
    assert "a part 'notes', and 'clinical_notes' among the fields" in told["detail"]


@pytest.mark.parametrize(
    ("address", "kind", "count"),
    [("/predict", "file", 20), ("/predict", "text", 6), ("/predict/batch", "file", 4),
     ("/predict/batch", "text", 3)],
)  # fmt: skip
def test_a_form_has_no_more_parts_than_there_are_names(
    of: Any, address: str, kind: str, count: int
) -> None:
    name = "x.bin" if kind == "file" else None
    parts = [(f"p{i}", (name, b"1")) for i in range(count)]
    told = problem(of.post(address, files=parts), 422, "invalid-request")
    assert "Too many" in told["detail"]


def test_a_long_part_of_text_is_taken(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("events")))
    many = [{"hours_before_prediction": 1.0, "type": "lab", "text": f"Lactate {i} {'x' * 150}"}
            for i in range(6000)]  # fmt: skip
    fields = json.dumps({"events": many, "age": 61})
    assert len(fields) > 1_100_000
    answer = of.post("/predict", files={"fields": (None, fields.encode())})
    assert answer.status_code == 200, answer.text


def test_numbers_are_read_as_they_are_written() -> None:
    found = parsed('{"a": 123456789012345, "b": 1234567890123456, "c": 0.1, "d": "\\u00e4"}')
    assert found == {"a": 123456789012345, "b": 1234567890123456.0, "c": 0.1, "d": "ä"}
