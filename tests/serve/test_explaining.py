"""An answer explained over HTTP is the bundle's own explanation of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from components.core.bundle import Predictor
from components.core.bundle_explained import explained
from components.core.config.explain import ExplainConfig
from components.serve.shelf import Served
from tests.serve.near import client, problem, service
from tests.serve.subjects import SUBJECTS

Shelf = Callable[[str], Served]


@pytest.mark.parametrize("kind", sorted(SUBJECTS))
def test_an_explanation_is_the_bundles_own(shelf: Shelf, tmp_path: Path, kind: str) -> None:
    found = shelf(kind)
    asked = SUBJECTS[kind].asked(0)
    answer = client(service(tmp_path, found)).post(
        "/explain", data=asked.data, files=asked.files or [("draw", (None, b"false"))]
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    predictor = Predictor(Path(found.bundle.folder))
    own = explained(predictor, predictor.ready(asked.row), steps=ExplainConfig().steps)
    assert told["log_odds"] == pytest.approx(own.log_odds, abs=1e-6)
    assert {each["name"]: each["value"] for each in told["modalities"]} == pytest.approx(
        {each.name: each.value for each in own.modalities}, abs=1e-6
    )
    assert [each["kind"] for each in told["groups"]] == [each.kind for each in own.groups]
    assert [each["svg"] for each in told["drawings"]] == [each.svg for each in own.drawings]
    assert told["answer"]["model"] == kind
    assert told["answer"]["version"] == "1"
    assert told["answer"]["logit"] == pytest.approx(told["log_odds"], abs=1e-6)
    gained = told["log_odds"] - told["baseline_log_odds"]
    total = sum(each["value"] for each in told["modalities"])
    assert total - gained == pytest.approx(told["error"], abs=1e-6)


def test_what_cannot_be_read_cannot_be_explained(shelf: Shelf, tmp_path: Path) -> None:
    of = client(service(tmp_path, shelf("ecg_fields")))
    told = problem(of.post("/explain", files={"ecg": ("x", b"no ECG")}), 422, "unreadable-input")
    assert told["code"] == "unknown_format"
