"""From a small synthetic cohort of pages and sounds to the section of the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.explain import ExplainConfig
from components.core.config.sections import IngestConfig
from components.core.errors import ConfigError
from components.core.planted_truth import truth_table
from components.core.store import Stage, Workspace, build
from components.core.upstream import Upstream, upstream
from components.explain import job as jobs
from components.explain.control_subjects import control_subjects
from components.explain.fitting import check_fits
from components.explain.planted_media.facts import facts_of, planted
from components.explain.planted_media.hearing import windows_of
from components.explain.run import explain
from components.explain.samples import Asked
from components.explain.subject import Subject
from components.explain.subjects import Model, open_subjects
from tests.chain import ingested, prepared, task_config, trained

TABULAR = {"age": "numeric", "bmi": "numeric", "hypertension": "numeric", "diabetes": "numeric",
           "prior_hf": "numeric", "lvef_baseline": "numeric", "sex": "categorical"}  # fmt: skip
MODEL = {"name": "multimodal", "image_width": 4, "image_depth": 2, "sound_width": 4,
         "sound_depth": 2}  # fmt: skip
FIT = {"epochs": 1, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "fp32", "seeds": (0,)}
QUICK = ExplainConfig(
    steps=2, permutations=1, randomised=2, noisy=1, orders=1, checked=4, draws=100, overlays=0,
    methods=("ig", "ablation", "grad_cam"),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    model: Upstream
    control: Upstream


def _trained(source: Stage, shuffle: int | None = None) -> Upstream:
    label: dict[str, Any] = {"name": "abnormal", "shuffle": shuffle}
    stage = prepared(
        source, label=label, split={"method": "holdout"},
        modalities=["ecg_image", "pcg", "tabular"], ecg_image={"height": 48, "width": 72},
        pcg={"windows": 3, "mels": 16},
    )  # fmt: skip
    task = task_config(fit=FIT, model=MODEL, label={**label, "definition": "d",
                                                   "prediction_time": "t"})  # fmt: skip
    # An audit compares every page with every other: it is none of what is tried here.
    audit, _ = build(
        "audit", f"{shuffle or 0:032d}", config={}, inputs={"preprocess": stage.fingerprint},
        compute=lambda work: work.facts.update({"test_split_sha256": "e" * 64, "waived": {}}),
    )  # fmt: skip
    return upstream(trained(audit, task))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        options = {"media": True, "patients": 40, "broken_files": False}
        source = ingested(
            IngestConfig.model_validate({
                "source": "synthetic", "path": "", "workers": 1,
                "options": {"synthetic": options, "manifest": {"tabular": TABULAR}},
            })
        )  # fmt: skip
        yield Place(_trained(source), _trained(source, shuffle=1))


def job_of(place: Place, *, controls: bool = False) -> jobs.Job:
    taken = (place.control,) if controls else ()
    return jobs.job(place.model, Asked(), QUICK, controls=taken)


def explained(place: Place, *, controls: bool) -> Stage:
    job = job_of(place, controls=controls)
    check_fits(job)

    def compute(work: Workspace) -> None:
        explain(work, job, None)

    print_ = f"{int(controls):032d}"
    return build("explain", print_, config={}, inputs=jobs.inputs(job), compute=compute)[0]


def test_the_report_tells_places_order_and_controls(place: Place) -> None:
    done = explained(place, controls=True)
    figures = done.facts["figures"]
    for method in ("ig", "ablation"):
        for name in ("page", "murmur", "third_sound"):
            assert 0 < figures[f"explain/planted_share/{name}/{method}"] < 1
            assert figures[f"explain/planted_ratio/{name}/{method}"] > 0
            assert figures[f"explain/planted_share_drawn/{name}/{method}"] > 0
        assert -1 <= figures[f"explain/planted_order/{method}"] <= 1
    assert figures["explain/planted_even/page/ig"] == pytest.approx(0.195, abs=0.01)
    assert figures["explain/planted_even/third_sound/ig"] < 0.02
    page = (done.folder / "report.html").read_text()
    assert "find what was planted in picture, sound and fields?" in page
    assert "beside networks trained on shuffled labels" in page
    plots = {file.stem for file in (done.folder / "plots").iterdir()}
    assert {"planted-page", "planted-beat"} <= plots


def subject_of(job: jobs.Job) -> Subject:
    """Return the networks of the only fold with its validation records."""
    model = Model(train=job.behind.train, cohort=job.behind.cohort, head=job.head, place=job.place)
    (subject,) = open_subjects(
        model,
        job.chosen,
        part="val",
        opening=None,
        segment=lambda _rows, _fs: np.zeros((0, 0), np.int8),
    )
    return subject


def test_facts_are_those_of_each_record(place: Place) -> None:
    job = job_of(place)
    subject = subject_of(job)
    truth = planted(job.behind.ingest)
    assert truth is not None
    own = facts_of(subject, truth, job.behind.ingest)
    table = pd.read_parquet(truth_table(job.behind.ingest)).set_index("recording_id")
    assert subject.sound is not None
    assert any(each.paper and each.paper.degrees for each in own)
    for k, (name, each) in enumerate(zip(subject.rows.frame["sample_id"], own, strict=True)):
        assert (each.paper is not None) == bool(subject.rows.arrays["ecg_image"].there[k])
        if each.paper is not None:
            assert each.paper.degrees == table.loc[name, "image_rotation_deg"]
            assert each.paper.shape == (48, 72)
        if not subject.rows.arrays["pcg"].there[k]:
            assert each.heard == ()
            continue
        assert {heard.seconds for heard in each.heard} == {10.0}
        assert len(each.heard[0].s1) == len(table.loc[name, "pcg_s1_s"][0])
        valid = subject.rows.arrays["pcg"].valid(np.array([k]))
        assert valid is not None
        assert len(windows_of(each.heard, subject.sound)) == valid.sum()


def test_controls_see_the_models_pictures(place: Place) -> None:
    subject = subject_of(job_of(place))
    (taught,) = control_subjects(subject, place.model, [place.control])
    index = np.arange(3)
    assert taught.rows.frame["sample_id"].tolist() == subject.rows.frame["sample_id"].tolist()
    np.testing.assert_array_equal(
        taught.rows.arrays["pcg"].values(index), subject.rows.arrays["pcg"].values(index)
    )


def test_without_a_truth_controls_are_refused_and_nothing_is_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.explain.planted_media.facts.truth_summary", lambda _: None)
    with pytest.raises(ConfigError, match="planted in pictures, sounds and events"):
        check_fits(job_of(place, controls=True))
    check_fits(job_of(place))
    assert planted(place.model.ingest) is None
