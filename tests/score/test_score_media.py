"""New records with pictures, sounds and fields are scored as they are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core import store
from components.core.bundle import Predictor
from components.core.errors import InputError
from components.score import chunks, run
from tests.chain import write_table
from tests.media_bundles import on_disk, picture, sound, write_media_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media_bundle(tmp_path_factory.mktemp("media"))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    on_disk(folder, "p.png", picture())
    for i in range(2):
        on_disk(folder, f"s{i}.wav", sound(i))
    on_disk(folder, "empty.wav", b"")
    on_disk(tmp_path, "outside.png", picture())
    both: dict[str, Any] = {"ecg_image": "p.png", "pcg_audio": "AV=s0.wav;MV=s1.wav"}
    nothing = {"ecg_image": None, "pcg_audio": None, "age": None, "sex": None}
    rows: list[dict[str, object]] = [
        {**both, "age": 61, "sex": "F"},
        {**nothing, "pcg_audio": "s0.wav"},
        {**nothing, "age": 61, "sex": "f"},
        nothing,
        {**both, "pcg_audio": "empty.wav"},
        {**both, "ecg_image": "../outside.png"},
        {**both, "pcg_audio": "s0.wav;absent.wav"},
        {**both, "age": "old"},
    ]
    named = [{"patient_id": f"private{i}", **row} for i, row in enumerate(rows)]
    return write_table(folder / "manifest.csv", named)


def scored(bundle: Path, manifest: Path) -> store.Stage:
    job = run.job(bundle, source="manifest", path=str(manifest))
    return store.build(
        "score", run.identity(job), config=run.config(job), inputs={},
        compute=lambda work: run.score(work, job, workers=1),
    )[0]  # fmt: skip


def test_the_answers_are_those_of_serving(bundle: Path, manifest: Path, data_folder: Path) -> None:
    done, root = scored(bundle, manifest), manifest.parent
    found = pd.read_parquet(done.folder / run.PREDICTIONS)
    asked = [
        {"age": 61, "sex": "F", "ecg_image_path": root / "p.png",
         "pcg_path": f"{root / 's0.wav'};{root / 's1.wav'}"},
        {"pcg_path": str(root / "s0.wav")},
        {"age": 61, "sex": "f"},
    ]  # fmt: skip
    predictor = Predictor(bundle)
    answers = predictor.predict(pd.DataFrame(asked))
    assert found["probability"].tolist() == [each.probability for each in answers]
    assert found["inputs"].tolist() == ["tabular;ecg_image;pcg", "pcg", "tabular"]
    for name in ("tabular", "ecg_image", "pcg"):
        own = [each.contributions.get(name) for each in answers]
        assert found[f"contribution.{name}"].astype(object).where(lambda v: v.notna(), None).tolist(
        ) == own  # fmt: skip
    assert found["quality_note"].str.contains("never abstains").all()
    assert found["fields_note"].tolist() == [each.fields_note for each in answers]
    assert found["fields_note"].str.contains("counts as missing").tolist() == [False, False, True]
    assert chunks.prediction_schema(predictor.facts).names == list(found.columns)


def test_a_bad_file_refuses_its_row(bundle: Path, manifest: Path, data_folder: Path) -> None:
    done = scored(bundle, manifest)
    rejects = pd.read_parquet(done.folder / run.REJECTS).set_index("row")
    assert rejects["code"].to_dict() == {
        5: "input", 6: "empty_file", 7: "path_outside_root", 8: "missing_file", 9: "not_a_number",
    }  # fmt: skip
    assert rejects["reason"][6].startswith("the heart sound cannot be used: the file is empty")
    assert rejects["reason"][7].startswith("the ECG image cannot be used: the path leaves")
    assert "nothing to answer from" in rejects["reason"][5]
    for file in done.folder.rglob("*"):
        assert not file.is_file() or b"private" not in file.read_bytes(), file


def test_a_changed_sound_is_another_job(bundle: Path, manifest: Path) -> None:
    before = run.identity(run.job(bundle, source="manifest", path=str(manifest)))
    on_disk(manifest.parent, "s1.wav", sound(7))
    assert run.identity(run.job(bundle, source="manifest", path=str(manifest))) != before


def test_a_column_that_may_be_misspelt_is_missed(bundle: Path, manifest: Path) -> None:
    frame = pd.read_csv(manifest).rename(columns={"pcg_audio": "pcg_audo"})
    frame.to_csv(manifest, index=False)
    with pytest.raises(InputError, match=r"lacks the column\(s\) pcg_audio"):
        run.job(bundle, source="manifest", path=str(manifest))


def test_a_manifest_that_names_an_ecg_file_too_is_taken(
    bundle: Path, manifest: Path, data_folder: Path
) -> None:
    pd.read_csv(manifest).assign(path="not_looked_at.hea").to_csv(manifest, index=False)
    assert scored(bundle, manifest).counts["predictions"] == 3
