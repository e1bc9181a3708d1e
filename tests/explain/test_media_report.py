"""A model of pictures, sounds and fields, from its training to the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
from components.explain.pictures import paper_page
from components.explain.pictures.colour import limit_of, veil
from components.explain.pictures.paper_page import Page, draw_page, grey_page
from components.explain.pictures.spectrogram import Spectrogram, draw_sound
from tests.chain import task_config, trained
from tests.cohorts import ARRAY_SHAPES
from tests.conftest import Workplace
from tests.explain.conftest import recorded
from tests.explain.media_toy import HEARD

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


def test_a_large_page_is_drawn_in_few_pixels() -> None:
    pixels = np.full((3, 500, 700), 300.0)
    pixels[:, :250] = 30.0
    found = grey_page(pixels)
    assert found.shape <= paper_page.MOST
    assert (found[0, 0], found[-1, -1]) == (30.0, 255.0)
    same = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(grey_page(same), same[0])


def test_colour_is_the_sign_and_opacity_the_size() -> None:
    found = veil(np.array([[1.0, -2.0, 0.0, np.nan]]), 2.0)
    assert found[0, 0, 0] > found[0, 0, 2]
    assert found[0, 1, 2] > found[0, 1, 0]
    assert found[0, 1, 3] == pytest.approx(2 * found[0, 0, 3])
    assert found[0, 2:, 3].tolist() == [0, 0]
    assert limit_of([]) == 1.0
    assert limit_of([np.array([[-3.0]]), np.array([[np.nan]])]) == pytest.approx(3.0, rel=0.01)


def test_pictures_name_hertz_seconds_and_the_event() -> None:
    rng = np.random.default_rng(0)
    windows, mels, frames = HEARD.windows, HEARD.mels, 20
    levels = rng.normal(size=(windows, mels, frames))
    shown = Spectrogram(levels=levels, signed=levels, windows=(1, 2, 3), limit=1.0, sound=HEARD)
    plot = draw_sound(shown, name="row-3", event="$x", method="Integrated Gradients")
    bare = draw_sound(replace(shown, sound=None), name="row-3", event="e", method="m")
    assert plot.name == "sound-row-3"
    assert plot.svg != bare.svg
    positive = np.zeros((4, 6))
    page = Page(grey=np.full((8, 12), 200.0), signed=None, positive=positive, limit=1.0)
    nothing = draw_page(page, name="row-3", event="e").svg
    positive[1, 2] = 1.0
    assert draw_page(page, name="row-3", event="e").svg != nothing


def test_strides_cover_the_input() -> None:
    assert planar.stride(6, 192) == 32
