"""A manifest's notes reach the model, and every head's answer has its columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from benchmarks.harness.tiny_model import write_model
from components.core import store
from components.core.bundle import Predictor
from components.core.bundle_answer import outputs
from components.core.config.text import TextConfig
from components.core.errors import ConfigError, InputError
from components.core.store import Stage
from components.core.text.huggingface import load_encoder
from components.score import run
from components.score.chunks import prediction_schema
from components.score.cli import main
from tests.bundles import write_toy_bundle
from tests.chain import beats, write_table, write_wfdb
from tests.head_bundles import CORPUS, HORIZONS, HeadsOptions, write_heads_bundle

NOTES = [CORPUS[0], CORPUS[1], None, "LVEF 30 %, " + CORPUS[0], "NA"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heads_bundle(tmp_path_factory.mktemp("heads"))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    write_wfdb(folder, "r", beats(0, seconds=6))
    rows: list[dict[str, object]] = [
        {"patient_id": f"private{i}", "path": "r.hea", "age": 61, "sex": "F",
         "clinical_notes": note}
        for i, note in enumerate(NOTES)
    ]  # fmt: skip
    rows.append({**rows[0], "path": "absent.hea"})
    return write_table(folder / "manifest.csv", rows)


def scored(bundle: Path, manifest: Path, *, text_encoder: str = "") -> Stage:
    job = run.job(bundle, source="manifest", path=str(manifest), text_encoder=text_encoder)
    return store.build(
        "score", run.identity(job), config=run.config(job), inputs={},
        compute=lambda work: run.score(work, job, workers=1),
    )[0]  # fmt: skip


def test_notes_reach_the_heads_and_their_answers_the_table(
    bundle: Path, manifest: Path, data_folder: Path
) -> None:
    done = scored(bundle, manifest)
    found = pd.read_parquet(done.folder / run.PREDICTIONS)
    own = Predictor(bundle)
    rows = pd.DataFrame(
        {"ecg_path": str(manifest.parent / "r.hea"), "age": 61.0, "sex": "F",
         "clinical_notes": [None if note == "NA" else note for note in NOTES]}
    )  # fmt: skip
    answers = own.predict(rows)
    for column, head, name in outputs(own.facts):
        assert found[column].tolist() == [each.heads[head][name] for each in answers], column
    # A row without a note is answered, in whatever way the table says that there is none.
    assert found["lvef.p"][2] == found["lvef.p"][4]
    # A stated LVEF is masked, and the mask is no word that the model knows.
    assert found["lvef.p"][3] == found["lvef.p"][0]
    assert found["lvef.p"].nunique() == 3
    assert (np.diff(found[[f"survival.{day}" for day in HORIZONS]], axis=1) >= 0).all()
    assert (found["lvef.p"] - found["probability"]).abs().max() < 1e-12
    assert done.counts["rejects"] == 1


def test_the_table_keeps_its_schema(bundle: Path, manifest: Path, data_folder: Path) -> None:
    done = scored(bundle, manifest)
    facts = Predictor(bundle).facts
    schema = pq.read_schema(done.folder / run.PREDICTIONS).remove_metadata()
    assert schema.equals(prediction_schema(facts))
    assert schema.names[-15:] == [name for name, _, _ in outputs(facts)]
    for file in done.folder.rglob("*"):
        text = file.read_bytes() if file.is_file() else b""
        assert b"private" not in text, file
        assert b"dyspnoea" not in text, file


def test_a_table_of_rejects_alone_has_the_heads_columns(
    bundle: Path, manifest: Path, data_folder: Path
) -> None:
    pd.read_csv(manifest).tail(1).to_csv(manifest, index=False)
    found = pd.read_parquet(scored(bundle, manifest).folder / run.PREDICTIONS)
    assert len(found) == 0
    assert found["survival.365"].dtype == np.float64


def test_a_model_that_reads_notes_wants_their_column(
    bundle: Path, manifest: Path, tmp_path: Path
) -> None:
    pd.read_csv(manifest).rename(columns={"clinical_notes": "clinical_note"}).to_csv(
        manifest, index=False
    )
    with pytest.raises(InputError, match=r"lacks the column\(s\) clinical_notes; 'clinical_note'"):
        run.job(bundle, source="manifest", path=str(manifest))
    plain = write_toy_bundle(tmp_path)  # reads no notes, so that it wants no column
    assert run.job(plain, source="manifest", path=str(manifest)).column == "path"


def test_a_frozen_encoder_is_named_by_its_folder(
    manifest: Path, bundle: Path, tmp_path: Path, data_folder: Path
) -> None:
    folder = write_model(tmp_path / "bert", ["dyspnoea", "legs"], width=16, longest=32)
    identity = load_encoder(
        TextConfig(encoder="huggingface", model=str(folder), overlap=8), "cpu"
    ).identity
    own = write_heads_bundle(tmp_path / "heads", HeadsOptions(encoder=identity))
    found = pd.read_parquet(
        scored(own, manifest, text_encoder=str(folder)).folder / run.PREDICTIONS
    )
    assert found["risk.high"].nunique() > 2
    with pytest.raises(InputError, match=r"the encoder 'bert', which .* its folder as text_encod"):
        run.job(own, source="manifest", path=str(manifest))
    with pytest.raises(ConfigError, match=r"'text_encoder' is '.*', but the model reads no notes"):
        run.job(bundle, source="manifest", path=str(manifest), text_encoder=str(folder))


def test_the_command_hands_the_folder_on(
    bundle: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.core.registry.bundle_folder", lambda reference: bundle)
    given = ["--run", "any", "--path", str(manifest), "--text-encoder", "/no/folder"]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 2
    assert "'text_encoder' is '/no/folder'" in result.stderr
