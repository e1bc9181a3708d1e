"""The planted order of clinical fields, and that of attributions made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.core.attribution.groups import Grouped
from components.core.data.tabular import CategoricalColumn, NumericColumn, TabularEncoder
from components.core.metrics.resampling import Plan
from components.explain.planted_media.order import (
    UNITS,
    order_of,
    planted_sizes,
    unknown_units,
)
from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import tabular_units
from components.ingest.synthetic.media.disease import LVEF_POINTS
from components.ingest.synthetic.media.tally import Tally
from components.ingest.synthetic.media.truth import summary
from components.ingest.synthetic.options import SyntheticOptions

PLAN = Plan(draws=200)
NAMES = ("age", "bmi", "hypertension", "prior_hf", "lvef_baseline", "dose", "sex")
TRUTH: dict[str, Any] = {
    "tabular": {
        "liability": {"age": 0.4, "bmi": -0.2, "hypertension": 0.5, "prior_hf": 1.0,
                      "lvef_baseline": 0.5},
        "units": {"age": "decade", "bmi": "5 kg/m2", "lvef_baseline": "5 points lower"},
    }
}  # fmt: skip
SD = {"age": 11.0, "bmi": 5.0, "hypertension": 0.5, "prior_hf": 0.2, "lvef_baseline": 6.0,
      "dose": 90.0}  # fmt: skip
PATIENTS = np.array([f"p{k}" for k in range(30)], object)


def encoder(names: tuple[str, ...] = NAMES) -> TabularEncoder:
    numeric = tuple(
        NumericColumn(name=name, mean=0, sd=SD[name], low=0, high=1, indicator=False)
        for name in names if name in SD
    )  # fmt: skip
    sex = tuple(CategoricalColumn(name=n, levels=("F",)) for n in names if n not in SD)
    return TabularEncoder(numeric=numeric, categorical=sex)


def said(sizes: np.ndarray) -> Grouped:
    draw = np.random.default_rng(0).normal(size=(30, len(sizes)))
    return Grouped(kind="variable", names=NAMES, values=np.sign(draw) * sizes)


def test_sizes_are_liability_per_standard_deviation() -> None:
    found = planted_sizes(TRUTH, [encoder()])
    assert found == pytest.approx({
        "age": 0.44, "bmi": 0.2, "hypertension": 0.25, "prior_hf": 0.2, "lvef_baseline": 0.6,
        "dose": 0.0, "sex": 0.0,
    })  # fmt: skip


def test_a_fold_adds_what_the_first_lacks() -> None:
    found = planted_sizes(TRUTH, [encoder(("bmi",)), encoder(("age", "bmi"))])
    assert list(found) == ["bmi", "age"]


def test_the_planted_order_reaches_the_highest_and_its_reverse_the_lowest() -> None:
    sizes = planted_sizes(TRUTH, [encoder()])
    planted = np.array([sizes[name] for name in NAMES])
    right = order_of(said(planted), sizes, patients=PATIENTS, plan=PLAN)
    wrong = order_of(said(1 - planted), sizes, patients=PATIENTS, plan=PLAN)
    assert right.agreement.value == pytest.approx(1)
    assert (right.agreement.lo, right.agreement.hi) == pytest.approx((1, 1))
    assert wrong.agreement.value == pytest.approx(-1)
    assert right.absolute == pytest.approx(dict(zip(NAMES, planted, strict=True)))


def test_ties_put_one_out_of_reach() -> None:
    sizes = dict.fromkeys(NAMES, 0.0) | {"age": 1.0}
    values = np.arange(len(NAMES))[::-1] + 1.0
    found = order_of(said(values), sizes, patients=PATIENTS, plan=PLAN)
    # Of seven fields six are tied: Var(ranks) falls by 6³ − 6 of 7³ − 7.
    assert found.most == pytest.approx(np.sqrt(1 - (6**3 - 6) / (7**3 - 7)))
    assert found.agreement.value == pytest.approx(found.most)


def test_means_are_taken_anew_in_each_draw_and_patients_without_fields_left_out() -> None:
    sizes = planted_sizes(TRUTH, [encoder()])
    values = np.random.default_rng(1).normal(size=(30, len(NAMES)))
    values[:4] = np.nan
    noisy = Grouped(kind="variable", names=NAMES, values=values)
    found = order_of(noisy, sizes, patients=PATIENTS, plan=PLAN)
    assert found.agreement.lo < found.agreement.value < found.agreement.hi
    assert found.absolute["age"] == pytest.approx(np.abs(values[4:, 0]).mean())


def test_every_unit_that_the_cohort_writes_is_known() -> None:
    units = set(_summary()["tabular"]["units"].values())
    assert units == set(UNITS)
    assert unknown_units(_summary()) == ()
    other = {"tabular": {"liability": {"age": 1.0, "bmi": 1.0}, "units": {"age": "year"}}}
    assert unknown_units(other) == ("age",)


def test_units_are_those_of_the_mechanism() -> None:
    own = draw_reference(50)
    told = tabular_units(own)
    for name, unit in (("age", "decade"), ("bmi", "5 kg/m2")):
        slope = np.polyfit(getattr(own, name), told[name], 1)[0]
        assert 1 / slope == pytest.approx(UNITS[unit])
    assert UNITS["5 points lower"] == LVEF_POINTS


def _summary() -> dict[str, Any]:
    class Nobody(Tally):
        def counts(self) -> dict[str, int]:
            return {}

        def oracle(self) -> dict[str, float | None]:
            return {}

    return summary(SyntheticOptions(media=True, patients=10), Nobody())
