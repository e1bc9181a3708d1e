"""A bundle of embeddings gives what its networks said of the prepared cohort."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core import store
from components.core.bundle import Predictor
from components.core.data.arrays import shard_folder
from components.core.data.growing import written
from components.core.data.stored_embeddings import EmbeddingWriter
from components.core.modalities import EMBEDDED
from components.core.reproduction import Stored
from components.core.schemas import MANIFEST, QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX
from components.core.store import Stage
from tests.embedding_bundles import WIDTHS, know_standin, vectors, write_embedding_bundle

know_standin()
Build = Callable[..., Stage]
SAMPLES = ("s0000", "s0001")


def _ingested() -> Stage:
    """Return two records: the first has every embedding, the second the clinical one alone."""

    def fill(work: store.Workspace) -> None:
        frame = pd.DataFrame({"sample_id": SAMPLES})
        for name in EMBEDDED:
            folder = shard_folder(work.folder, name)
            folder.mkdir(parents=True)
            own = np.atleast_2d(np.array(vectors()[name], np.float32))
            with written(folder / "00000.h5", EmbeddingWriter) as writer:
                writer.add(own)
                writer.add(own + 1)
            places = pd.Series([0, 1], dtype="Int32")
            frame[f"{ROW_PREFIX}{name}"] = places.mask((places == 1) & (name != "emb_clinical"))
            frame[f"{SHARD_PREFIX}{name}"] = frame[f"{ROW_PREFIX}{name}"] * 0
        frame.to_parquet(work.path(MANIFEST))

    return store.build("ingest", "1" * 32, config={}, inputs={}, compute=fill)[0]


def _prepared(ingest: Stage) -> Stage:
    def fill(work: store.Workspace) -> None:
        frame = pd.read_parquet(ingest.folder / MANIFEST)
        for name in EMBEDDED:
            there = frame[f"{SHARD_PREFIX}{name}"].notna()
            frame[f"{QUALITY_PREFIX}{name}"] = pd.Series([0.75] * 2).where(there)
        frame.to_parquet(work.path(MANIFEST))
        work.facts |= {"modalities": list(EMBEDDED)}

    return store.build("preprocess", "2" * 32, config={}, inputs={}, compute=fill)[0]


@pytest.mark.usefixtures("workspace")
def test_a_stored_record_is_answered_as_a_request_of_its_vectors(tmp_path: Path) -> None:
    predictor = Predictor(write_embedding_bundle(tmp_path / "own"))
    ingest = _ingested()
    stored = Stored(_prepared(ingest), ingest)
    whole, part = (stored.ask(predictor, row) for row in stored.rows(SAMPLES))
    quality = {f"{name}_quality": 0.75 for name in EMBEDDED}
    assert whole == predictor.answer({**vectors(), **quality})
    clinical = (np.array(vectors()["emb_clinical"], np.float32) + 1).tolist()
    assert part == predictor.answer({"emb_clinical": clinical, "emb_clinical_quality": 0.75})
    assert part.inputs == ("emb_clinical",)


def test_without_what_ingest_kept_the_prepared_arrays_are_asked(
    cohort: Build, tmp_path: Path
) -> None:
    stage = cohort(ecg=False, arrays=EMBEDDED, patients=12)
    frame = pd.read_parquet(stage.folder / MANIFEST)

    def fill(work: store.Workspace) -> None:
        frame[["sample_id"]].to_parquet(work.path(MANIFEST))

    ingest = store.build("ingest", "1" * 32, config={}, inputs={}, compute=fill)[0]
    predictor = Predictor(write_embedding_bundle(tmp_path / "own"))
    stored = Stored(stage, ingest)
    (row,) = stored.rows(["s0000"])
    found = stored.ask(predictor, row)
    assert found.error == ""
    assert found.inputs == tuple(
        name for name in EMBEDDED if not pd.isna(row[f"{SHARD_PREFIX}{name}"])
    )
    assert set(WIDTHS) == set(EMBEDDED)
