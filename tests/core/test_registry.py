"""A registered model loads and answers where this repository is not."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import mlflow
import numpy as np
import pytest

from components.core import registry, runs
from components.core.bundle import Predictor
from components.core.readers.registry import Declared, read_signal
from components.core.readers.zipped import memory_file_from_zip
from components.core.registry import example_ecg, find_version, register
from tests.bundles import write_toy_bundle
from tests.cohorts import LEADS
from tests.conftest import ROOT, Workplace

# Loads the registered model and predicts on its own input example, then says where code came from.
STRANGER = """
import json, sys
import mlflow
model = mlflow.pyfunc.load_model("models:/toy_head@candidate")
out = model.predict(model.input_example)
import components.core
print(json.dumps({
    "rows": out.to_dict("records"),
    "core": components.core.__file__,
    "others": [n for n in sys.modules if n.startswith("components.") and "core" not in n],
    "path": sys.path,
}))
"""


def test_a_registered_model_answers_without_the_repository(workspace: Workplace) -> None:
    bundle = write_toy_bundle(workspace.folder, members=1)
    with runs.open_run("toy", "train_toy", {}) as recorder:
        version = register(
            recorder.run_id,
            bundle,
            name="toy_head",
            alias="candidate",
            tags={runs.TAG_FINGERPRINT: "c" * 32, "test/auroc": 0.71},
        )
    client = mlflow.MlflowClient()
    found = client.get_model_version_by_alias("toy_head", "candidate")
    assert (str(found.version), version) == ("1", "1")
    assert found.tags["test/auroc"] == "0.71"
    assert found.tags["source_run"] == recorder.run_id
    assert find_version("toy_head", "c" * 32) == "1"
    assert find_version("toy_head", "d" * 32) is None
    assert find_version("no_such_model", "c" * 32) is None

    answer = _ask_elsewhere(workspace)
    row = answer["rows"][0]
    assert row["error"] == ""
    assert row["version"] == "v" * 32
    here = Predictor(bundle)
    from components.core.registry import input_example

    expected = here.predict(input_example(here.facts))[0]
    assert row["probability"] == pytest.approx(expected.probability, rel=1e-6)
    assert not Path(answer["core"]).is_relative_to(ROOT)
    assert answer["others"] == []
    assert str(ROOT) not in answer["path"]
    logged = mlflow.models.get_model_info("models:/toy_head/1")
    assert logged.signature is not None
    assert logged.metadata == {"bundle": "v" * 32}
    names = [p.name for p in (workspace.folder / "mlruns").rglob("*") if p.is_file()]
    assert "weights.safetensors" in names
    assert not [n for n in names if n.endswith((".pkl", ".pickle", ".pt", ".pth", ".joblib"))]


def test_a_registration_that_was_broken_off_leaves_no_version_without_its_tags(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_toy_bundle(workspace.folder, members=1)
    tags = {runs.TAG_FINGERPRINT: "c" * 32, "long": "x" * 6000}

    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_alias", killed)
    monkeypatch.setattr(mlflow.MlflowClient, "set_model_version_tag", killed)
    with runs.open_run("toy", "train_toy", {}) as recorder, pytest.raises(KeyboardInterrupt):
        register(recorder.run_id, bundle, name="toy_head", alias="candidate", tags=tags)
    found = mlflow.MlflowClient().get_model_version("toy_head", "1")
    assert found.tags == {
        runs.TAG_FINGERPRINT: "c" * 32, "long": "x" * 5000, "source_run": recorder.run_id,
    }  # fmt: skip


def _ask_elsewhere(workspace: Workplace) -> dict[str, object]:
    elsewhere = workspace.folder / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        [sys.executable, "-c", STRANGER],
        cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_registry_without_the_model_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def search_model_versions(self, query: str) -> list[object]:
            raise mlflow.MlflowException("no such model")

    monkeypatch.setattr(registry, "connect", Client)
    assert find_version("toy_head", "c" * 32) is None


def test_the_example_ecg_is_a_plausible_recording() -> None:
    packed = base64.b64decode(example_ecg(LEADS))
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["example.hea", "example.dat"]
    signal = read_signal(memory_file_from_zip(packed), Declared())
    assert (signal.leads, signal.fs, signal.samples) == (LEADS, 500.0, 5000)
    millivolt = signal.physical()
    assert 0.3 < millivolt.max() < 2
    crossings = np.flatnonzero(np.diff((millivolt[0] > 0.3).astype(int)) == 1)
    assert np.diff(crossings).mean() == pytest.approx(400, abs=2)  # 75 beats a minute at 500 Hz
