"""What the service answers is what the bundle answers, whatever the bundle takes in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from components.core.bundle import Predictor
from components.serve import answering
from components.serve.shelf import Served
from tests.bundles import csv_ecg, zipped_ecg
from tests.cohorts import LEADS
from tests.serve.near import client, close, problem, served, service
from tests.serve.subjects import SUBJECTS, Asked, abstaining, toy

Shelf = Callable[[str], Served]
NUMBERS = ("probability", "lo", "hi", "logit", "quality")


def post(of: TestClient, asked: Asked, **more: str) -> dict[str, Any]:
    answer = of.post("/predict", data=asked.data | more, files=asked.files)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", SUBJECTS)
def test_an_answer_is_the_bundles_own(kind: str, shelf: Shelf, tmp_path: Path) -> None:
    one, subject = shelf(kind), SUBJECTS[kind]
    of = client(service(tmp_path, one))
    bundle = Predictor(Path(one.bundle.folder))
    found = [post(of, subject.asked(number)) for number in (0, 1)]
    for number, answer in enumerate(found):
        wanted = bundle.predict(pd.DataFrame([subject.asked(number).row]))[0]
        assert wanted.error == ""
        for name in NUMBERS:
            assert close(answer[name], getattr(wanted, name)), name
        for name in ("flags", "inputs"):
            assert answer[name] == list(getattr(wanted, name))
        for name in ("interval_note", "abstain", "abstain_reason", "fields_note"):
            assert answer[name] == getattr(wanted, name)
        assert set(answer["heads"]) == set(wanted.heads) == set(subject.heads)
        for head, own in wanted.heads.items():
            assert set(answer["heads"][head]) == set(own)
            assert all(close(answer["heads"][head][key], value) for key, value in own.items())
        for name, value in wanted.contributions.items():
            assert close(answer["contributions"][name], value)
        sure = {name: each.confidence for name, each in wanted.imputed.items()}
        assert answer["imputed"] == pytest.approx(sure, abs=1e-6, nan_ok=True)
        assert (answer["model"], answer["version"], answer["alias"]) == (kind, "1", "champion")
        assert answer["bundle"] == bundle.facts.version
        assert "Not for clinical use" in answer["notice"]
    assert abs(found[0]["logit"] - found[1]["logit"]) > 1e-4


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_model_says_what_it_takes_and_answers_what_it_asks_for(
    kind: str, shelf: Shelf, tmp_path: Path
) -> None:
    of = client(service(tmp_path, shelf(kind)))
    (model,) = of.get("/models").json()["models"]
    names = {each["name"]: each for each in model["inputs"]}
    declared = {entry["name"] for each in model["inputs"] for entry in each["declared"]}
    asked = SUBJECTS[kind].asked(0)
    assert {name for name, _ in asked.files} <= set(names)
    assert set(asked.fields) <= set(names) | declared
    assert ("clinical_notes" in names) is bool(asked.notes)
    for name, value in asked.fields.items():
        entry = names.get(name, {})
        if entry.get("kind") == "vector":
            assert entry["width"] == np.shape(value)[-1]
        if entry.get("kind") == "choice":
            assert value in entry["levels"]
        if entry.get("kind") == "number" and not name.endswith("_quality"):
            assert entry["low"] < entry["high"]
    assert model["ready"] is True
    assert model["networks"] == len(Predictor(Path(shelf(kind).bundle.folder)).members)
    assert model["interval"] is (model["networks"] >= 5)
    assert 0 < model["threshold"] < 1


@pytest.mark.parametrize("kind", ["fields", "embeddings"])
def test_a_bound_is_called_hard_where_what_lies_beyond_is_refused(
    kind: str, shelf: Shelf, tmp_path: Path
) -> None:
    of = client(service(tmp_path, shelf(kind)))
    (model,) = of.get("/models").json()["models"]
    numbers = [each for each in model["inputs"] if each["kind"] == "number"]
    assert numbers
    own = SUBJECTS[kind].asked(0).fields
    for each in numbers:
        for value in (each["low"] - 0.5, each["high"] + 0.5):
            sent = json.dumps(own | {each["name"]: value})
            answer = of.post("/predict", files=[("fields", (None, sent.encode()))])
            assert (answer.status_code == 422) is each["hard"], answer.text


def test_an_interval_lies_around_the_probability(shelf: Shelf, tmp_path: Path) -> None:
    answer = post(client(service(tmp_path, shelf("ecg_fields"))), toy(0))
    assert answer["lo"] < answer["probability"] < answer["hi"]
    assert answer["read"]["ecg"] == {
        "format": "wfdb", "leads": list(LEADS), "fs": 500.0, "unit": "mV", "seconds": 10.0,
    }  # fmt: skip


def test_the_service_abstains_where_the_bundle_does_and_counts_it(
    shelf: Shelf, tmp_path: Path
) -> None:
    poor = served("poor", abstaining(tmp_path))
    of = client(service(tmp_path / "scratch", poor, shelf("ecg_fields")))
    answer = post(of, toy(0), draw="true", model="poor")
    assert answer["abstain"] is True
    assert "quality is 0." in answer["abstain_reason"]
    assert [answer[name] for name in ("probability", "lo", "hi")] == [None, None, None]
    assert answer["interval_note"] == "the model abstains"
    assert answer["drawings"]
    post(of, toy(0), model="ecg_fields")
    told = of.get("/metrics").text
    assert 'cardio_answers_total{model="poor",outcome="abstained",version="1"} 1.0' in told
    assert 'cardio_answers_total{model="ecg_fields",outcome="answered",version="1"} 1.0' in told


def test_an_unknown_category_and_an_absurd_number_are_noted(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("fields")))
    asked = Asked(fields={"age": 61, "sex": "divers"})
    assert "sex is none of the categories of training" in post(of, asked)["fields_note"]


def test_two_models_are_asked_by_name(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("fields"), shelf("events")))
    first = SUBJECTS["events"].asked(0)
    answer = of.post("/predict", data=first.data | {"model": "events"})
    assert answer.json()["model"] == "events"
    told = problem(of.post("/predict", data=first.data | {"x": ""}), 422, "invalid-request")
    assert "part(s) that are not taken here" in told["detail"]
    told = problem(of.post("/predict", files=[("notes", (None, b"x"))]), 404, "no-such-model")
    assert told["detail"] == "'model' is left out; served are: fields, events"
    sent = [("model", (None, b"QUILLFEATHRY"))]
    told = problem(of.post("/predict", files=sent), 404, "no-such-model")
    assert told["detail"] == "this model is not served; served are: fields, events"


def test_a_model_that_could_not_be_loaded_says_so(shelf: Shelf, tmp_path: Path) -> None:
    own = service(tmp_path, shelf("fields"), models=("fields", "lost"))
    own.shelf.troubles["lost"] = "its files are gone"
    of = client(own)
    sent = [("model", (None, b"lost"))]
    told = problem(of.post("/predict", files=sent), 503, "not-loaded")
    assert told["detail"] == "no version of lost could be loaded"
    assert of.get("/health").json()["status"] == "degraded"
    assert of.get("/health").json()["troubles"] == {"lost": "see `detail` in /models"}
    models = {each["name"]: each for each in of.get("/models").json()["models"]}
    assert (models["lost"]["ready"], models["lost"]["detail"]) == (False, "its files are gone")
    assert models["fields"]["ready"]


def test_what_is_no_number_is_null_everywhere(shelf: Shelf, tmp_path: Path) -> None:
    assert [answering.finite(x) for x in (1, np.nan, np.inf, -np.inf)] == [1.0, None, None, None]
    one = shelf("fields")
    facts = one.facts | {
        "cohort": {"records": 20.0, "age": float("nan")},
        "figures": [{"name": "AUROC", "value": float("nan"), "lo": float("inf")}],
    }
    nan = replace(one, facts=facts)
    answer = client(service(tmp_path, nan)).get("/models")
    assert answer.status_code == 200, answer.text
    (model,) = json.loads(answer.text, parse_constant=lambda text: pytest.fail(text))["models"]
    assert model["cohort"]["age"] is None
    assert model["figures"][0]["lo"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"no ECG at all", "unknown_format"),
        (b"PK\x03\x04 no zip", "bad_archive"),
        (base64.b64decode(zipped_ecg())[:-40], "bad_archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "unknown_format"),
        (base64.b64decode(csv_ecg()), "missing_unit"),
    ],
)
def test_an_unreadable_file_says_why(
    content: bytes, code: str, shelf: Shelf, tmp_path: Path
) -> None:
    of = client(service(tmp_path, shelf("ecg_fields")))
    told = problem(of.post("/predict", files={"ecg": ("x", content)}), 422, "unreadable-input")
    if code == "missing_unit":  # nothing is guessed of a format that cannot say it
        assert "fs" in told["detail"] or "unit" in told["detail"]
    else:
        assert told["code"] == code
    assert f'cardio_refusals_total{{code="{told["code"]}"}} 1.0' in of.get("/metrics").text


def test_a_recording_is_needed_where_the_model_takes_one(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("ecg_fields")))
    sent = {"fields": (None, b'{"age": 61}')}
    told = problem(of.post("/predict", files=sent), 422, "unreadable-input")
    assert told["detail"] == "the request has 0 files as 'ecg'; send one recording"
