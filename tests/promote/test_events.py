"""A candidate that reads event sequences is asked by the criteria as any other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from components.promote.cli import main
from tests.chain import audited, task_config, trained
from tests.conftest import _forget_mlflow
from tests.event_bundles import MODEL
from tests.event_cohort import LABEL, ingested_stays, prepared_stays, write_stays
from tests.promote.cohorts import LENIENT, SKIP, evaluated, isolated, registered

FIT: dict[str, Any] = {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32"}
NAME = "mortality"


def test_its_bundle_says_what_was_reported(
    tmp_path: Path, migrated_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", isolated(migrated_store, tmp_path))
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    cohort = prepared_stays(ingested_stays(write_stays(tmp_path, stays=90)))
    evaluate = {"draws": 100, "baselines": (), "skip": SKIP}
    task = task_config(model=MODEL, fit=FIT, label=LABEL, evaluate=evaluate)
    registered(evaluated(trained(audited(cohort, label=LABEL), task), task), name=NAME)
    said = CliRunner().invoke(main, ["--model", NAME, "--set", LENIENT, "--dry-run", "true"])
    _forget_mlflow()
    assert re.search(r"signature +│ passed", said.output)
    assert re.search(r"reproduction +│ passed +│ the registered bundle's probab", said.output)
