"""A registered model of pictures and sounds: optional columns, JSON scoring, no pickle."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, validate_schema
from mlflow.pyfunc import scoring_server

from components.core import runs
from components.core.bundle import Predictor
from components.core.logged_model import download
from components.core.registry import input_example, register, signature_of
from tests.bundles import write_toy_bundle
from tests.conftest import ROOT, Workplace
from tests.media_bundles import picture, sent, sound, write_media_bundle

STRANGER = """
import json
import mlflow
model = mlflow.pyfunc.load_model("models:/media@candidate")
out = model.predict(model.input_example)
import components.core
print(json.dumps({"rows": out.to_dict("records"), "core": components.core.__file__}))
"""


@pytest.fixture
def bundle(workspace: Workplace) -> Path:
    folder = write_media_bundle(workspace.folder / "toy", members=1)
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, folder, name="media", alias="candidate", tags={})
    return folder


def scored(model: Any, signature: ModelSignature, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the stock server answers to a JSON body."""
    answer = scoring_server.invocations(
        json.dumps(payload), "application/json", model, signature.inputs
    )
    assert answer.status == 200, answer.response
    return list(json.loads(answer.response)["predictions"])


def test_it_answers_json_with_absent_fields(bundle: Path) -> None:
    model = mlflow.pyfunc.load_model("models:/media@candidate")
    signature = model.metadata.signature
    assert not any(each.required for each in signature.inputs)
    rows: list[dict[str, Any]] = [
        {"age": 61, "sex": "F", "ecg_image_base64": sent(picture()), "pcg_base64": sent(sound())},
        {"pcg_base64": sent(sound())},
        {"age": 61},
        {"age": None},
    ]
    expected = Predictor(bundle).predict(pd.DataFrame(rows))
    together = scored(model, signature, {"dataframe_records": rows})
    for found in (
        together,
        [scored(model, signature, {"dataframe_records": [r]})[0] for r in rows],
    ):
        assert [each["inputs"] for each in found] == [
            "tabular;ecg_image;pcg", "pcg", "tabular", "",
        ]  # fmt: skip
        assert [each["logit"] for each in found[:3]] == pytest.approx(
            [each.logit for each in expected[:3]], rel=1e-6
        )
        assert math.isnan(found[3]["probability"])
        assert "send at least one of" in found[3]["error"]
        assert found[1]["contribution.pcg"] == pytest.approx(expected[1].contributions["pcg"])
    split = {"columns": ["pcg_base64"], "data": [[sent(sound())]]}
    assert scored(model, signature, {"dataframe_split": split})[0]["logit"] == pytest.approx(
        expected[1].logit, rel=1e-6
    )


def test_it_loads_elsewhere_without_pickle(bundle: Path, workspace: Workplace) -> None:
    elsewhere = workspace.folder / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        [sys.executable, "-c", STRANGER],
        cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    own = Predictor(bundle)
    expected = own.predict(input_example(own.facts))[0]
    assert answer["rows"][0]["probability"] == pytest.approx(expected.probability, rel=1e-6)
    assert not Path(answer["core"]).is_relative_to(ROOT)
    logged = download("media", "1", workspace.folder / "down")
    assert (logged.signature, logged.example) == (True, True)
    names = [p.name for p in (workspace.folder / "down").rglob("*") if p.is_file()]
    assert not [n for n in names if n.endswith((".pkl", ".pickle", ".pt", ".pth", ".joblib"))]
    needs = (workspace.folder / "down" / "requirements.txt").read_text()
    assert all(f"{name}==" in needs for name in ("pillow", "soundfile", "torchaudio"))


@pytest.mark.parametrize(
    "row",
    [{"ecg_path": "a.xml"}, {"ecg_base64": "UEs=", "age": 61.0}, {"ecg_path": "a.xml", "sex": "F"}],
)
def test_an_ecg_comes_as_path_or_base64_and_fields_may_be_left_out(
    tmp_path: Path, row: dict[str, object]
) -> None:
    facts = Predictor(write_toy_bundle(tmp_path, members=1)).facts
    signature = signature_of(facts, input_example(facts))
    validate_schema(pd.DataFrame([row]), signature.inputs)
    with pytest.raises(MlflowException, match="Incompatible input types for column age"):
        validate_schema(pd.DataFrame([{**row, "age": "old"}]), signature.inputs)
