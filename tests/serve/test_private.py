"""Nothing that names the patient comes back, is logged, or is counted."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from components.ingest.synthetic.vcg import LEADS_8
from components.serve.shelf import Served
from tests.bundles import csv_ecg
from tests.media_bundles import picture, sound
from tests.named_files import FS, PERSON, PLANTED, WRITERS, Written
from tests.serve.near import client, service

Shelf = Callable[[str], Served]
STEM = f"{PERSON.surname}_{PERSON.hospital_number}"


def tracing() -> np.ndarray:
    time = np.arange(10 * FS) / FS
    beat = np.exp(-(((time % 0.8 - 0.3) / 0.012) ** 2))
    return np.stack([beat * (0.5 + 0.1 * i) for i in range(len(LEADS_8))])


def zipped(written: Written) -> bytes:
    if len(written.files) == 1:
        return written.files[written.main]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in written.files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def told(of: Any, answers: list[Any], capfd: pytest.CaptureFixture[str]) -> str:
    """Return everything that leaves the service."""
    said = capfd.readouterr()
    metrics, health = of.get("/metrics").text, of.get("/health").text
    sent = "".join(f"{each.headers}{each.text}" for each in answers)
    return f"{said.out}{said.err}{metrics}{health}{sent}"


def assert_nobody(text: str) -> None:
    for name in PLANTED:
        assert name.casefold() not in text.casefold(), name


@pytest.mark.parametrize("format_", WRITERS)
def test_a_recording_of_every_format_is_answered_without_its_patient(
    format_: str, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    of = client(service(tmp_path, shelf("ecg_fields")))
    written = WRITERS[format_](STEM.replace(" ", ""), tracing())
    own = written.declared
    fields = {"age": 64, "ecg_fs": own.fs, "ecg_unit": own.unit,
              "ecg_leads": ";".join(own.leads) if own.leads else None}  # fmt: skip
    content = zipped(written)
    answers = [
        of.post(
            "/predict",
            data={"fields": json.dumps(fields), "draw": "true"},
            files={"ecg": (f"{STEM}.xml", sent)},
        )
        for sent in (content, content[: len(content) // 2], content[:300])
    ]
    assert answers[0].status_code == 200, answers[0].text
    found = answers[0].json()
    assert found["read"]["ecg"]["format"] == format_
    assert found["read"]["ecg"]["fs"] == FS
    (drawing,) = found["drawings"]
    root = ElementTree.fromstring(drawing["svg"])  # noqa: S314 - the service's own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert_nobody(told(of, answers, capfd))


def test_names_in_fields_notes_and_file_names_stay_where_they_are(
    shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    of = client(service(tmp_path, shelf("heads")))
    name = f"{PERSON.first_name} {PERSON.surname}"
    answers = []
    for fields in (
        {name: 1}, {"age": name}, {"sex": name}, {"ecg_unit": name}, {"ecg_leads": f"{name};II"},
        {"ecg_key": name}, {"ecg_decimal": name}, {"ecg_fs": name}, {"clinical_notes": [name]},
        {"ecg_fs": PERSON.birth_date},
    ):  # fmt: skip
        answers.append(
            of.post(
                "/predict",
                data={"fields": json.dumps(fields), "notes": f"{name} has no complaints"},
                files={"ecg": (f"{name}.csv", csv_ecg().encode())},
            )
        )
    answers.append(of.post("/predict", data={"model": name}))
    answers.append(of.post("/predict", data={name: "1"}))
    answers.append(of.post("/predict", data={"draw": name}))
    answers.append(of.get(f"/predict/batch/{PERSON.surname}"))
    answers.append(of.get(f"/models/{PERSON.surname}/card"))
    assert {each.status_code for each in answers} <= {404, 422}
    assert_nobody(told(of, answers, capfd))


def test_a_fault_of_the_software_says_its_kind_and_place_alone(
    shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from components.serve import answering, routes

    def broken(*_: object) -> None:
        raise ValueError(PERSON.surname)

    own = service(tmp_path, shelf("fields"))
    of = client(own)
    parts = {"fields": (None, b'{"age": 61}')}
    monkeypatch.setattr(answering, "take", broken)
    first = of.post("/predict", files=parts)
    monkeypatch.setattr(routes, "order_of", broken)
    second = of.post("/predict", files=parts)
    assert [first.status_code, second.status_code] == [500, 500]
    assert first.json()["type"] == "/problems/fault"
    said = capfd.readouterr().err
    assert "serve: fault: ValueError at test_private.py:" in said
    assert "serve: fault: ValueError\n" in said
    assert_nobody(said + first.text + second.text)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_pages_and_sounds_are_drawn_without_what_their_files_say(
    form: str, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    of = client(service(tmp_path, shelf("media")))
    page = picture(form=form)
    if form == "JPEG":  # what a camera or a scanner writes beside the pixels
        comment = PERSON.surname.encode()
        page = page[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + page[2:]
    answer = of.post(
        "/predict",
        data={"fields": '{"age": 61}', "draw": "true"},
        files=[("ecg_image", (f"{STEM}.png", page)), ("pcg", (f"{STEM}.wav", sound(0))),
               ("pcg", (f"{STEM}2.wav", sound(1)))],
    )  # fmt: skip
    drawings = answer.json()["drawings"]
    assert [each["name"] for each in drawings] == ["ecg_image", "pcg", "pcg"]
    assert [each["title"] for each in drawings[1:]] == [
        "Heart sound 1 of 2 as it was read", "Heart sound 2 of 2 as it was read",
    ]  # fmt: skip
    for each in drawings:
        ElementTree.fromstring(each["svg"])  # noqa: S314 - the service's own
        assert each["alt"]
    assert_nobody(told(of, [answer], capfd))
    import base64

    packed = base64.b64decode(drawings[0]["svg"].split("base64,")[1].split('"')[0])
    assert packed[:3] == b"\xff\xd8\xff"
    assert PERSON.surname.encode() not in packed
