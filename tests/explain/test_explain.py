"""A trained model is explained through the command line; bad input is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from components.core import runs
from components.core.store import Stage, read_stage
from components.explain import chunks, outputs
from components.explain.cli import main
from tests.explain.conftest import ECG_ONLY, GRADIENT, NOISE, Place, explain
from tests.tracking_names import uncovered

Get = Callable[[str], Place]

pytestmark = pytest.mark.usefixtures("known")


def started(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def refused(*arguments: str) -> str:
    done = started(*arguments)
    assert done.exit_code == 2, done.output
    return done.stderr


def newest() -> Any:
    found = mlflow.search_runs(search_all_experiments=True, output_format="list",
                               filter_string="tags.component = 'explain'")  # fmt: skip
    return found[0]


def stage_of(place: Place) -> Stage:
    return read_stage(place.work.data / "explain" / newest().data.tags["fingerprint"])


def test_a_model_with_ecg_and_table_is_explained(place: Get) -> None:
    at = place("ecg")
    done = started("--run", at.run_id, "--set", "steps=7")
    assert done.exit_code == 0, done.output
    stage = stage_of(at)
    found = pd.read_parquet(stage.folder / outputs.ATTRIBUTIONS)
    records = pd.read_parquet(stage.folder / outputs.RECORDS)
    manifest = at.manifest
    val = manifest[manifest["part.holdout"] == "val"]
    assert records["sample_id"].tolist() == val["sample_id"].tolist()
    assert set(found["method"]) == {"gradient", "ecg_only"}
    assert set(found["kind"]) == {"modality", "segment", outputs.COMPLETENESS}
    _sums_are_the_groups(found, records)
    _noise_has_no_segment(found, records)
    _traces_are_whole(stage, found)
    # What was done is said before it is done.
    said = done.stderr.splitlines()
    before = [k for k, line in enumerate(said) if "2 method(s), about" in line]
    assert f"explain: {len(val)} records by 2 method(s)" in said[before[0]]
    assert "ecg_only  Of the ECG: 7 passes a record, about 0:" in done.stderr
    assert before[0] < next(k for k, line in enumerate(said) if "explain: gradient: " in line)


def _sums_are_the_groups(found: pd.DataFrame, records: pd.DataFrame) -> None:
    own = found[found["method"] == "gradient"]
    wide = own[own["kind"] == "modality"].pivot_table(
        index="sample_id", columns="group", values="value"
    )
    error = own[own["kind"] == outputs.COMPLETENESS].set_index("sample_id")["value"]
    facts = records.set_index("sample_id")
    expected = wide.sum(axis=1) - (facts["log_odds"] - facts["baseline"]).loc[wide.index]
    np.testing.assert_allclose(error.loc[wide.index], expected, atol=1e-6)
    assert set(wide.columns) == {"ecg", "tabular"}


def _noise_has_no_segment(found: pd.DataFrame, records: pd.DataFrame) -> None:
    blank = records["sample_id"].str.extract(r"(\d+)$")[0].astype(int) % NOISE == 0
    assert 0 < blank.sum() < len(records)
    assert (records["beats"] == ~blank).all()
    segments = found[(found["kind"] == "segment") & (found["group"] == "QRS")]
    empty = segments.loc[segments["value"].isna(), "sample_id"]
    assert set(empty) == set(records.loc[blank, "sample_id"])


def _traces_are_whole(stage: Stage, found: pd.DataFrame) -> None:
    for _, row in found[(found["method"] == "gradient") & (found["group"] == "ecg")].iterrows():
        trace = outputs.dense(stage.folder, "gradient", row["sample_id"])
        assert trace.shape == (8, 1000)
        assert trace.sum(dtype=np.float64) == pytest.approx(row["value"], abs=1e-5)
    first = found["sample_id"].iloc[0]
    assert outputs.dense(stage.folder, "gradient", first, "tabular").shape == (1, 1)
    assert outputs.dense(stage.folder, "gradient", first, "text").shape == (0, 0)


def test_a_run_holds_page_figures_and_nobodys_id(place: Get, tmp_path: Path) -> None:
    at = place("ecg")
    done = started("--run", at.run_id)
    assert done.exit_code == 0, done.output
    run = newest()
    local = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id,
                                                     dst_path=str(tmp_path / "got")))  # fmt: skip
    names = {each.relative_to(local).as_posix() for each in local.rglob("*") if each.is_file()}
    assert {"report.html", "attributions.parquet", "records.parquet"} <= names
    for file in (each for each in local.rglob("*") if each.is_file()):
        assert b"secret" not in file.read_bytes()
        assert b"private" not in file.read_bytes()
    assert "secret" not in done.output + str(run.data.tags) + str(run.data.params)
    page = (local / "report.html").read_text()
    assert "no beat was found" in page
    assert "a trace at 0 mV" in page
    assert "no beat was found" in done.stderr
    published = pd.read_parquet(local / "records.parquet")
    own = pd.read_parquet(stage_of(at).folder / outputs.RECORDS)
    rows = at.manifest.set_index("sample_id")["row"]
    assert published["sample_id"].tolist() == [f"row-{rows[i]}" for i in own["sample_id"]]
    assert published["log_odds"].tolist() == own["log_odds"].tolist()


def test_names_in_the_tracking_store_are_documented(place: Get) -> None:
    at = place("table")
    assert started("--run", at.run_id).exit_code == 0
    run = newest()
    assert uncovered(run.data.metrics) == []
    assert uncovered(run.data.params, "Parameters") == []
    assert uncovered(run.data.tags, "Tags") == []
    assert run.data.metrics["explain/records"] == len(at.manifest.query("`part.holdout` == 'val'"))
    assert run.data.params["explain.steps"] == "50"
    assert run.data.tags["explains"] == at.train.fingerprint
    assert run.info.status == "FINISHED"


def test_the_same_explanation_is_not_computed_twice(
    place: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place("table")
    assert started("--run", at.run_id, "--samples", "9").exit_code == 0
    monkeypatch.setattr(chunks, "run_chunks", lambda *_: pytest.fail("computed again"))
    again = started("--run", str(at.train.folder), "--samples", "9")
    assert again.exit_code == 0, again.output
    assert newest().data.tags["computed"] == "False"


def test_each_fold_explains_the_records_that_it_did_not_learn_from(place: Get) -> None:
    at = place("folds")
    done = started("--run", at.run_id, "--part", "test", "--methods", "gradient")
    assert done.exit_code == 0, done.output
    found = pd.read_parquet(stage_of(at).folder / outputs.RECORDS)
    manifest = at.manifest.set_index("sample_id")
    assert len(found) == manifest["label"].notna().sum()
    assert found["fold"].nunique() == 3  # of the second repeat's folds none is needed
    for fold, own in found.groupby("fold"):
        assert (manifest.loc[own["sample_id"], f"part.{fold}"] == "test").all()


def test_the_test_part_is_opened_on_record_only_when_asked_for(place: Get) -> None:
    at = place("table")
    split = at.cohort.facts["test_split_sha256"]
    assert started("--run", at.run_id).exit_code == 0
    assert runs.count_openings(split) == 0
    done = started("--run", at.run_id, "--part", "test")
    assert done.exit_code == 0, done.output
    assert newest().data.tags[runs.TAG_TEST_SPLIT] == split
    assert "has been opened 1 time(s)" in done.stderr


def test_a_killed_run_goes_on_from_its_last_chunk(
    place: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place("table")
    monkeypatch.setattr(chunks, "CHUNK", 5)
    seen: list[int] = []

    def counted(subject: Any, index: Any, config: Any) -> Any:
        seen.append(int(index[0]))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return explain(subject, index, config)

    monkeypatch.setattr(GRADIENT, "explain", counted)
    first = started("--run", at.run_id)
    assert first.exit_code == 130
    second = started("--run", at.run_id)
    assert second.exit_code == 0, second.output
    records = len(at.manifest.query("`part.holdout` == 'val'"))
    assert seen == [0, 5, 10, *range(10, records, 5)]
    stage = stage_of(at)
    assert not (stage.folder / "parts").exists()
    whole = pd.read_parquet(stage.folder / outputs.ATTRIBUTIONS)
    assert whole[whole["group"] == "tabular"]["sample_id"].is_unique
    assert stage.counts["records"] == records


def test_an_explanation_does_not_depend_on_its_chunks(
    place: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place("table")
    tables: list[pd.DataFrame] = []
    for size in (4, 100):
        monkeypatch.setattr(chunks, "CHUNK", size)
        monkeypatch.setattr("components.core.store.source_hash", lambda _, s=size: str(s))
        assert started("--run", at.run_id, "--samples", "10").exit_code == 0
        found = pd.read_parquet(stage_of(at).folder / outputs.ATTRIBUTIONS)
        tables.append(found.sort_values(["sample_id", "kind", "group"], ignore_index=True))
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-5)


def test_a_control_is_opened_and_its_labels_checked(place: Get) -> None:
    at = place("table")
    other = place("shuffled")
    assert at.manifest["row"].tolist() == other.manifest["row"].tolist()
    own = started("--run", other.run_id, "--samples", "4")
    assert own.exit_code == 0, own.output
    assert "the labels were shuffled, there is nothing to explain" in own.stderr
    told = refused("--run", at.run_id, "--control", at.run_id)
    assert "is no control, its labels were not shuffled" in told
    ecg = place("ecg")
    told = refused("--run", ecg.run_id, "--control", other.run_id)
    assert "differs from the model in its records" in told


def test_a_control_that_nothing_is_compared_with_is_refused(place: Get) -> None:
    at, control = place("table"), place("shuffled")
    told = refused("--run", at.run_id, "--control", f" {control.run_id},")
    assert "but this model's inputs are tabular; leave control out" in told
    at, control = place("ecg"), place("ecg_shuffled")
    told = refused("--run", at.run_id, "--control", control.run_id, "--methods", "gradient")
    assert "controls are compared by ig and ablation, but the methods are gradient; name" in told
    assert not (at.work.data / "explain").exists()


def test_a_wrong_method_opens_no_test_part(place: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    at = place("ecg")
    never = SimpleNamespace(NAME="never", TITLE="Never", ORDER=3, why_not=lambda _: "it never does")
    found = {"gradient": GRADIENT, "never": never}
    monkeypatch.setattr("components.explain.method.all_methods", lambda: found)
    monkeypatch.setattr(
        "components.explain.run.segments_of", lambda *_: pytest.fail("delineated before")
    )
    for name, sentence in (
        ("gradiant", "there is no method 'gradiant'"),
        ("never", "the method 'never' does not fit"),
    ):
        assert sentence in refused("--run", at.run_id, "--part", "test", "--methods", name)
    assert runs.count_openings(at.cohort.facts["test_split_sha256"]) == 0


def test_a_run_without_a_model_is_one_sentence(place: Get) -> None:
    at = place("table")
    with runs.open_run("toy", "ingest", {runs.TAG_COMPONENT: "ingest"}) as recorder:
        empty = recorder.run_id
    assert "holds no train stage; name a run that does" in refused("--run", empty)
    assert "neither a run of this tracking store nor a folder" in refused("--run", "abc")
    assert "the registry has no 'models:/none@champion'" in refused(
        "--run", "models:/none@champion"
    )
    assert "no model is named" in refused("--run", "")
    folder = at.cohort.folder
    assert "is a stage of preprocess" in refused("--run", str(folder))
    next(at.train.folder.rglob("best.safetensors")).unlink()
    assert "is missing from stage train" in refused("--run", at.run_id)


def test_a_model_without_that_modality_is_refused(place: Get) -> None:
    at = place("table")
    told = refused("--run", at.run_id, "--methods", "ecg_only")
    done = started("--run", at.run_id, "--samples", "3")
    assert "left out: ecg_only, its inputs are tabular" in done.stderr
    assert "the method 'ecg_only' does not fit this model: its inputs are tabular" in told
    assert "there is no method 'gradiant'; did you mean 'gradient'?" in refused(
        "--run", at.run_id, "--methods", "gradiant"
    )


def test_a_model_that_no_method_fits_is_refused(
    place: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.explain.method.all_methods", lambda: {"ecg_only": ECG_ONLY})
    at = place("table")
    assert "no method fits this model, whose inputs are tabular" in refused("--run", at.run_id)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--samples", "rows:999"), "1 of the 1 samples named are not in the data set"),
        (("--samples", "some"), "names no records in a way that is known; write a number"),
        (("--samples", "1"), "'records' in the settings of explain is '1'"),
        (("--set", "stpes=3"), "unknown key 'stpes' in the settings of explain; did you mean 'ste"),
        (("--set", "steps"), "'set' has 'steps'; write key=value"),
        (("--part", "train"), "'part' in the settings of explain is 'train'"),
        (("--head", "lvef"), "the head 'lvef' was not trained here"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence(
    place: Get, arguments: tuple[str, ...], sentence: str
) -> None:
    at = place("table")
    assert sentence in refused("--run", at.run_id, *arguments)
    assert not (at.work.data / "explain").exists()


def test_a_training_that_no_run_holds_needs_its_task(place: Get) -> None:
    at = place("table")
    mlflow.delete_run(at.run_id)
    folder = str(at.train.folder)
    assert "its task is not known; name it" in refused("--run", folder)
    row = at.manifest.loc[at.manifest["part.holdout"] == "val", "row"].iloc[0]
    done = started("--run", folder, "--task", "toy", "--samples", f"rows:{row}")
    assert done.exit_code == 0, done.output
    assert newest().data.metrics["explain/records"] == 1
