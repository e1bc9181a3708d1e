"""A model of embeddings, from its training to the page."""

from __future__ import annotations

import re
from collections.abc import Callable

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core import store
from components.core.modalities import EMBEDDED
from components.core.store import Stage, read_stage
from components.explain import outputs
from components.explain.cli import main
from tests import embedding_standin
from tests.chain import task_config, trained
from tests.cohorts import ARRAY_SHAPES
from tests.conftest import Workplace
from tests.embedding_bundles import know_standin
from tests.explain.conftest import recorded

know_standin()
FIT = {"epochs": 2, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "fp32", "seeds": (0,)}
QUICK = "steps=4 permutations=6 randomised=1 noisy=1 orders=1 checked=8 draws=100 overlays=4"


@pytest.fixture
def train(workspace: Workplace, cohort: Callable[..., Stage]) -> Stage:
    del workspace
    stage = cohort(ecg=False, arrays=EMBEDDED, patients=40, folds=("a", "b"))
    store.build("ingest", "0" * 32, config={}, inputs={}, compute=lambda work: None)
    audit, _ = store.build(
        "audit", "a" * 32, config={}, inputs={"preprocess": stage.fingerprint},
        compute=lambda work: work.facts.update({"test_split_sha256": "e" * 64, "waived": {}}),
    )  # fmt: skip
    model = {"name": embedding_standin.NAME}
    return trained(audit, task_config(fit=FIT, model=model))


def explained(train: Stage, settings: str, *more: str) -> Stage:
    done = CliRunner().invoke(main, ["--run", recorded(train), "--set", settings, *more])
    assert done.exit_code == 0, done.output
    found = mlflow.search_runs(search_all_experiments=True, output_format="list",
                               filter_string="tags.component = 'explain'")  # fmt: skip
    folder = train.folder.parents[1] / "explain" / found[0].data.tags["fingerprint"]
    return read_stage(folder)


def test_the_page_tells_of_every_embedding_and_of_its_entries(train: Stage) -> None:
    stage = explained(train, QUICK)
    page = (stage.folder / "report.html").read_text()
    compared = "each embedding: the mean of each of its entries over the training part"
    assert page.count("the mean of each of its entries over the training part") == 2
    assert f"<dd>{compared}</dd>" in page
    assert f"What a record is compared with, of {compared}." in page
    assert "Which entries of the embeddings count most?" in page
    gone = "What takes the place of a whole modality, of each embedding: what the networks make of"
    assert page.count("what the networks make of its absence") == page.count(gone) == 1
    assert "Blocks of entries are set to the baseline." in page
    assert "emb_" not in page
    assert re.search("clinical embedding: (age|creatinine|crp|ldh|stage|grade)", page)
    assert re.search(r"spatial embedding: entry \d", page)
    assert "Leads, segments" not in page
    manifest = pd.read_parquet(
        read_stage(read_stage(train.input_folder("audit")).input_folder("preprocess")).folder
        / "manifest.parquet"
    ).set_index("sample_id")
    records = pd.read_parquet(stage.folder / outputs.RECORDS)["sample_id"]
    traces = pd.read_parquet(stage.folder / outputs.TRACES)
    table = pd.read_parquet(stage.folder / outputs.ATTRIBUTIONS)
    for name in EMBEDDED:
        own = manifest.loc[records, f"shard.{name}"]
        there = set(own.index[own.notna()])
        assert 0 < len(there) < len(records)
        assert set(traces.loc[traces["modality"] == name, "sample_id"]) == there
        width = int(np.prod(ARRAY_SHAPES[name]))
        assert outputs.dense(stage.folder, "ig", min(there), name).shape == (1, width)
        mine = table[(table["kind"] == "modality") & (table["group"] == name)]
        assert set(mine.loc[mine["value"].notna(), "sample_id"]) == there
    assert {"ig", "ablation", "shapley"} == set(table["method"])
    own = table[table["kind"] == "block_clinical"]
    assert set(own["method"]) == {"ig", "ablation"}
    assert set(own["group"]) == {
        f"clinical entry {number + 1}: {name}"
        for number, name in enumerate(["age", "creatinine", "crp", "ldh", "stage", "grade"])
    }
    assert "30 blocks of entries of the embeddings, " in page
    plots = {file.stem for file in (stage.folder / "plots").iterdir()}
    assert len([plot for plot in plots if plot.startswith("embeddings-row-")]) == 4
    assert {"ig-entry", "ig-modality", "ablation-modality", "shapley-modality"} <= plots
    assert "not there: " in page
    figures = stage.facts["figures"]
    for method in ("ig", "ablation", "shapley"):
        assert np.isfinite(figures[f"explain/deletion_gain/{method}"])
        assert np.isfinite(figures[f"explain/agreement/{method}"])


def test_the_page_without_gradients_tells_of_no_entries(train: Stage) -> None:
    stage = explained(train, f"{QUICK} overlays=0", "--methods", "shapley")
    page = (stage.folder / "report.html").read_text()
    assert "Which entries of the embeddings count most?" not in page
    assert not [f for f in (stage.folder / "plots").iterdir() if "embeddings-row" in f.name]
