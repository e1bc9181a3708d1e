"""A model of event sequences, from its training to the page and the files beside it."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core import store
from components.core.store import Stage, read_stage
from components.explain.cli import main
from tests.chain import task_config, trained
from tests.conftest import Workplace
from tests.event_cohort import LABEL, ingested_stays, prepared_stays, write_stays
from tests.explain.conftest import recorded

FIT = {
    "epochs": 1,
    "batch": 16,
    "lr": 0.01,
    "device": "cpu",
    "precision": "fp32",
    "monitor": "loss",
}
MODEL = {
    "name": "event_transformer", "d_model": 8, "layers": 1, "heads": 1, "feedforward": 8,
    "pool_heads": 1, "hidden": (8, 4),
}  # fmt: skip
QUICK = ("steps=2 randomised=1 noisy=1 orders=1 checked=2 draws=100 overlays=1 records=8 "
         "critical_share=0.01 window_hours=6")  # fmt: skip


@pytest.fixture
def train(workspace: Workplace, tmp_path: Path) -> Stage:
    del workspace
    cohort = prepared_stays(ingested_stays(write_stays(tmp_path, stays=60, longest=12)))
    audit, _ = store.build(
        "audit", "a" * 32, config={}, inputs={"preprocess": cohort.fingerprint},
        compute=lambda work: work.facts.update({"test_split_sha256": "e" * 64, "waived": {}}),
    )  # fmt: skip
    return trained(audit, task_config(fit=FIT, model=MODEL, label=LABEL))


def explained(train: Stage, *more: str) -> Stage:
    given = ["--run", recorded(train), "--set", QUICK, "--methods", "ig", *more]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    found = mlflow.search_runs(search_all_experiments=True, output_format="list",
                               filter_string="tags.component = 'explain'")  # fmt: skip
    return read_stage(train.folder.parents[1] / "explain" / found[0].data.tags["fingerprint"])


def test_the_page_its_pictures_and_tables(train: Stage) -> None:
    stage = explained(train)
    page = (stage.folder / "report.html").read_text()
    for title in ("Which events, and when?", "What do groups of events do together?",
                  "What did the attention do? (attention, not importance)"):  # fmt: skip
        assert title in page
    assert (stage.folder / "plots/captum_attributions.png").read_bytes()[1:4] == b"PNG"
    assert len(list((stage.folder / "plots").glob("row-*-sequence_importance.png"))) == 1
    files = {file.stem for file in (stage.folder / "tables").iterdir()}
    assert {"critical_windows", "interactions", "layer_patterns"} <= files
    assert {f"tables/{name}.parquet" for name in files} <= set(stage.facts["published"])
    manifest = pd.read_parquet(next(train.folder.parents[1].glob("preprocess/*/manifest.parquet")))
    told = page + "".join(
        pd.read_parquet(file).to_csv() for file in (stage.folder / "tables").iterdir()
    )
    for name in [*manifest["sample_id"].astype(str), *manifest["patient_id"].astype(str)]:
        assert name not in told
