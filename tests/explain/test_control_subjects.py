"""Networks trained on shuffled labels see the model's records, encoded as they were trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.attribution.target import Target
from components.core.data.cohort import read_part
from components.core.data.tabular import tabular_frame
from components.core.device import Place
from components.core.errors import InputError
from components.core.schemas import MANIFEST, TABULAR_PREFIX
from components.core.store import Stage
from components.core.trained import loaded, members_of, primary_view, stats_of
from components.core.upstream import Upstream, upstream
from components.explain.control_subjects import check_control, control_subjects
from components.explain.subject import Subject
from tests.chain import (
    LABEL,
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_tabular_cohort,
)

FIT = {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32"}


def made(source: Stage, *, seeds: tuple[int, ...] = (0,), shuffle: int | None = None) -> Upstream:
    label = {} if shuffle is None else {"shuffle": shuffle}
    task = task_config(
        label=LABEL | label,
        model={"name": "tabular", "hidden": 8, "dropout": 0.1},
        fit=FIT | {"seeds": seeds},
    )
    stage = prepared(source, label=label, split={"method": "holdout"})
    return upstream(trained(audited(stage, label=label), task))


def subject_of(model: Upstream) -> Subject:
    rows = read_part(model.cohort, "holdout", "val", stats=stats_of(model.train, "holdout"))
    networks = [loaded(model.train, each) for each in members_of(model.train, "holdout")]
    return Subject(
        fold="holdout",
        target=Target(networks, primary_view(model.train)).eval(),
        inputs=("tabular",),
        rows=rows,
        leads=(),
        fs=0.0,
        tabular_mean=torch.zeros(rows.tabular.shape[1]),
        segments=None,
        place=Place("cpu", "fp32", "toy"),
    )


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Upstream]]:
    folder = tmp_path_factory.mktemp("controls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        source = ingested(
            ingest_config("table", write_tabular_cohort(folder, patients=120), TABULAR_OPTIONS)
        )
        yield {
            "model": made(source),
            "control": made(source, seeds=(0, 1), shuffle=1),
        }


def test_each_network_of_a_control_sees_the_models_records(trainings: dict[str, Upstream]) -> None:
    model, control = trainings["model"], trainings["control"]
    own = subject_of(model)
    found = control_subjects(own, model, [control])
    assert [len(each.target.models) for each in found] == [1, 1]
    for each, member in zip(found, members_of(control.train, "holdout"), strict=True):
        assert each.rows.frame["sample_id"].tolist() == own.rows.frame["sample_id"].tolist()
        expected = loaded(control.train, member).state_dict()
        for name, value in each.target.models[0].state_dict().items():
            assert torch.equal(value, expected[name])


def test_records_and_baseline_are_encoded_as_the_control_was_trained(
    trainings: dict[str, Upstream],
) -> None:
    model, control = trainings["model"], trainings["control"]
    (found, _) = control_subjects(subject_of(model), model, [control])
    stats = stats_of(control.train, "holdout")
    manifest = pd.read_parquet(control.cohort.folder / MANIFEST).set_index("sample_id")
    part = manifest.loc[found.rows.frame["sample_id"]]
    encoded = stats.tabular.transform(tabular_frame(part, stats.tabular.columns, TABULAR_PREFIX))
    np.testing.assert_array_equal(found.rows.tabular, encoded)
    train = read_part(control.cohort, "holdout", "train", stats=stats)
    np.testing.assert_allclose(found.tabular_mean, train.tabular.mean(axis=0), atol=1e-6)


def test_a_training_on_true_labels_is_refused(trainings: dict[str, Upstream]) -> None:
    model = trainings["model"]
    with pytest.raises(InputError, match=r"is no control, its labels were not shuffled; train one"):
        check_control(model, model)


def test_a_control_with_another_network_is_refused(trainings: dict[str, Upstream]) -> None:
    control = trainings["control"]
    facts = control.train.facts | {"model": control.train.facts["model"] | {"hidden": 16}}
    wider = replace(control, train=replace(control.train, facts=facts))
    with pytest.raises(InputError, match="differs from the model in its network; train it with"):
        check_control(trainings["model"], wider)


def test_a_control_with_another_preparation_is_refused(trainings: dict[str, Upstream]) -> None:
    control = trainings["control"]
    config = control.cohort.config | {"preprocess": {}}
    other = replace(control, cohort=replace(control.cohort, config=config))
    with pytest.raises(InputError, match="differs from the model in its preparation; train it"):
        check_control(trainings["model"], other)


def test_a_control_of_other_records_is_refused(trainings: dict[str, Upstream]) -> None:
    control = trainings["control"]
    other = replace(control, ingest=replace(control.ingest, fingerprint="0" * 64))
    with pytest.raises(InputError, match="differs from the model in its records; train it"):
        check_control(trainings["model"], other)


def test_a_control_has_the_models_parts(trainings: dict[str, Upstream]) -> None:
    own, control = (
        pd.read_parquet(trainings[name].cohort.folder / MANIFEST) for name in ("model", "control")
    )
    pd.testing.assert_series_equal(own["part.holdout"], control["part.holdout"])
    check_control(trainings["model"], trainings["control"])


@pytest.mark.parametrize(("change", "count"), [("moved", 2), ("lost", 1)])
def test_a_control_of_another_split_is_refused(
    trainings: dict[str, Upstream], tmp_path: Path, change: str, count: int
) -> None:
    control = trainings["control"]
    frame = pd.read_parquet(control.cohort.folder / MANIFEST)
    if change == "moved":
        val = frame.index[frame["part.holdout"] == "val"][:2]
        frame.loc[val, "part.holdout"] = "train"
    else:
        frame = frame.iloc[1:]
    frame.to_parquet(tmp_path / MANIFEST)
    old = replace(control, cohort=replace(control.cohort, folder=tmp_path))
    sentence = rf"has {count} record\(s\) in another part than the model, .*; prepare and train it"
    with pytest.raises(InputError, match=sentence):
        check_control(trainings["model"], old)


def test_a_control_without_the_fold_is_refused(trainings: dict[str, Upstream]) -> None:
    model, control = trainings["model"], trainings["control"]
    elsewhere = replace(subject_of(model), fold="fold3")
    with pytest.raises(InputError, match=r"has no fold 'fold3'; train it with the model's split"):
        control_subjects(elsewhere, model, [control])
