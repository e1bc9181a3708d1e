"""Second differences of networks whose interactions are known on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.attribution.event_groups import WINDOWS
from components.core.attribution.groups import variables
from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.data.stored_events import EVENT_KINDS
from components.explain import cost
from components.explain.method import all_methods
from components.explain.sequences.interactions import (
    of_kinds,
    of_static,
    passes,
    second_difference,
)
from components.explain.subject import Subject
from tests.explain_subjects import EVENTLESS, VIEW

LAB, PRESCRIPTION = EVENT_KINDS.index("lab"), EVENT_KINDS.index("prescription")


class Known(nn.Module):
    """Labs and prescriptions count alone, and their product twice; so do recent events and age."""

    def __init__(self, age: int) -> None:
        super().__init__()
        self.age = age

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        valid, hours = batch["events_valid"], batch["events_hours"]
        counts = (batch["events"][..., :5] * valid[..., None]).sum(1)
        lab, drug = counts[:, LAB], counts[:, PRESCRIPTION]
        recent = (valid * (hours < 1)).sum(1)
        odds = lab - 3 * drug + 2 * lab * drug + 5 * recent * batch["tabular"][:, self.age]
        return {"ctrcd": torch.stack([torch.zeros_like(odds), odds], dim=1)}


def known(subject: Subject) -> tuple[Subject, int]:
    names, ids = variables(subject.rows.stats.tabular)
    age = int(np.flatnonzero(ids == names.index("age"))[0])
    return replace(subject, target=Target([Known(age)], VIEW)), age


def counts(subject: Subject, kind: int) -> np.ndarray:
    batch = subject.batch(np.arange(len(subject)))
    own = batch["events"][..., kind] * batch["events_valid"]
    return own.sum(1).numpy()


def test_the_second_difference_by_hand() -> None:
    found = second_difference(*(np.array([each]) for each in (10.0, 7.0, 6.0, 1.0)))
    np.testing.assert_allclose(found, [-2.0])


def test_kinds_interact_where_the_network_multiplies_them(subject: Subject) -> None:
    own, _ = known(subject)
    found = of_kinds(own)
    lab, drug = counts(own, LAB), counts(own, PRESCRIPTION)
    column = found.pairs.index(("prescription", "lab"))
    both = (lab > 0) & (drug > 0)
    assert both.any()
    assert not both.all()
    np.testing.assert_allclose(found.values[both, column], (2 * lab * drug)[both], rtol=1e-4)
    assert np.isnan(found.values[~both, column]).all()
    rest = [k for k, pair in enumerate(found.pairs)
            if "lab" not in pair and "prescription" not in pair]  # fmt: skip
    np.testing.assert_allclose(np.nan_to_num(found.values[:, rest]), 0, atol=1e-4)
    assert np.isnan(found.values[EVENTLESS]).all()


def test_static_variables_interact_with_windows(subject: Subject) -> None:
    own, age = known(subject)
    found = of_static(own)
    batch = own.batch(np.arange(len(own)))
    recent = (batch["events_valid"] * (batch["events_hours"] < 1)).sum(1).numpy()
    away = batch["tabular"][:, age].numpy() - own.tabular_mean[age].item()
    has = recent > 0
    assert has.any()
    column = found.pairs.index(("age", WINDOWS[0]))
    np.testing.assert_allclose(found.values[has, column], (5 * recent * away)[has], rtol=1e-3,
                               atol=1e-3)  # fmt: skip
    assert np.isnan(found.values[~has, column]).all()
    other = found.pairs.index(("age", WINDOWS[3]))
    np.testing.assert_allclose(np.nan_to_num(found.values[:, other]), 0, atol=1e-3)


def test_the_cost_is_what_the_network_is_asked(subject: Subject) -> None:
    own, _ = known(subject)
    asked = list[int]()
    own.target.models[0].register_forward_hook(lambda *_: asked.append(1))
    lots = len(list(own.parts(np.arange(len(own)), most=16)))
    kinds = of_kinds(own)
    of_static(own)
    assert kinds.values.shape == (len(own), len(EVENT_KINDS) * (len(EVENT_KINDS) - 1) // 2)
    assert len(asked) == lots * passes(own)


def test_the_cost_is_told_before_the_work_begins(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, _ = known(subject)
    monkeypatch.setattr(cost, "seconds_per_pass", lambda _: 2.0)
    found = cost.costs([own, own], [all_methods()["ablation"]], ExplainConfig())
    (told,) = (each for each in found if each.name == "interactions")
    assert told.passes == passes(own)
    assert told.seconds == pytest.approx(2.0 * 2 * len(own) * passes(own))
    assert not told.method


def test_without_static_variables_there_are_no_such_pairs(subject: Subject) -> None:
    none = subject.rows.stats.model_copy(
        update={"tabular": subject.rows.stats.tabular.model_copy(
            update={"numeric": (), "categorical": ()})}
    )  # fmt: skip
    own = replace(subject, rows=replace(subject.rows, stats=none))
    assert of_static(own).values.shape == (len(subject), 0)
    assert passes(own) == 16
