"""A registered model of embeddings: optional columns of lists, JSON scoring by the stock server."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server

from components.core import runs
from components.core.bundle import Predictor
from components.core.logged_model import download
from components.core.registry import input_example, register, signature_of
from tests.bundles import write_toy_bundle
from tests.conftest import Workplace
from tests.embedding_bundles import know_standin, vectors, write_embedding_bundle

know_standin()


@pytest.fixture
def bundle(workspace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What is logged is this project's own code, as it is here; a stand-in is not among it.
    monkeypatch.setattr("components.core.registry._core_alone", lambda scratch: scratch)
    folder = write_embedding_bundle(workspace.folder / "toy", members=1)
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, folder, name="vectors", alias="candidate", tags={})
    return folder


def scored(model: Any, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the stock server answers to a JSON body."""
    signature = model.metadata.signature
    answer = scoring_server.invocations(
        json.dumps(payload), "application/json", model, signature.inputs
    )
    assert answer.status == 200, answer.response
    return list(json.loads(answer.response)["predictions"])


def test_the_stock_server_takes_lists_patches_and_nulls(bundle: Path, workspace: Workplace) -> None:
    model = mlflow.pyfunc.load_model("models:/vectors@candidate")
    assert not any(each.required for each in model.metadata.signature.inputs)
    sent = {str(name): own for name, own in vectors().items()}
    holed = [None, *sent["emb_clinical"][1:]]
    rows: list[dict[str, Any]] = [
        {**sent, "emb_clinical_quality": 0.5},
        {"emb_spatial": sent["emb_spatial"]},
        {"emb_clinical": holed, "emb_spatial_quality": 1},
        {"emb_clinical": [1.0, 2.0]},
        {"emb_clinical": None},
    ]
    expected = Predictor(bundle).predict(pd.DataFrame(rows))
    columns = list(dict.fromkeys(key for row in rows for key in row))
    split = {"columns": columns, "data": [[row.get(c) for c in columns] for row in rows]}
    for found in (
        scored(model, {"dataframe_records": rows}),
        scored(model, {"dataframe_split": split}),
        [scored(model, {"dataframe_records": [row]})[0] for row in rows],
    ):
        assert [each["logit"] for each in found[:3]] == pytest.approx(
            [each.logit for each in expected[:3]], rel=1e-6
        )
        assert found[1]["inputs"] == "emb_spatial"
        assert found[1]["confidence.emb_clinical"] == pytest.approx(0.2)
        assert "has 2 numbers, the model was trained on 6" in found[3]["error"]
        assert math.isnan(found[3]["probability"])
        assert "send at least one of" in found[4]["error"]
        assert "imputed.emb_clinical" not in found[0]
    asked = {"dataframe_records": rows[1:2], "params": {"imputed_vectors": True}}
    (told,) = scored(model, asked)
    assert told["imputed.emb_clinical"] == pytest.approx(expected[1].imputed["emb_clinical"].mean)
    assert told["imputed_sd.emb_clinical"] == pytest.approx(expected[1].imputed["emb_clinical"].sd)
    assert told["imputed.emb_spatial"] is None
    logged = download("vectors", "1", workspace.folder / "down")
    assert (logged.signature, logged.example) == (True, True)


def test_only_models_of_embeddings_take_the_parameter(tmp_path: Path) -> None:
    plain = Predictor(write_toy_bundle(tmp_path, members=1)).facts
    assert signature_of(plain, input_example(plain)).params is None
    own = Predictor(write_embedding_bundle(tmp_path / "own", members=1)).facts
    found = signature_of(own, input_example(own))
    assert [each.name for each in found.params or []] == ["imputed_vectors"]
    kinds = {each.name: str(each.type) for each in found.inputs}
    assert kinds["emb_clinical"] != kinds["emb_clinical_quality"]
