"""A model of pictures, sounds and fields, from its training to the page."""

from __future__ import annotations

from collections.abc import Callable

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core import store
from components.core.attribution.tiles import stored_shape
from components.core.store import Stage, read_stage
from components.explain import outputs, planar
from components.explain.cli import main
from tests.chain import task_config, trained
from tests.cohorts import ARRAY_SHAPES
from tests.conftest import Workplace
from tests.explain.conftest import recorded

MODEL = {"name": "multimodal", "image_width": 4, "image_depth": 2, "sound_width": 4,
         "sound_depth": 2}  # fmt: skip
FIT = {"epochs": 2, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "fp32", "seeds": (0,)}
QUICK = "steps=4 permutations=6 randomised=1 noisy=1 orders=1 checked=8 draws=100 overlays=5"


@pytest.fixture
def train(workspace: Workplace, cohort: Callable[..., Stage]) -> Stage:
    del workspace
    # The second fold's validation part has records without a picture, and others without a sound.
    stage = cohort(ecg=False, arrays=("ecg_image", "pcg"), patients=40, folds=("a", "b"))
    store.build("ingest", "0" * 32, config={}, inputs={}, compute=lambda work: None)
    audit, _ = store.build(
        "audit", "a" * 32, config={}, inputs={"preprocess": stage.fingerprint},
        compute=lambda work: work.facts.update({"test_split_sha256": "e" * 64, "waived": {}}),
    )  # fmt: skip
    return trained(audit, task_config(fit=FIT, model=MODEL))


def explained(train: Stage, settings: str) -> Stage:
    # Of the first two the picture is missing, of the third the sound.
    asked = ["--run", recorded(train), "--samples", "rows:1,13,9,17,5", "--set", settings]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    found = mlflow.search_runs(search_all_experiments=True, output_format="list",
                               filter_string="tags.component = 'explain'")  # fmt: skip
    folder = train.folder.parents[1] / "explain" / found[0].data.tags["fingerprint"]
    return read_stage(folder)


def test_what_records_lack_is_neither_told_nor_drawn(train: Stage) -> None:
    stage = explained(train, QUICK)
    manifest = pd.read_parquet(
        read_stage(read_stage(train.input_folder("audit")).input_folder("preprocess")).folder
        / "manifest.parquet"
    ).set_index("sample_id")
    records = pd.read_parquet(stage.folder / outputs.RECORDS)["sample_id"]
    traces = pd.read_parquet(stage.folder / outputs.TRACES)
    plots = {file.stem for file in (stage.folder / "plots").iterdir()}
    for name, picture in (("ecg_image", "page"), ("pcg", "sound")):
        own = manifest.loc[records, f"shard.{name}"]
        there = set(own.index[own.notna()])
        assert 0 < len(there) < len(records)
        assert set(traces.loc[traces["modality"] == name, "sample_id"]) == there
        rows = {f"{picture}-row-{manifest.loc[each, 'row']}" for each in there}
        assert {plot for plot in plots if plot.startswith(f"{picture}-")} == rows
        width = int(np.prod(stored_shape(ARRAY_SHAPES[name])))  # type: ignore[index]
        found = outputs.dense(stage.folder, "ig", min(there), name)
        assert found.shape == (1, width)
    page = (stage.folder / "report.html").read_text()
    assert "a page of white paper" in page
    assert "the mean level of each frequency band over the training part" in page
    assert "Pictures of ECG pages stand on this page" in page
    assert {"ig-region", "ig-band", "ig-modality", "ig-variables", "grad_cam-region"} <= plots
    published = pd.read_parquet(stage.folder / "published" / outputs.ATTRIBUTIONS)
    assert {"region", "patch", "band", "modality", "variable"} <= set(published["kind"])


def test_nobody_is_drawn_where_that_is_asked_for_or_no_method_follows(train: Stage) -> None:
    for settings, methods in ((" overlays=0", ""), ("", "shapley")):
        stage = explained(train, f"{QUICK}{settings} methods=[{methods}]")
        drawn = [f for f in (stage.folder / "plots").iterdir() if f.stem.startswith("page-")]
        assert not drawn


def test_grad_cam_alone_is_drawn_without_colours_of_signs(train: Stage) -> None:
    stage = explained(train, f"{QUICK} methods=[grad_cam]")
    drawn = [f.stem for f in (stage.folder / "plots").iterdir()]
    assert any(name.startswith("page-") for name in drawn)
    assert not any(name.startswith("sound-") for name in drawn)


def test_strides_cover_the_input() -> None:
    assert planar.stride(6, 192) == 32
