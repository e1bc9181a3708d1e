"""Copies of embeddings in another part: told from what patients share by nature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from components.audit.checks import modality_pairing, near_identical_embeddings
from components.audit.finding import Audited, Finding
from components.audit.reuse import reused
from components.audit.similarity.vectors import chance_bound
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.copied_embeddings import coarse, copied_pairs
from components.core.modalities import EMBEDDED
from components.core.schemas import MANIFEST
from tests.embedding_cohort import (
    LABEL,
    WIDTHS,
    ingested_embeddings,
    prepared_embeddings,
    write_embedding_cohort,
)

pytestmark = pytest.mark.usefixtures("data_folder")
Values = np.ndarray[Any, np.dtype[np.float32]]
# Of the patient `p001`, in the validation part, to the patient `p002`, in the test part.
DONOR, TAKER = "p001", "p002"
PATIENTS = 60


def _changed(folder: Path, name: str, change: Callable[[list[str], Values], Values]) -> None:
    with h5py.File(folder / f"{name}.h5", "r+") as file:
        ids, data = file["patient_ids"], file["embeddings"]
        assert isinstance(ids, h5py.Dataset)
        assert isinstance(data, h5py.Dataset)
        data[:] = change([each.decode() for each in ids[:]], data[:])


def _copied(noise: float) -> Callable[[list[str], Values], Values]:
    def change(ids: list[str], values: Values) -> Values:
        rng = np.random.default_rng(9)
        values[ids.index(TAKER)] = values[ids.index(DONOR)] + rng.normal(0, noise, values.shape[1])
        return values

    return change


def _few_values(ids: list[str], values: Values) -> Values:
    """Make vectors of one sign a column, of which many are alike."""
    return (values[:, :1] > 0).astype(np.float32) * np.ones_like(values)


def _whole(folder: Path) -> Path:
    """Write a cohort in which everybody has two modalities, of many independent numbers."""
    table = write_embedding_cohort(folder, patients=PATIENTS)
    rng = np.random.default_rng(3)
    for name in ("clinical", "temporal"):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["patient_ids"] = [f"p{i:03d}" for i in range(PATIENTS)]
            file["embeddings"] = rng.normal(size=(PATIENTS, 40)).astype(np.float32)
    frame = pd.read_csv(table)
    frame["part"] = [("train", "val", "test")[i % 3] for i in range(PATIENTS)]
    frame.to_csv(table, index=False)
    return table


def _look(table: Path, *, pool: str = "mean") -> tuple[Finding, pd.DataFrame]:
    source = ingested_embeddings(table, {"split": "part"})
    stage = prepared_embeddings(source, split={"method": "given"}, embeddings={"pool": pool})
    audited = Audited(
        stage=stage, manifest=pd.read_parquet(stage.folder / MANIFEST),
        label=LabelConfig.model_validate(LABEL), config=AuditConfig(), test_looks=0,
    )  # fmt: skip
    return near_identical_embeddings.check(audited), audited.manifest


@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_vectors_of_few_numbers_are_no_copies(tmp_path: Path, pool: str) -> None:
    found, _ = _look(_whole(tmp_path), pool=pool)
    assert found.passed, found.sentence
    assert found.evidence["bounds"]["emb_clinical"] == 0.98
    # Four columns of three factors come near one another by chance.
    assert WIDTHS["spatial"] == 4
    assert found.evidence["bounds"]["emb_spatial"] > 0.99


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_copy_in_one_modality_is_found(tmp_path: Path, noise: float) -> None:
    table = _whole(tmp_path)
    _changed(tmp_path, "temporal", _copied(noise))
    found, frame = _look(table)
    assert not found.passed
    assert found.sentence.startswith("1 pair(s) of embeddings of different patients in different")
    (pair,) = found.evidence["listed"]
    assert (pair["embedding"], pair["row"], pair["of_row"]) == ("emb_temporal", 3, 4)
    again = reused(frame)
    assert set(again) == (set() if noise else {"emb_temporal"})


def _lacking(folder: Path, keep: tuple[str, ...]) -> None:
    """Take the donor's other modalities away."""
    for name in set(WIDTHS) - set(keep):
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            columns = {key: np.asarray(column) for key, column in file.items()}
            kept = columns["patient_ids"].astype("S") != DONOR.encode()
            for key, values in columns.items():
                del file[key]
                file[key] = values[kept]


