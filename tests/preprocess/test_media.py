"""Pictures and sounds → arrays: in the right rows, by the right settings, nothing lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from components.core.config.sections import PreprocessConfig
from components.core.data import foldstats
from components.core.data.arrays import open_arrays
from components.core.data.cohort import read_everyone, read_part, stats_path
from components.core.data.contents import file_hashes
from components.core.errors import InputError
from components.core.media.config import ImageConfig, SoundConfig
from components.core.media.image import image_array
from components.core.media.sound import log_mel
from components.core.readers.audio import Sound, read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import DiskFile
from components.core.store import Stage
from components.ingest import run as ingest_run
from components.preprocess import media_chunks
from components.preprocess.media import require_something
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of, write_table
from tests.media_files import (
    MEDIA_OPTIONS,
    MEDIA_SETTINGS,
    beat_sounds,
    media_rows,
    write_sound,
)

SPLIT = {"method": "holdout", "fractions": [0.5, 0.25, 0.25]}
ALL = ["ecg_image", "pcg", "tabular"]


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    monkeypatch.setattr(ingest_run, "CHUNK", 10)
    return folder


def _source(raw: Path, rows: list[dict[str, object]]) -> Stage:
    write_table(raw / "manifest.csv", rows)
    return ingested(ingest_config("manifest", raw, MEDIA_OPTIONS, max_reject_rate=1))


def _prepared(raw: Path, rows: list[dict[str, object]], **more: Any) -> Stage:
    settings: dict[str, Any] = {"modalities": ALL, "split": SPLIT, **MEDIA_SETTINGS, **more}
    return prepared(_source(raw, rows), **settings)


def test_every_record_has_its_own_arrays(raw: Path) -> None:
    stage = _prepared(raw, media_rows(raw, patients=24, without=(1, 2, 3)))
    frame = manifest_of(stage)
    assert stage.facts["modalities"] == ["tabular", "ecg_image", "pcg"]
    image, pcg = ImageConfig(**MEDIA_SETTINGS["ecg_image"]), SoundConfig(**MEDIA_SETTINGS["pcg"])
    assert stage.facts["ecg_image"] == image.model_dump(mode="json")
    assert stage.facts["pcg"] == pcg.model_dump(mode="json")
    parts = open_arrays(stage.folder, frame)
    for place, row in enumerate(frame["row"]):
        i, own = int(row) - 2, np.array([place])
        if parts["ecg_image"].there[place]:
            page = image_array(read_image(DiskFile(raw / f"e{i}.png", raw)), image)
            np.testing.assert_array_equal(parts["ecg_image"].values(own)[0], page)
        if parts["pcg"].there[place]:
            made = log_mel([read_audio(DiskFile(raw / f"{n}{i}.wav", raw)) for n in "am"], pcg)
            np.testing.assert_array_equal(parts["pcg"].values(own)[0], made.values)
            valid = parts["pcg"].valid(own)
            assert valid is not None
            assert valid[0].tolist() == [True, True, False]
    assert np.flatnonzero(~parts["ecg_image"].there).tolist() == [1, 3]
    assert np.flatnonzero(~parts["pcg"].there).tolist() == [2, 3]
    assert (stage.counts["records_with_ecg_image"], stage.counts["records_with_pcg"]) == (22, 22)
    assert rejects_of(stage).empty
    assert not (stage.folder / "parts").exists()


def test_statistics_are_those_of_the_training_part(raw: Path) -> None:
    stage = _prepared(raw, media_rows(raw, patients=24, without=(1, 2, 3)))
    frame = manifest_of(stage)
    train = np.flatnonzero((frame["part.holdout"] == "train") & frame["label"].notna())
    saved = foldstats.load(stats_path(stage.folder, "holdout"))
    part = open_arrays(stage.folder, frame)["ecg_image"].take(train)
    pixels = part.values(np.flatnonzero(part.there)).astype(np.float64)
    np.testing.assert_allclose(saved.arrays["ecg_image"].mean, pixels.mean(), rtol=1e-9)
    np.testing.assert_allclose(saved.arrays["ecg_image"].sd, pixels.std(), rtol=1e-9)
    sounds = open_arrays(stage.folder, frame)["pcg"].take(train)
    here = np.flatnonzero(sounds.there)
    valid = sounds.valid(here)
    assert valid is not None
    windows = sounds.values(here)[valid].astype(np.float64)
    np.testing.assert_allclose(saved.arrays["pcg"].mean, windows.mean((0, 2)), rtol=1e-6)


def test_rows_of_a_part_are_batched_with_their_arrays(raw: Path) -> None:
    stage = _prepared(raw, media_rows(raw, patients=24))
    rows = read_part(stage, "holdout", "train")
    assert rows.modalities == ("tabular", "ecg_image", "pcg")
    assert rows.arrays["ecg_image"].values(np.arange(3)).shape == (3, 1, 24, 36)


def test_folds_can_be_put_together_again(raw: Path) -> None:
    stage = _prepared(raw, media_rows(raw, patients=24), split={"method": "folds", "folds": 3})
    assert set(read_everyone(stage, "all").stats.arrays) == {"ecg_image", "pcg"}


def test_sounds_that_cannot_be_used_are_rejects_and_the_record_goes_on(raw: Path) -> None:
    rows = media_rows(raw, patients=24)
    write_sound(raw, "short.wav", beat_sounds(0, seconds=0.2))
    write_sound(raw, "silent.wav", np.zeros(8000))
    rows[4]["pcg_audio"] = "AV=short.wav;PV=a4.wav;MV=silent.wav"
    rows[5]["pcg_audio"] = "AV=short.wav;MV=silent.wav"
    rows[6]["pcg_audio"] = "short.wav"
    stage = _prepared(raw, rows)
    found = rejects_of(stage)[["row", "field", "code"]]
    assert sorted(map(tuple, found.itertuples(index=False))) == [
        (6, "pcg_audio", "silent"), (6, "pcg_audio", "sound_too_short"),
        (7, "pcg_audio", "silent"), (7, "pcg_audio", "sound_too_short"),
        (8, "pcg_audio", "sound_too_short"),
    ]  # fmt: skip
    frame = manifest_of(stage)
    assert len(frame) == 24
    assert list(frame["sites.pcg"][4]) == ["PV"]
    assert np.flatnonzero(frame["shard.pcg"].isna()).tolist() == [5, 6]
    assert frame["sha256.pcg"].isna().sum() == 2
    # The records that share the silent file share nothing that is used.
    used = file_hashes(frame, "pcg")
    assert used.is_unique
    assert used.index.value_counts().to_dict() == {
        i: 1 if i == 4 else 2 for i in range(24) if i not in (5, 6)
    }


def test_a_blank_page_is_a_reject_and_its_record_goes_on(raw: Path) -> None:
    rows = media_rows(raw, patients=24)
    Image.new("RGB", (60, 40), "white").save(raw / "blank.png")
    for i in (4, 5):
        rows[i]["ecg_image"] = "blank.png"
    stage = _prepared(raw, rows)
    assert rejects_of(stage)[["row", "field", "code"]].to_numpy().tolist() == [
        [6, "ecg_image", "blank_image"], [7, "ecg_image", "blank_image"],
    ]  # fmt: skip
    frame = manifest_of(stage)
    assert np.flatnonzero(frame["shard.ecg_image"].isna()).tolist() == [4, 5]
    assert frame["sha256.ecg_image"].dropna().is_unique
    assert frame["shard.pcg"].notna().all()


def test_a_record_without_anything_is_refused(raw: Path) -> None:
    rows = media_rows(raw, patients=24, without=(1, 2, 3))
    rows[3]["age"] = None
    write_sound(raw, "short.wav", beat_sounds(0, seconds=0.2))
    rows[4] |= {"ecg_image": None, "pcg_audio": "short.wav", "age": None}
    stage = _prepared(raw, rows)
    told = list(zip(rejects_of(stage)["row"], rejects_of(stage)["code"], strict=True))
    assert told == [(6, "sound_too_short"), (5, "nothing_left"), (6, "nothing_left")]
    assert len(manifest_of(stage)) == 22


def test_a_modality_that_no_record_has_is_one_clear_error(raw: Path) -> None:
    rows = media_rows(raw, patients=12)
    for row in rows:
        row["ecg_image"] = None
    with pytest.raises(InputError, match=r"none of 12 records has the ECG image, which "
                       r".* column 'ecg_image', or leave"):  # fmt: skip
        _prepared(raw, rows)


def test_a_modality_that_none_can_use_is_one_clear_error(raw: Path) -> None:
    rows = media_rows(raw, patients=12)
    for i, row in enumerate(rows):
        row["pcg_audio"] = write_sound(raw, f"s{i}.wav", beat_sounds(i, seconds=0.2))
    with pytest.raises(InputError, match="heart sound could be used in none of 12 records "
                       r"\(12 × sound_too_short\)"):  # fmt: skip
        _prepared(raw, rows)


def test_a_modality_that_is_not_named_is_left_out(raw: Path) -> None:
    stage = _prepared(raw, media_rows(raw, patients=24), modalities=["pcg"])
    frame = manifest_of(stage)
    assert stage.facts["modalities"] == ["pcg"]
    assert "ecg_image" not in stage.facts
    assert "shard.ecg_image" not in frame
    assert not (stage.folder / "shards" / "ecg_image").exists()


def test_whose_recording_it_is_goes_along(raw: Path) -> None:
    rows = media_rows(raw, patients=24)
    rows[2]["pcg_audio_patient_id"] = "p009"
    frame = manifest_of(_prepared(raw, rows))
    assert "patient.ecg_image" not in frame
    assert frame["patient.pcg"].dropna().to_dict() == {2: "p009"}


def test_finished_chunks_are_not_made_again(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = media_rows(raw, patients=24, without=(1, 2, 3))
    whole = manifest_of(_prepared(raw, rows))
    monkeypatch.setenv("CARDIO_DATA", str(raw.parent / "again"))
    made: list[int] = []

    def dying(sounds: list[Sound], config: SoundConfig) -> object:
        made.append(len(sounds))
        if len(made) == 15:
            raise KeyboardInterrupt
        return log_mel(sounds, config)

    monkeypatch.setattr(media_chunks, "log_mel", dying)
    with pytest.raises(KeyboardInterrupt):
        _prepared(raw, rows)
    pd.testing.assert_frame_equal(manifest_of(_prepared(raw, rows)), whole)
    # 22 records have sounds: eight of the first chunk once, six of the second twice, one died.
    assert len(made) == 22 + 7


def test_an_ingest_stage_that_does_not_tell_its_files_apart(raw: Path) -> None:
    source = _source(raw, media_rows(raw, patients=24))
    manifest = source.folder / "manifest.parquet"
    pd.read_parquet(manifest).drop(columns="files_sha256.pcg").to_parquet(manifest)
    with pytest.raises(InputError, match=r"lacks 'files_sha256\.pcg', so that .* ingest again"):
        prepared(source, modalities=ALL, split=SPLIT, **MEDIA_SETTINGS)


def test_notes_are_left_to_whoever_attaches_them() -> None:
    columns = ["row", "shard", "shard.pcg"]
    frame = pd.DataFrame([[2, None, 0.0], [3, None, None]], columns=columns)
    sounds = PreprocessConfig(modalities=("pcg",))
    kept, refused = require_something(frame, [], sounds)
    assert (kept["row"].tolist(), [each["row"] for each in refused]) == ([2], [3])
    with_notes = PreprocessConfig(modalities=("pcg", "text"))
    assert require_something(frame, [], with_notes)[1] == []
