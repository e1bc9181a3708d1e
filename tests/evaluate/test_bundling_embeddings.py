"""The candidate of a cohort of embeddings: how they were prepared goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core import store
from components.core.bundle import Predictor
from components.core.config.task import TaskConfig
from components.core.data.cohort import rows_of
from components.core.data.embedding_input import EmbeddingInput
from components.core.device import resolve
from components.core.errors import InputError
from components.core.imputation.calibrate import Calibration, Mending
from components.core.modalities import EMBEDDED
from components.core.schemas import MANIFEST
from components.core.store import Stage
from components.core.trained import member_logits, members_of
from components.core.upstream import Upstream
from components.evaluate import bundling
from components.evaluate.predictions import FoldTest, calibrate, pooled_validation
from components.evaluate.reproduction import TOLERANCE, bundle_deviation
from tests import embedding_standin
from tests.chain import task_config, trained
from tests.cohorts import ARRAY_SHAPES
from tests.embedding_bundles import know_standin
from tests.evaluate.conftest import FIT

know_standin()


def _stage(component: str, **inputs: str) -> Stage:
    def fill(work: store.Workspace) -> None:
        work.facts |= {"features": {"age": "numeric", "sex": "categorical"}}
        samples = [f"s{i:04d}" for i in range(80)]
        pd.DataFrame({"sample_id": samples}).to_parquet(work.path(MANIFEST))

    return store.build(component, "1" * 32, config={}, inputs=inputs, compute=fill)[0]


@pytest.fixture
def stages(cohort: Callable[..., Stage]) -> tuple[Upstream, TaskConfig]:
    plain = cohort(ecg=False, arrays=EMBEDDED, patients=80)
    task = task_config(model={"name": embedding_standin.NAME}, fit=FIT | {"epochs": 1})
    audit = _stage("audit", preprocess=plain.fingerprint)
    train = trained(audit, task)
    counts = {"records": 80.0, "patients_labelled": 64.0, "events": 30.0}
    more = {"patients_known": False}
    prepared = replace(plain, facts=plain.facts | more, counts=counts)
    return Upstream(train=train, audit=audit, cohort=prepared, ingest=_stage("ingest")), task


def test_the_bundle_prepares_as_the_cohort_was_and_reproduces_it(
    stages: tuple[Upstream, TaskConfig], tmp_path: Path
) -> None:
    found, task = stages
    bundling.bundle(tmp_path / "bundle", found, task, version="v" * 32)
    facts = Predictor(tmp_path / "bundle").facts
    assert tuple(facts.embeddings) == EMBEDDED
    assert facts.embedding_files is None
    assert facts.embeddings["emb_spatial"] == EmbeddingInput(width=7, pool="attention", patches=3)
    assert facts.embeddings["emb_clinical"] == EmbeddingInput(width=6, pool="attention")
    rows = rows_of(found.cohort, "holdout", "test")
    place = resolve("cpu", "fp32")
    own = members_of(found.train, "holdout")
    logits = np.mean([member_logits(found.train, m, rows, place) for m in own], axis=0)
    val = pooled_validation(found.train, ["holdout"])
    test = FoldTest(
        fold="holdout", rows=rows, frame=rows.frame.assign(logit=logits),
        calibration=calibrate(val, rule="youden", recalibrate="platt"),
    )  # fmt: skip
    kept = tmp_path / "kept"
    assert 0 <= bundle_deviation(tmp_path / "bundle", found, test, place, keep=kept) <= TOLERANCE
    assert len(pd.read_parquet(kept)) == 16


def test_every_network_has_its_fold_s_mending(
    stages: tuple[Upstream, TaskConfig], tmp_path: Path
) -> None:
    found, task = stages
    own = {name: Mending(shrink=0.5, widen=2.0, patients=20, centre=(0.0,) * shape[-1])
           for name, shape in ARRAY_SHAPES.items() if name in EMBEDDED}  # fmt: skip
    mendings = {"holdout": Calibration(modalities=own)}
    bundling.bundle(tmp_path / "own", found, task, version="v" * 32, mendings=mendings)
    predictor = Predictor(tmp_path / "own")
    assert [each.imputation for each in predictor.members] == [mendings["holdout"]]
    members = [{**each, "fold": "refit"} for each in found.train.facts["members"]]
    shared = {
        key: {**found.train.facts[key], "refit": found.train.facts[key]["holdout"]}
        for key in ("specs", "class_shares")
    }
    every = [*found.train.facts["members"], *members]
    facts = {**found.train.facts, **shared, "members": every}
    train = replace(found.train, facts=facts)
    refit = replace(found, train=train)
    bundling.bundle(tmp_path / "refit", refit, task, version="v" * 32, mendings=mendings)
    first = Predictor(tmp_path / "refit").members[0]
    assert first.imputation == mendings["holdout"]
    assert first.reference is not None


def test_the_bundle_knows_how_later_files_are_laid_out(
    stages: tuple[Upstream, TaskConfig], tmp_path: Path
) -> None:
    found, task = stages
    declared = {"files": {"clinical": "c.h5"}, "ids": "who", "label": "event"}
    ingest = task.ingest.model_copy(update={"options": {"hdf5_embeddings": declared}})
    own = task.model_copy(update={"ingest": ingest})
    bundling.bundle(tmp_path / "bundle", found, own, version="v" * 32)
    files = Predictor(tmp_path / "bundle").facts.embedding_files
    assert files is not None
    assert (files.ids, files.modalities()["emb_clinical"].file) == ("who", "c.h5")


def test_a_cohort_that_does_not_say_how_is_refused(
    stages: tuple[Upstream, TaskConfig], tmp_path: Path
) -> None:
    found, task = stages
    less = {key: value for key, value in found.cohort.facts.items() if key != "embeddings"}
    untold = replace(found, cohort=replace(found.cohort, facts=less))
    with pytest.raises(InputError, match=r"does not say how the clinical embedding was prepared;"):
        bundling.bundle(tmp_path / "bundle", untold, task, version="v" * 32)
