"""Deletion and insertion against truths known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.deletion import Curves, curves, drawn_curves, gains, pooled
from components.explain.subject import Subject
from tests.explain.toy import CELLS, Exact, subject

CONFIG = ExplainConfig(orders=6)
PLAN = Plan(draws=200)
INDEX = np.arange(12)


def walked(asked: Subject, sign: float = 1.0, *, seed: int = 0) -> Curves:
    config = ExplainConfig(orders=6, seed=seed)
    said = Exact(sign).explain(asked, np.arange(len(asked)), config)
    found = curves(asked, INDEX, said.grouped["lead_segment"], config)
    assert found is not None
    return found


def test_exact_attributions_of_a_linear_network_beat_random_order() -> None:
    found = gains(walked(subject()), PLAN)
    assert found["deletion_gain"].lo > 0
    assert found["insertion_gain"].lo > 0


def test_the_opposite_order_is_worse_than_random() -> None:
    found = gains(walked(subject(), -1.0), PLAN)
    assert found["deletion_gain"].hi < 0
    assert found["insertion_gain"].hi < 0


def test_random_attributions_gain_nothing() -> None:
    asked = subject(records=40)
    values = np.random.default_rng(3).normal(size=(40, len(CELLS)))
    noise = Grouped(kind="lead_segment", names=CELLS, values=values)
    found = curves(asked, np.arange(40), noise, ExplainConfig(orders=20))
    assert found is not None
    for interval in gains(found, PLAN).values():
        assert interval.lo < 0 < interval.hi


def test_curves_of_a_linear_network_are_sums_of_its_attributions() -> None:
    asked = subject(missing={3: 1})
    found = walked(asked)
    values = Exact().explain(asked, INDEX, CONFIG).grouped["lead_segment"].values
    for row, own in enumerate(values):
        own = np.sort(own[np.isfinite(own)])[::-1]
        counts = np.rint(found.share * own.size).astype(int)
        lost = [own[:count].sum() for count in counts]
        np.testing.assert_allclose(found.deletion[row, 0] - found.deletion[row], lost, atol=1e-3)
        gained = found.insertion[row] - found.insertion[row, 0]
        np.testing.assert_allclose(gained, lost, atol=1e-3)
    np.testing.assert_allclose(found.insertion[:, ::-1][:, [0, -1]], found.deletion[:, [0, -1]])
    np.testing.assert_allclose(found.random[:, [0, -1]], found.deletion[:, [0, -1]])


def test_a_record_without_a_beat_is_left_out_and_counted() -> None:
    found = walked(subject(without_beat=(2, 5)))
    assert found.left_out == 2
    assert len(found.deletion) == 10
    assert found.patients.tolist().count("p1") == 1


def test_without_any_beat_there_are_no_curves() -> None:
    asked = subject(without_beat=tuple(range(12)))
    said = Exact().explain(asked, INDEX, CONFIG)
    assert curves(asked, INDEX, said.grouped["lead_segment"], CONFIG) is None


def test_a_records_random_orders_do_not_depend_on_its_company() -> None:
    asked = subject()
    said = Exact().explain(asked, INDEX, CONFIG).grouped["lead_segment"]
    together, alone = (curves(asked, each, said, CONFIG) for each in (INDEX, np.array([7])))
    assert together is not None
    assert alone is not None
    np.testing.assert_allclose(together.random[7], alone.random[0], rtol=1e-5)
    assert not np.allclose(walked(asked, seed=1).random, together.random)


def test_few_groups_take_as_many_steps() -> None:
    asked = subject()
    groups = Grouped(kind="variable", names=("age", "sex"), values=np.tile([[1.0, -1.0]], (12, 1)))
    found = curves(asked, INDEX, groups, CONFIG)
    assert found is not None
    assert found.share.tolist() == [0.0, 0.5, 1.0]


def test_the_area_is_that_of_a_triangle() -> None:
    share = np.array([0.0, 0.5, 1.0])
    patients = np.array(["a", "b"], object)
    flat = np.array([[1.0, 0.5, 0.0], [2.0, 1.0, 0.0]])
    fast = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    found = Curves(
        kind="lead", names=("I", "II"), share=share, deletion=fast,
        insertion=fast[:, ::-1] * 0 + flat, random=flat, patients=patients, left_out=0,
    )  # fmt: skip
    told = gains(found, PLAN)
    # Triangles of 1/2 and 1/4 of the record's span.
    assert told["deletion_gain"].value == pytest.approx(0.25)
    both = gains(pooled([found, found]), PLAN)
    assert both["deletion_gain"].value == pytest.approx(0.25)


def of_steps(names: tuple[str, ...], patients: tuple[str, ...]) -> Curves:
    rng = np.random.default_rng(len(names))
    lines = rng.normal(size=(3, len(patients), len(names) + 1))
    lines[1:, :, 0] = lines[0, :, :1].T
    return Curves(
        kind="variable", names=names, share=np.linspace(0, 1, len(names) + 1), deletion=lines[0],
        insertion=lines[1], random=lines[2], patients=np.array(patients, object), left_out=1,
    )  # fmt: skip


def test_folds_of_unequal_groups_keep_their_areas() -> None:
    three, five = (
        of_steps(names, who)
        for names, who in ((("a", "b", "c"), ("p", "q")), (("a", "c", "d", "e", "f"), ("r",)))
    )
    both = pooled([three, five])
    assert both.names == ("a", "b", "c", "d", "e", "f")
    np.testing.assert_allclose(both.share, [0, 0.2, 1 / 3, 0.4, 0.6, 2 / 3, 0.8, 1])
    area = [np.trapezoid(each.deletion, each.share, axis=1) for each in (three, five, both)]
    np.testing.assert_allclose(area[2], np.concatenate(area[:2]))
    np.testing.assert_allclose(both.span, np.concatenate([three.span, five.span]))
    found = gains(both, PLAN)["deletion_gain"].value
    parts = [gains(each, PLAN)["deletion_gain"].value * each.span.sum() for each in (three, five)]
    assert found == pytest.approx(sum(parts) / both.span.sum())


def test_drawn_curves_start_at_nothing_and_end_at_the_whole_change() -> None:
    found = walked(subject())
    lines = drawn_curves(found, PLAN)
    assert all(line[0].value == pytest.approx(0.0, abs=1e-9) for line in lines.values())
    change = (found.deletion[:, -1] - found.deletion[:, 0]).sum() / found.span.sum()
    assert lines["deletion"][-1].value == pytest.approx(change)
    assert lines["deletion_random"][-1].value == pytest.approx(change)
    assert lines["insertion"][-1].value == pytest.approx(-change)
