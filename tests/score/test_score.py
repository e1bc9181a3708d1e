"""New records are answered as in serving, refused by row, and named by their lines only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core import runs, store
from components.core.bundle import Predictor
from components.core.bundle_answer import COLUMNS
from components.core.bundle_seal import seal
from components.core.errors import ConfigError, InputError
from components.core.registry import bundle_folder, register, source_run
from components.core.store import Stage
from components.score import chunks, run
from components.score.cli import main
from tests.bundles import write_toy_bundle
from tests.chain import beats, write_table, write_wfdb
from tests.conftest import Workplace


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    rows: list[dict[str, object]] = []
    for i in range(5):
        path = write_wfdb(folder, f"r{i}", beats(i, seconds=6))
        rows.append({"patient_id": f"private{i // 2}", "path": path, "age": 50 + i, "sex": "F"})
    (tmp_path / "outside.hea").write_text("x")
    wrong = {"patient_id": "private9", "path": "r0.hea", "age": 40, "sex": "M"}
    rows += [
        {**wrong, "path": "absent.hea"}, {**wrong, "age": "old"}, {**wrong, "path": None},
        {**wrong, "patient_id": None}, {**wrong, "path": "../outside.hea"}, {**wrong, "age": "NA"},
    ]  # fmt: skip
    return write_table(folder / "manifest.csv", rows)


def scored(bundle: Path, manifest: Path, **options: Any) -> Stage:
    job = run.job(bundle, source="manifest", path=str(manifest))
    return store.build(
        "score", run.identity(job), config=run.config(job), inputs={},
        compute=lambda work: run.score(work, job, workers=1, **options),
    )[0]  # fmt: skip


def read(done: Stage) -> tuple[pd.DataFrame, pd.DataFrame]:
    return tuple(pd.read_parquet(done.folder / name) for name in (run.PREDICTIONS, run.REJECTS))


def test_the_answers_are_those_of_serving(bundle: Path, manifest: Path, data_folder: Path) -> None:
    found, _ = read(scored(bundle, manifest))
    raw = pd.read_csv(manifest).iloc[[0, 1, 2, 3, 4, 10]]
    inputs = raw.assign(ecg_path=[str(manifest.parent / p) for p in raw["path"]])
    answers = Predictor(bundle).predict(inputs.replace({"NA": None}))
    assert found["probability"].tolist() == [a.probability for a in answers]
    assert found["logit"].tolist() == [a.logit for a in answers]
    assert found["quality"].tolist() == [a.quality for a in answers]
    assert set(found["interval_note"]) == {"2 network(s) in the ensemble, fewer than 5"}
    assert set(found["version"]) == {"v" * 32}
    assert found["sample_id"].tolist() == [f"row-{n}" for n in (2, 3, 4, 5, 6, 12)]
    assert found["patient_id"].tolist()[:5] == [f"patient-{n}" for n in (2, 2, 4, 4, 6)]


def test_every_other_row_is_refused_with_its_reason(
    bundle: Path, manifest: Path, data_folder: Path
) -> None:
    done = scored(bundle, manifest)
    found, rejects = read(done)
    assert dict(zip(rejects["row"], rejects["code"], strict=True)) == {
        7: "missing_file", 8: "not_a_number", 9: "missing_value", 10: "missing_value",
        11: "path_outside_root",
    }  # fmt: skip
    assert done.counts == {"records": 11, "predictions": 6, "rejects": 5, "abstained": 0}
    assert len(found) == 6
    assert "missing_value,2" in run.reject_summary(done.folder)
    assert "11 records: 6 answered, 0 the model abstains from, 5 refused" in run.lines(done)[0]


def test_no_id_is_written(bundle: Path, manifest: Path, data_folder: Path) -> None:
    done = scored(bundle, manifest)
    for file in done.folder.rglob("*"):
        assert not file.is_file() or b"private" not in file.read_bytes(), file
    assert not (done.folder / "parts").exists()


def test_a_killed_run_goes_on_from_its_last_chunk(
    bundle: Path, manifest: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHUNK", 3)
    asked: list[int] = []
    plain = chunks._ask

    def counted(stop: int) -> Callable[..., Any]:
        def ask(predictor: Predictor, record: Any, *more: Any) -> Any:
            asked.append(record.row)
            if len(asked) == stop:
                raise KeyboardInterrupt
            return plain(predictor, record, *more)

        return ask

    monkeypatch.setattr(chunks, "_ask", counted(8))
    with pytest.raises(KeyboardInterrupt):
        scored(bundle, manifest)
    asked.clear()
    monkeypatch.setattr(chunks, "_ask", counted(-1))
    done = scored(bundle, manifest)
    assert asked == list(range(8, 13))  # two chunks of three were finished
    assert done.counts["records"] == 11
    assert read(done)[0]["sample_id"].is_unique


def test_abstaining_rows_stay_without_a_probability(
    tmp_path: Path, manifest: Path, data_folder: Path
) -> None:
    (tmp_path / "own").mkdir()
    folder = write_toy_bundle(tmp_path / "own")
    facts = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(facts.replace('"min_quality": 0.0', '"min_quality": 1.0'))
    seal(folder)
    done = scored(folder, manifest)
    found, _ = read(done)
    assert done.counts["abstained"] == 6
    assert found["abstain"].all()
    assert found["probability"].isna().all()
    assert found["abstain_reason"].str.contains("below 1").all()


def test_a_tabular_model_takes_a_table_without_files(tmp_path: Path, data_folder: Path) -> None:
    rows = [{"patient_id": "a", "age": 60, "sex": "F"}, {"patient_id": "b", "age": None, "sex": ""}]
    table = write_table(tmp_path / "manifest.csv", rows)
    found, rejects = read(scored(write_toy_bundle(tmp_path, ecg=False), table))
    assert np.isfinite(found["probability"]).all()
    assert (len(found), len(rejects)) == (2, 0)


def test_what_cannot_be_scored_is_refused(bundle: Path, tmp_path: Path, manifest: Path) -> None:
    with pytest.raises(ConfigError, match="'source' is 'table'; did you mean 'event_table'"):
        run.job(bundle, source="table", path=str(manifest))
    with pytest.raises(InputError, match="is no model bundle"):
        run.job(tmp_path, source="manifest", path=str(manifest))
    frame = pd.read_csv(manifest)
    frame.drop(columns="path").to_csv(manifest, index=False)
    with pytest.raises(InputError, match=r"has 0 of the columns path, .*; the model"):
        run.job(bundle, source="manifest", path=str(manifest))
    frame.drop(columns="age").to_csv(manifest, index=False)
    with pytest.raises(InputError, match=r"lacks the column\(s\) age"):
        run.job(bundle, source="manifest", path=str(manifest.parent))


def test_the_schema_of_a_model_without_other_heads_is_the_shared_one(bundle: Path) -> None:
    facts = Predictor(bundle).facts
    shared = [name for name in COLUMNS if name not in {"abstain", "error"}]
    names = chunks.prediction_schema(facts).names
    assert names == ["sample_id", "patient_id", *shared, "abstain"]


def test_a_manifest_without_rows_is_refused(
    bundle: Path, manifest: Path, data_folder: Path
) -> None:
    pd.read_csv(manifest).head(0).to_csv(manifest, index=False)
    with pytest.raises(InputError, match=r"'manifest.csv' holds no records; it has a header"):
        scored(bundle, manifest)


def _evaluation(bundle: Path) -> Stage:
    def fill(work: store.Workspace) -> None:
        shutil.copytree(bundle, work.folder / "bundle")

    return store.build("evaluate", "e" * 32, config={}, inputs={}, compute=fill)[0]


def test_a_registered_model_scores_by_its_alias(
    bundle: Path, manifest: Path, workspace: Workplace
) -> None:
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, bundle, name="toy_head", alias="candidate", tags={})
    for reference in ("models:/toy_head@candidate", "models:/toy_head/1"):
        assert source_run(reference) == recorder.run_id
    result = CliRunner().invoke(
        main, ["--run", "models:/toy_head@candidate", "--path", str(manifest), "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    newest = client.search_runs([experiment.experiment_id], order_by=["start_time DESC"])[0]
    assert newest.data.tags["component"] == "score"
    assert newest.data.metrics["score/predictions"] == 6
    names = {a.path for a in client.list_artifacts(newest.info.run_id)}
    assert names == {"predictions.parquet", "rejects_by_reason.csv"}
    (stage,) = (workspace.data / "score").glob("[0-9a-f]*")
    own = _evaluation(bundle)
    again = scored(bundle_folder(str(own.folder)), manifest)
    assert again.folder == stage  # the same model by another name: found finished
    client.delete_model_version_tag("toy_head", "1", "source_run")
    with pytest.raises(InputError, match="does not say which run it came from"):
        source_run("models:/toy_head/1")


@pytest.mark.parametrize("reference", ["models:/absent@candidate", "models:/absent/1", "models:/a"])
def test_an_unknown_model_is_named(reference: str, workspace: Workplace) -> None:
    for function in (source_run, bundle_folder):
        with pytest.raises(InputError, match=f"the registry has no '{reference}'; write models:/"):
            function(reference)
    assert source_run("0123abcd") == "0123abcd"


def test_an_evaluation_without_a_bundle_is_named(bundle: Path, data_folder: Path) -> None:
    empty = store.build("evaluate", "f" * 32, config={}, inputs={}, compute=lambda work: None)[0]
    with pytest.raises(InputError, match="holds no model bundle; name an evaluation that made one"):
        bundle_folder(str(empty.folder))
