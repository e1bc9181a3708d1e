"""New patients out of HDF5 files of embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from components.core import store
from components.core.bundle import Predictor
from components.core.embedding_files.ids import CollidingIdsError
from components.core.embedding_files.layout import Files
from components.core.errors import ConfigError, InputError
from components.core.readers.hdf5 import read_vectors
from components.core.schemas import REJECTS
from components.core.store import Stage
from components.score import run
from components.score.embeddings import PATIENTS
from tests.conftest import Workplace
from tests.embedding_bundles import know_standin, vectors, write_embedding_bundle

know_standin()
FILES = Files.model_validate(
    {
        "files": {
            "clinical": "clinical.h5",
            "temporal": "temporal.h5",
            "spatial": {"file": "spatial.h5", "patches": True, "quality": "quality"},
        }
    }
)


def write(path: Path, ids: list[str], values: Any, **more: Any) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("patient_ids", data=ids, dtype=h5py.string_dtype())
        file.create_dataset("embeddings", data=np.asarray(values, np.float32))
        for name, own in more.items():
            file.create_dataset(name, data=own)


@pytest.fixture
def folder(workspace: Workplace) -> Path:
    """Four patients: two have what others lack, one holds NaN, one a wrong quality."""
    found = workspace.folder / "new"
    found.mkdir()
    own = [vectors(seed) for seed in range(3)]
    write(found / "clinical.h5", ["secret-b", "secret-a"],
          [own[0]["emb_clinical"], own[1]["emb_clinical"]])  # fmt: skip
    patches = [*own[1]["emb_spatial"], *own[2]["emb_spatial"][:1], *own[2]["emb_spatial"][:1]]
    patches[-1] = [np.nan, *patches[-1][1:]]
    ids = [*["secret-a"] * 5, "secret-c", "secret-d"]
    write(found / "spatial.h5", ids, patches, quality=[0.5] * 5 + [1.5, 1.0])
    return found


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_embedding_bundle(tmp_path, members=1, files=FILES)


def scored(bundle: Path, path: Path, **more: Any) -> Stage:
    job = run.job(bundle, source="hdf5_embeddings", path=str(path), **more)
    return store.build(
        "score", run.identity(job), config=run.config(job), inputs={},
        compute=lambda work: run.score(work, job, workers=1),
    )[0]  # fmt: skip


def test_patients_are_answered_by_whatever_files_hold_of_them(bundle: Path, folder: Path) -> None:
    done = scored(bundle, folder)
    found = pd.read_parquet(done.folder / run.PREDICTIONS).set_index("sample_id")
    predictor, own = Predictor(bundle), [vectors(seed) for seed in range(2)]
    first = predictor.answer(
        {"emb_clinical": own[1]["emb_clinical"], "emb_spatial": own[1]["emb_spatial"],
         "emb_spatial_quality": 0.5}
    )  # fmt: skip
    second = predictor.answer({"emb_clinical": own[0]["emb_clinical"]})
    assert found.index.tolist() == ["row-1", "row-2"]
    assert found["logit"].tolist() == pytest.approx([first.logit, second.logit], abs=1e-6)
    assert found["inputs"].tolist() == ["emb_clinical;emb_spatial", "emb_clinical"]
    assert found.loc["row-2", "imputed"] == ";".join(second.imputed)
    assert found.loc["row-2", "confidence.emb_spatial"] == pytest.approx(
        second.imputed["emb_spatial"].confidence
    )
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert dict(zip(rejects["row"], rejects["code"], strict=True)) == {
        3: "bad_quality", 4: "not_finite",
    }  # fmt: skip
    assert "secret" not in found.to_csv() + rejects.to_csv()
    assert done.counts["records"] == 4


def test_the_stage_keeps_who_stands_behind_each_row(bundle: Path, folder: Path) -> None:
    done = scored(bundle, folder / "clinical.h5")
    told = pd.read_parquet(done.folder / PATIENTS)
    assert dict(zip(told["sample_id"], told["patient_id"], strict=True)) == {
        f"row-{n}": f"secret-{letter}" for n, letter in enumerate("abcd", start=1)
    }


def test_other_contents_are_another_prediction(bundle: Path, folder: Path) -> None:
    before = run.job(bundle, source="hdf5_embeddings", path=str(folder))
    write(folder / "temporal.h5", ["secret-b"], [vectors()["emb_temporal"]])
    after = run.job(bundle, source="hdf5_embeddings", path=str(folder))
    assert run.identity(before) != run.identity(after)


def test_a_file_that_cannot_be_read_is_named(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "components.score.embeddings.read_vectors",
        lambda data, rows: read_vectors(None, rows),
    )
    rejects = pd.read_parquet(scored(bundle, folder).folder / REJECTS)
    assert set(rejects["code"]) == {"unreadable_embedding"}
    assert rejects["reason"].str.contains("the clinical embedding: the vectors cannot").any()


@pytest.mark.parametrize(
    ("what", "source", "sentence"),
    [
        ("empty", "hdf5_embeddings",
         r"the folder 'empty' has none of the files that the model's task declares \(clinical.h5"),
        ("undeclared", "hdf5_embeddings",
         "the model of task 'toy' does not say how its files of embeddings are laid out"),
        ("manifest", "manifest",
         "takes embeddings, which a manifest cannot hold; give source=hdf5_embeddings"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(
    bundle: Path, folder: Path, tmp_path: Path, what: str, source: str, sentence: str
) -> None:
    path = folder
    if what == "empty":
        path = tmp_path / "empty"
        path.mkdir()
    if what == "undeclared":
        bundle = write_embedding_bundle(tmp_path / "undeclared", members=1)
    if what == "manifest":
        path = tmp_path / "manifest.csv"
        path.write_text("patient_id\na\n", encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        run.job(bundle, source=source, path=str(path))


@pytest.mark.parametrize("ids", [["001", "1"], ["miller", "Miller"]])
def test_ids_that_collide_are_refused_without_them(
    tmp_path: Path, folder: Path, ids: list[str]
) -> None:
    layout = {"strip_zeros": True} if "1" in ids else {"id_pattern": "(?i:m)(.*)"}
    bundle = write_embedding_bundle(
        tmp_path, members=1, files=Files.model_validate({**FILES.model_dump(), **layout})
    )
    write(folder / "clinical.h5", ids, [vectors(seed)["emb_clinical"] for seed in range(2)])
    (folder / "spatial.h5").unlink()
    told = "^1 ids in 'clinical.h5' come to the patient of another id there; correct id_pattern"
    with pytest.raises(CollidingIdsError, match=told) as refused:
        run.job(bundle, source="hdf5_embeddings", path=str(folder))
    assert refused.value.pairs == ()
    assert not any(f'"{each}"' in str(refused.value) for each in ids)
    assert refused.value.__suppress_context__


def test_an_unknown_source_names_the_nearest(bundle: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match="'source' is 'hdf5'"):
        run.job(bundle, source="hdf5", path=str(folder))
