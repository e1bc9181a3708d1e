"""What a user can get wrong: one sentence and exit status 2, or a refusal where a gate says no."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from safetensors.numpy import load_file, save_file

from components.core.bundle_seal import seal
from tests.promote.cohorts import LENIENT, MODEL
from tests.promote.conftest import Registry

OwnData = Callable[[], Path]


def said(registry: Registry, status: int, **options: str) -> str:
    done = registry.command(**{"model": MODEL, "set": LENIENT} | options)
    assert done.exit_code == status, done.output
    return " ".join(done.output.split())


def test_unknown_names(registry: Registry) -> None:
    found = said(registry, 2, model="toy_haed")
    assert "the registry has no model 'toy_haed'; did you mean 'toy_head'?" in found
    assert "toy_head has no version '99'; the UI's page" in said(registry, 2, version="99")
    assert "toy_head has no version 'one'; the UI's page" in said(registry, 2, version="one")
    assert "'dry_run' is 'perhaps'; write true or false" in said(registry, 2, dry_run="perhaps")
    registry.client.delete_registered_model_alias(MODEL, "candidate")
    assert "toy_head has no @candidate; train it, or name a version" in said(registry, 2)


def test_an_empty_registry(workspace: object) -> None:
    from click.testing import CliRunner

    from components.promote.cli import main

    done = CliRunner().invoke(main, ["--model", "toy_head"])
    assert done.exit_code == 2
    assert "no model 'toy_head'; nothing is registered yet, train a task first" in done.output


def test_an_evaluation_that_is_gone(registry: Registry, own_data: OwnData) -> None:
    fingerprint = registry.tags("strong")["fingerprint"]
    shutil.rmtree(own_data() / "evaluate" / fingerprint)
    found = said(registry, 2, version="2")
    assert f"the evaluation {fingerprint[:12]} of toy_head version 2 is not under data/" in found
    registry.client.delete_model_version_tag(MODEL, "2", "fingerprint")
    found = said(registry, 2, version="2")
    assert "toy_head version 2 does not say which evaluation it comes from; name" in found


def test_an_evaluation_that_was_changed(registry: Registry, own_data: OwnData) -> None:
    folder = own_data() / "evaluate" / registry.tags("strong")["fingerprint"]
    with (folder / "model_card.md").open("a") as card:
        card.write("and it is perfect")
    found = said(registry, 2, version="2")
    assert "'model_card.md' of stage evaluate has changed since it was written" in found


def test_stages_under_an_evaluation_that_are_gone(registry: Registry, own_data: OwnData) -> None:
    shutil.rmtree(own_data() / "ingest")
    assert "is not a finished stage" in said(registry, 2, version="2")
    assert "gate" not in registry.tags("strong")


def artifacts_of(registry: Registry, number: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a version's files, which the registry then gives instead of its own."""
    copy = registry.folder / "registered"
    real = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{number}"))
    shutil.copytree(real, copy)

    def own(uri: str, dst_path: str) -> str:
        if not copy.is_dir():
            raise OSError("no such folder")
        shutil.copytree(copy, dst_path, dirs_exist_ok=True)
        return dst_path

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", own)
    return copy


def test_registered_files_that_are_gone_or_no_bundle(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = artifacts_of(registry, "2", monkeypatch)
    shutil.rmtree(files / "artifacts")
    found = said(registry, 2, version="2")
    assert "toy_head version 2 holds no model bundle; name a version that a pipeline" in found
    shutil.rmtree(files)
    found = said(registry, 2, version="2")
    assert "the files of toy_head version 2 are gone from the registry; register" in found


def test_another_bundle_than_the_evaluated_one(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = artifacts_of(registry, "2", monkeypatch) / "artifacts" / "bundle"
    weights = bundle / "member0" / "weights.safetensors"
    changed = {name: values + 0.01 for name, values in load_file(weights).items()}
    save_file(changed, weights)
    seal(bundle)
    said(registry, 3, version="2")
    outcome = registry.tags("strong")["gate.reproduction"]
    assert outcome.startswith("failed: the registered bundle's probabilities differ by up to 0.0")
    facts = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(facts | {"version": "f" * 32}))
    seal(bundle)
    said(registry, 3, version="2")
    outcome = registry.tags("strong")["gate.reproduction"]
    assert outcome.startswith("failed: the registered bundle is of the evaluation ffffffffffff, ")
    weights.write_bytes(b"torn")
    seal(bundle)
    said(registry, 3, version="2")
    outcome = registry.tags("strong")["gate.reproduction"]
    assert outcome.startswith("failed: 'member0' of the model bundle is damaged")


def test_no_signature_and_no_example(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    files = artifacts_of(registry, "2", monkeypatch)
    (files / "input_example.json").unlink()
    model = (files / "MLmodel").read_text()
    (files / "MLmodel").write_text(model.replace("\nsignature:", "\nunknown:"))
    said(registry, 3, version="2")
    assert registry.tags("strong")["gate.signature"] == (
        "failed: the registered version has no signature and no input example; register the model "
        "again"
    )
