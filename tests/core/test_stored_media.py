"""A bundle of pictures and sounds gives what its networks said of the prepared cohort."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from components.core import store
from components.core.bundle import BundleFacts, MemberFiles, Predictor, write_bundle
from components.core.bundle_media import media_batch
from components.core.bundle_seal import seal
from components.core.data import foldstats
from components.core.data.cohort import Rows, rows_of
from components.core.device import resolve
from components.core.errors import CardioError
from components.core.heads.registry import view
from components.core.media.config import ImageConfig, SoundConfig
from components.core.members import data_spec, load_model
from components.core.models.registry import build_model
from components.core.predict import predict
from components.core.readers.rawfile import DiskFile
from components.core.reproduction import Stored, deviation, plain_rows
from components.core.schemas import MANIFEST
from components.core.store import Stage
from components.core.stored_media import StoredMedia
from tests.bundles import PLATT
from tests.chain import ingest_config, ingested, manifest_of, write_table
from tests.cohorts import ARRAY_SHAPES
from tests.media_bundles import FIELDS, MODEL, write_media_bundle
from tests.media_files import write_picture, write_sound

IMAGE = ImageConfig(height=24, width=36)
SOUND = SoundConfig(windows=3, mels=8, window_s=1.9, hop_s=0.1)
PLACE = resolve("cpu", "fp32")
Build = Callable[..., Stage]


def fake_ingest(samples: pd.Series) -> Stage:
    def fill(work: store.Workspace) -> None:
        pd.DataFrame({"sample_id": samples}).to_parquet(work.path(MANIFEST))

    return store.build("ingest", "1" * 32, config={}, inputs={}, compute=fill)[0]


@pytest.fixture
def held(cohort: Build) -> tuple[Stage, Rows]:
    stage = cohort(ecg=False, arrays=("ecg_image", "pcg"), patients=48)
    return stage, rows_of(stage, "holdout", "test")


def written(folder: Path, rows: Rows) -> tuple[Path, np.ndarray]:
    """Write a bundle with drawn weights; return it and its networks' log-odds of `rows`."""
    spec = data_spec(rows, leads=0, length=0, heads={"toy": 2})
    files, said = [], []
    for seed in range(2):
        torch.manual_seed(seed)
        weights, stats = folder / f"{seed}.safetensors", folder / f"{seed}.json"
        save_file({k: v.contiguous() for k, v in build_model(MODEL, spec).state_dict().items()},
                  str(weights))  # fmt: skip
        foldstats.save(rows.stats, stats)
        files.append(MemberFiles(weights=weights, stats=stats, spec=spec))
        head = view({"toy": {"kind": "binary"}}, "toy")
        said.append(predict(load_model(MODEL, spec, weights), rows, head=head, place=PLACE))
    facts = BundleFacts(
        task="toy", label="toy event", head="toy", model=MODEL, ecg=None, image=IMAGE, sound=SOUND,
        features=FIELDS, members=("member0", "member1"), calibration=json.loads(PLATT.to_json()),
        threshold=0.0, version="v" * 32, cohort={"records": 48.0},
    )  # fmt: skip
    write_bundle(folder / "bundle", facts, files)
    return folder / "bundle", np.mean(said, axis=0)


def test_the_settings_of_this_file_make_the_cohort_s_shapes() -> None:
    assert ARRAY_SHAPES | {"ecg_image": IMAGE.shape, "pcg": SOUND.shape} == ARRAY_SHAPES


def test_what_was_reported_of_arrays_is_reproduced(
    held: tuple[Stage, Rows], tmp_path: Path
) -> None:
    stage, rows = held
    there = np.stack([part.there for part in rows.arrays.values()])
    assert (~there).any(axis=1).all()  # of each modality some record goes without
    folder, logits = written(tmp_path, rows)
    predictor = Predictor(folder)
    stored = Stored(stage, fake_ingest(rows.frame["sample_id"]))
    asked, expected = plain_rows(rows.frame), predictor.calibrated(logits)
    assert deviation(predictor, stored, asked, expected) <= 1e-5
    assert deviation(predictor, stored, asked[::-1], expected) > 1e-3
    answers = [stored.ask(predictor, row) for row in asked]
    given = [tuple(n for n in ("ecg_image", "pcg") if n in each.inputs) for each in answers]
    assert given == [
        tuple(n for n, has in zip(rows.arrays, column, strict=True) if has) for column in there.T
    ]


def test_another_preparation_is_a_fault(held: tuple[Stage, Rows], tmp_path: Path) -> None:
    stage, rows = held
    folder, logits = written(tmp_path, rows)
    stats = json.loads((folder / "member0" / "norm_stats.json").read_text())
    stats["arrays"]["ecg_image"]["shape"] = [1, 24, 40]
    (folder / "member0" / "norm_stats.json").write_text(json.dumps(stats))
    seal(folder)
    stored, predictor = Stored(stage, fake_ingest(rows.frame["sample_id"])), Predictor(folder)
    with pytest.raises(CardioError, match="cannot answer 10 of 10 test records that preparation"):
        deviation(predictor, stored, plain_rows(rows.frame), logits)


def test_files_that_ingest_kept_go_through_the_bundle_s_own_preparation(
    tmp_path: Path, data_folder: Path
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    sounds = [write_sound(raw, f"s{i}.wav", seed=i) for i in range(3)]
    short = write_sound(raw, "short.wav", np.full(1200, 0.1) * np.arange(1200) % 1.0)
    pages = [write_picture(raw, f"p{i}.png", seed=i) for i in range(2)]
    cells: list[dict[str, Any]] = [
        {"ecg_image": pages[0], "pcg_audio": f"AV={sounds[0]};MV={sounds[1]}"},
        {"ecg_image": pages[1], "pcg_audio": None},
        {"ecg_image": None, "pcg_audio": f"AV={short};MV={sounds[2]}"},
    ]
    rows = [{"patient_id": f"p{i}", "label": i % 2, **each} for i, each in enumerate(cells)]
    write_table(raw / "manifest.csv", rows)
    source = ingested(ingest_config("manifest", raw / "manifest.csv"))
    frame = manifest_of(source)
    facts = Predictor(write_media_bundle(tmp_path / "toy", members=1)).facts
    stored = StoredMedia(source, source, frame.set_index("sample_id"))
    sent: list[dict[Any, Any]] = [
        {"ecg_image": pages[:1], "pcg": sounds[:2]}, {"ecg_image": pages[1:]}, {"pcg": sounds[2:]},
    ]  # fmt: skip
    for row, files in zip(plain_rows(frame), sent, strict=True):
        opened = {name: [DiskFile(raw / f, raw) for f in own] for name, own in files.items()}
        expected, found = media_batch(opened, facts), stored.batch(row, facts)
        assert sorted(found) == sorted(expected)
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    left_out = {**plain_rows(frame)[0], "shard.pcg": None}
    assert not stored.batch(left_out, facts)["pcg_mask"].any()