def test_one_patient_under_two_ids_of_whom_one_lacks_modalities(tmp_path: Path) -> None:
    table = _whole(tmp_path)
    _changed(tmp_path, "temporal", _copied(0.0))
    _changed(tmp_path, "clinical", _few_values)
    _changed(tmp_path, "clinical", _copied(0.0))
    _lacking(tmp_path, ("clinical", "temporal"))
    found, frame = _look(table)
    assert found.evidence["shared_by_many"] == ["emb_clinical"]
    assert {(pair["row"], pair["of_row"]) for pair in found.evidence["listed"]} == {(3, 4)}
    assert reused(frame)["emb_temporal"].recordings == 1
    assert len(copied_pairs(frame, EMBEDDED)[0]) == 1


def test_a_crowd_of_like_vectors_is_nobodys_copy(tmp_path: Path) -> None:
    def empty(ids: list[str], values: Values) -> Values:
        rng = np.random.default_rng(5)
        values[20:28] = 6 + rng.normal(0, 0.01, values[20:28].shape)  # as of empty pictures
        return _copied(0.0)(ids, values)

    table = _whole(tmp_path)
    _changed(tmp_path, "temporal", empty)
    found, _ = _look(table)
    assert found.evidence["records_in_crowds"] == {"emb_temporal": 8}
    assert [(pair["row"], pair["of_row"]) for pair in found.evidence["listed"]] == [(3, 4)]


def test_vectors_that_many_share_say_nothing_alone(tmp_path: Path) -> None:
    table = _whole(tmp_path)
    _changed(tmp_path, "temporal", _few_values)
    found, frame = _look(table)
    assert coarse(frame, "emb_temporal")
    assert not coarse(frame, "emb_clinical")
    assert found.passed, found.sentence
    assert "many patients share the temporal embedding" in found.sentence
    assert found.evidence["shared_by_many"] == ["emb_temporal"]
    assert reused(frame) == {}


def test_patients_alike_in_all_that_they_have_are_copies(tmp_path: Path) -> None:
    # Some have clinical and temporal vectors alone.
    table = _whole(tmp_path)
    for name in ("clinical", "temporal"):
        _changed(tmp_path, name, _few_values)
    found, frame = _look(table)
    assert not found.passed
    assert reused(frame).keys() == {"embeddings"}
    told = modality_pairing.check(
        Audited(stage=None, manifest=frame, label=LabelConfig.model_validate(LABEL),  # type: ignore[arg-type]
                config=AuditConfig(), test_looks=0)
    )  # fmt: skip
    assert "set(s) of 'embeddings' stand under several patient ids" in told.sentence


def test_the_bound_rises_with_pairs_and_falls_with_dimensions() -> None:
    rng = np.random.default_rng(0)

    def bound(count: int, width: int) -> float:
        return chance_bound(rng.normal(size=(count, width)).astype(np.float32), 0.5)

    assert bound(50, 5) > bound(50, 20) > bound(2000, 200) == 0.5
    assert bound(2000, 20) > bound(50, 20)
    assert chance_bound(np.ones((5, 3), np.float32), 0.5) == 1 - 1e-6
    assert chance_bound(np.zeros((5, 3), np.float32), 0.5) == 1 - 1e-6
    assert chance_bound(np.zeros((1, 3), np.float32), 0.5) == 0.5


def test_random_directions_stay_below_the_bound() -> None:
    rng = np.random.default_rng(1)
    above = 0
    for _ in range(20):
        z = rng.normal(size=(200, 6)).astype(np.float32)
        unit = z / np.linalg.norm(z, axis=1, keepdims=True)
        cosine = (unit @ unit.T)[np.triu_indices(200, 1)]
        above += int((cosine >= chance_bound(z, 0.5)).sum())
    assert above <= 3
