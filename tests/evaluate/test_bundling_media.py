"""The candidate of a cohort with pictures and sounds: how they were prepared goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core import store
from components.core.bundle import Predictor
from components.core.config.task import TaskConfig
from components.core.data.cohort import read_part, rows_of
from components.core.device import resolve
from components.core.errors import InputError
from components.core.media.config import ImageConfig, SoundConfig
from components.core.schemas import MANIFEST
from components.core.store import Stage
from components.core.trained import member_logits, members_of
from components.core.upstream import Upstream
from components.evaluate import bundling
from components.evaluate.predictions import FoldTest, calibrate, pooled_validation
from components.evaluate.reproduction import TOLERANCE, bundle_deviation
from tests.chain import task_config, trained
from tests.evaluate.conftest import FIT

IMAGE = ImageConfig(height=24, width=36).model_dump(mode="json")
SOUND = SoundConfig(windows=3, mels=8, window_s=1.9, hop_s=0.1).model_dump(mode="json")
MODEL = {"name": "multimodal", "image_width": 4, "image_depth": 2, "sound_width": 4,
         "sound_depth": 2, "hidden": 8, "head_hidden": 8}  # fmt: skip


def _stage(component: str, **inputs: str) -> Stage:
    def fill(work: store.Workspace) -> None:
        work.facts |= {"features": {"age": "numeric", "sex": "categorical"}}
        samples = [f"s{i:04d}" for i in range(80)]
        pd.DataFrame({"sample_id": samples}).to_parquet(work.path(MANIFEST))

    return store.build(component, "1" * 32, config={}, inputs=inputs, compute=fill)[0]


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _stages(cohort: Callable[..., Stage], **model: Any) -> tuple[Upstream, TaskConfig]:
    plain = cohort(ecg=False, arrays=("ecg_image", "pcg"), patients=80)
    task = task_config(model=model or MODEL, fit=FIT | {"epochs": 1})
    audit = _stage("audit", preprocess=plain.fingerprint)
    train = trained(audit, task)
    more = {"ecg_image": IMAGE, "pcg": SOUND, "patients_known": False}
    counts = {"records": 80.0, "patients_labelled": 64.0, "events": 30.0}
    prepared = replace(plain, facts=plain.facts | more, counts=counts)
    return Upstream(train=train, audit=audit, cohort=prepared, ingest=_stage("ingest")), task


@pytest.mark.usefixtures("one_thread")
def test_the_bundle_prepares_as_the_cohort_was_and_reproduces_it(
    cohort: Callable[..., Stage], tmp_path: Path
) -> None:
    stages, task = _stages(cohort)
    bundling.bundle(tmp_path / "bundle", stages, task, version="v" * 32)
    facts = Predictor(tmp_path / "bundle").facts
    assert (facts.image, facts.sound) == (ImageConfig(**IMAGE), SoundConfig(**SOUND))
    (member,) = Predictor(tmp_path / "bundle").members
    taught = read_part(stages.cohort, "holdout", "train")
    assert member.reference is not None
    np.testing.assert_allclose(member.reference.tabular, taught.tabular.mean(axis=0), atol=1e-6)
    assert (facts.ecg, facts.ood_threshold, facts.min_quality) == (None, None, 0)
    rows = rows_of(stages.cohort, "holdout", "test")
    place = resolve("cpu", "fp32")
    own = members_of(stages.train, "holdout")
    logits = np.mean([member_logits(stages.train, m, rows, place) for m in own], axis=0)
    val = pooled_validation(stages.train, ["holdout"])
    test = FoldTest(
        fold="holdout", rows=rows, frame=rows.frame.assign(logit=logits),
        calibration=calibrate(val, rule="youden", recalibrate="platt"),
    )  # fmt: skip
    found = bundle_deviation(tmp_path / "bundle", stages, test, place, keep=tmp_path / "kept")
    assert 0 <= found <= TOLERANCE
    assert len(pd.read_parquet(tmp_path / "kept")) == 16


@pytest.mark.usefixtures("one_thread")
def test_a_model_of_the_table_alone_takes_no_files(
    cohort: Callable[..., Stage], tmp_path: Path
) -> None:
    stages, task = _stages(cohort, name="tabular", hidden=16)
    bundling.bundle(tmp_path / "bundle", stages, task, version="v" * 32)
    assert Predictor(tmp_path / "bundle").facts.media == ()


@pytest.mark.usefixtures("one_thread")
def test_a_cohort_that_does_not_say_how_is_refused(
    cohort: Callable[..., Stage], tmp_path: Path
) -> None:
    stages, task = _stages(cohort)
    less = {key: value for key, value in stages.cohort.facts.items() if key != "pcg"}
    untold = replace(stages, cohort=replace(stages.cohort, facts=less))
    with pytest.raises(InputError, match=r"does not say how the heart sound was prepared; prepar"):
        bundling.bundle(tmp_path / "bundle", untold, task, version="v" * 32)
