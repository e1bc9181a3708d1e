"""The card of a registered version, from the run that made it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR

from components.core import model_card, runs
from components.core.errors import InputError
from components.core.model_card import card_page
from tests.conftest import Workplace

CARD = "<!doctype html><title>Karte für Ärzte</title>"


def registered(run_id: str | None) -> str:
    """Return the number of a new version that names a run."""
    client = runs.connect()
    if not client.search_registered_models():
        client.create_registered_model("toy_head")
    tags = {} if run_id is None else {"source_run": run_id}
    return str(client.create_model_version("toy_head", "mlflow-artifacts:/none", tags=tags).version)


def with_card(folder: Path, text: str = CARD) -> str:
    """Return a run with a card among other artifacts."""
    file = folder / "model_card.html"
    file.write_text(text, encoding="utf-8")
    with runs.open_run("toy", "train_toy", {}) as recorder:
        recorder.artifact(file)
        recorder.text("# card", "model_card.md")
    return recorder.run_id


def test_the_card_is_that_of_the_versions_own_run(workspace: Workplace) -> None:
    run_id = with_card(workspace.folder)
    first = registered(run_id)
    second = registered(with_card(workspace.folder, "<p>another</p>"))
    assert card_page("toy_head", first) == CARD
    runs.connect().delete_run(run_id)  # into the bin
    assert card_page("toy_head", first) == CARD
    assert card_page("toy_head", second) == "<p>another</p>"


def test_a_version_without_a_card_has_none(workspace: Workplace) -> None:
    with runs.open_run("toy", "train_toy", {}) as recorder:
        recorder.text("<p>elsewhere</p>", "report/model_card.html")
    assert card_page("toy_head", registered(recorder.run_id)) is None
    assert card_page("toy_head", registered(None)) is None
    assert card_page("toy_head", registered("0" * 32)) is None  # a run that is gone
    run_id = with_card(workspace.folder)
    number = registered(run_id)
    for folder in (workspace.folder / "mlruns").rglob(run_id):
        shutil.rmtree(folder)
    assert card_page("toy_head", number) is None


def test_an_unknown_version_is_told(workspace: Workplace) -> None:
    registered(None)
    with pytest.raises(InputError, match="toy_head has no version '7'"):
        card_page("toy_head", "7")


def test_a_fault_of_the_server_is_no_missing_card(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = registered("0" * 32)

    def down(run_id: str) -> None:
        raise MlflowException("down", error_code=INTERNAL_ERROR)

    client = SimpleNamespace(list_artifacts=down)
    monkeypatch.setattr(model_card, "connect", lambda: client)
    with pytest.raises(MlflowException, match="down"):
        card_page("toy_head", number)
