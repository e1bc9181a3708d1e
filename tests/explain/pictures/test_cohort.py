"""Means over a cohort: against NumPy, without what is missing, drawn with sign and interval."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from components.core.attribution.groups import SEGMENTS, Grouped, cell_names
from components.core.errors import InputError
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.report.palette import AGAINST, GREY, TOWARDS
from components.explain.pictures import heat
from components.explain.pictures.bars import bars
from components.explain.pictures.beeswarm import COLOURS, MOST, beeswarm, levels, ranked, spread
from components.explain.pictures.cohort import section
from components.explain.pictures.means import Mean, by_size, means, spoken, table

PLAN = Plan(draws=200)
LEADS = ("II", "V3")


def grouped(kind: str, names: tuple[str, ...], values: Any) -> Grouped:
    return Grouped(kind=kind, names=names, values=np.asarray(values, np.float64))


def cohort(n: int = 40) -> dict[str, Grouped]:
    rng = np.random.default_rng(0)
    cells = rng.normal(0, 0.02, (n, 2, 5))
    cells[:, 1, 3] += 0.5
    cells[:, 0, 1] -= 0.3
    cells[0] = np.nan
    lead = np.nansum(cells, axis=2)
    return {
        "lead_segment": grouped("lead_segment", cell_names(LEADS), cells.reshape(n, -1)),
        "lead": grouped("lead", LEADS, lead),
        "segment": grouped("segment", SEGMENTS, cells.sum(1)),
        "modality": grouped("modality", ("tabular", "ecg"), np.c_[lead[:, 0] * 0.1, lead.sum(1)]),
    }


def comments(svg: str) -> list[str]:
    """Texts of a picture, as matplotlib writes them beside their shapes."""
    return re.findall(r"<!-- (.*?) -->", svg)


def test_groups_nobody_has_are_left_out_and_the_rest_is_ordered() -> None:
    values = np.array([[0.1, np.nan, -2.0], [0.3, np.nan, 2.0]])
    found = means(grouped("lead", ("I", "V1", "V2"), values), ["p", "q"], plan=PLAN)
    assert list(found) == ["I", "V2"]
    assert by_size(found) == ["V2", "I"]
    assert found["V2"].signed.value == 0
    assert found["V2"].absolute.value == 2
    assert found["I"].patients == 2
    nobody = grouped("lead", ("I",), [[np.nan], [np.nan]])
    assert means(nobody, ["p", "q"], plan=PLAN) == {}


def test_a_table_shows_intervals() -> None:
    found = {"I": mean(0.25)}
    made = table(found, caption="c", kind="lead", note="n")
    assert made.rows == (("I", "0.250 (0.150 to 0.350)", "0.250 (0.150 to 0.350)", "7"),)
    assert made.header[0] == "lead"


def mean(value: float) -> Mean:
    def around(v: float) -> Interval:
        return Interval(v, v - 0.1, v + 0.1, 9, 0, "x")

    return Mean(signed=around(value), absolute=around(abs(value)), patients=7)


@pytest.mark.parametrize(("value", "colour"), [(0.5, TOWARDS), (-0.5, AGAINST)])
def test_bars_are_coloured_by_sign(value: float, colour: str) -> None:
    plot = bars({"QRS": mean(value)}, name="x", title="Segments", event="CTRCD")
    there = colour.lower() in plot.svg.lower()
    other = (AGAINST if colour == TOWARDS else TOWARDS).lower() in plot.svg.lower()
    assert (there, other) == (True, False)
    assert "mean log-odds: against CTRCD &lt; 0 &lt; towards" in comments(plot.svg)
    assert "QRS: " in plot.alt


def test_maps_show_every_value_and_name_the_largest() -> None:
    signed = np.zeros((2, 5))
    signed[1, 3], signed[0, 0] = -0.5, np.nan
    plot = heat.maps(signed, np.abs(signed), LEADS, name="x", event="CTRCD")
    said = comments(plot.svg)
    assert said.count("−0.50") == 1
    assert said.count("0.50") == 1
    assert said.count("–") == 2
    assert plot.alt.startswith("Mean attribution per lead and segment. Largest: V3 T −0.500")
    again = heat.maps(signed, np.abs(signed), LEADS, name="x", event="CTRCD")
    assert again.svg == plot.svg


def test_a_map_without_any_value() -> None:
    none = np.full((2, 5), np.nan)
    plot = heat.maps(none, none, LEADS, name="x", event="CTRCD")
    assert "No record has any." in plot.alt
    assert comments(plot.svg).count("–") == 20


def test_small_values_get_more_decimals() -> None:
    small = np.full((2, 5), 0.0042)
    assert "0.0042" in comments(heat.maps(small, small, LEADS, name="x", event="e").svg)


def test_letters_are_white_on_dark_ground_alone() -> None:
    values = np.zeros((2, 5))
    values[0, 0] = 1.0
    light = heat.maps(np.zeros((2, 5)), np.zeros((2, 5)), LEADS, name="x", event="e").svg
    dark = heat.maps(values, values, LEADS, name="x", event="e").svg
    assert dark.count("fill: #ffffff") > light.count("fill: #ffffff")


def test_the_section_holds_maps_bars_and_tables() -> None:
    own = cohort()
    found = section(own, np.arange(40), method="ig", title="IG", event="CTRCD", plan=PLAN)
    assert [p.name for p in found.plots] == [
        "ig-lead-segment", "ig-segment", "ig-lead", "ig-modality"
    ]  # fmt: skip
    assert "In 1 of 40 records no beat was found" in found.text[0]
    segments = {row[0]: row for row in found.tables[0].rows}
    expected = np.nanmean(own["segment"].values, axis=0)
    assert segments["T"][1].startswith(f"{expected[3]:.3f} (")
    assert segments["T"][3] == "39"
    assert {row[3] for row in found.tables[1].rows} == {"40"}
    # Modalities as people say, the larger one first.
    assert [row[0] for row in found.tables[2].rows] == ["ECG", "clinical fields"]


def test_a_section_of_tabular_data_alone() -> None:
    only = {"modality": cohort()["modality"]}
    found = section(only, np.arange(40), method="ig", title="IG", event="e", plan=PLAN)
    assert [p.name for p in found.plots] == ["ig-modality"]
    assert found.text == ()
    nobody = {"lead": grouped("lead", ("I",), [[np.nan]] * 3)}
    empty = section(nobody, np.arange(3), method="ig", title="IG", event="e", plan=PLAN)
    assert (empty.plots, empty.tables) == ((), ())
    assert spoken("text") == "notes"


def test_every_record_with_beats_is_not_mentioned() -> None:
    own = cohort()
    cells = grouped("lead_segment", cell_names(LEADS), np.zeros((40, 10)))
    found = section({**own, "lead_segment": cells}, np.arange(40), method="m", title="t",
                    event="e", plan=PLAN)  # fmt: skip
    assert found.text == ()


def variables(n: int = 60) -> tuple[Grouped, pd.DataFrame]:
    rng = np.random.default_rng(2)
    values = pd.DataFrame({"age": rng.normal(60, 9, n), "sex": ["f", "m"] * (n // 2), "k$_": 1.0})
    values.loc[:5, "age"] = np.nan
    own = np.c_[rng.normal(0, 0.1, n), rng.normal(0, 0.5, n), np.zeros(n)]
    return grouped("variable", ("age", "sex", "k$_"), own), values


def test_the_swarm_is_ordered_and_named() -> None:
    own, values = variables()
    plot = beeswarm(own, values, name="x", event="CTRCD")
    assert plot.alt == "Attribution of clinical variables, the largest first: sex, age, k$_."
    assert plot.svg == beeswarm(own, values, name="x", event="CTRCD").svg
    assert {"missing", "low value", "high value", "category"} <= set(comments(plot.svg))
    assert GREY.lower() in plot.svg.lower()


def test_a_large_swarm_stays_small() -> None:
    rng = np.random.default_rng(3)
    names = tuple(f"v{k}" for k in range(MOST + 5))
    values = pd.DataFrame(rng.normal(size=(2000, len(names))), columns=list(names))
    own = grouped("variable", names, rng.normal(size=values.shape))
    plot = beeswarm(own, values, name="x", event="e")
    assert len(plot.svg.encode()) < 500_000
    assert "(500 of 2,000)" in " ".join(comments(plot.svg))
    assert plot.alt.count(",") == MOST


def test_a_swarm_of_nothing() -> None:
    own = grouped("variable", ("age",), [[np.nan], [np.nan]])
    plot = beeswarm(own, pd.DataFrame({"age": [1.0, 2.0]}), name="x", event="e")
    assert plot.alt.endswith("first: .")


def test_a_swarm_needs_its_values() -> None:
    own, values = variables()
    with pytest.raises(InputError, match="variable 'age' has no column of values; give the table"):
        beeswarm(own, values.drop(columns="age"), name="x", event="e")
    with pytest.raises(InputError, match="60 attributed records and 59 rows of values"):
        beeswarm(own, values.iloc[1:], name="x", event="e")


def test_colours_run_from_low_to_high_and_missing_has_none() -> None:
    found = levels(pd.Series([1.0, 2.0, 3.0, np.nan]))
    assert found is not None
    assert (found[0], found[2]) == (0.0, 1.0)
    assert 0 < found[1] < 1
    assert np.isnan(found[3])
    assert levels(pd.Series(["a", "b"])) is None
    assert levels(pd.Series(pd.Categorical(["a", "b"]))) is None
    # A constant is in the middle; a rare 1 among many 0 is high although percentiles are both 0.
    np.testing.assert_array_equal(levels(pd.Series([5.0, np.nan])), [0.5, np.nan])
    assert levels(pd.Series([True] + [False] * 99))[0] == 1.0
    assert np.isnan(levels(pd.Series([np.nan, np.nan], dtype="Float64"))).all()


def test_only_columns_with_values_are_ranked() -> None:
    assert ranked(np.array([[0.1, np.nan, -1.0], [np.nan, np.nan, 0.0]])) == [2, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-2, 2), max_size=200))
def test_dots_stay_on_their_line(x: list[float]) -> None:
    own = np.array(x, np.float64)
    heights = spread(own, float(np.abs(own).max(initial=0)))
    assert heights.shape == own.shape
    assert (np.abs(heights) <= 0.4).all()
    # No two dots of the same attribution lie over each other.
    assert len({(a, b) for a, b in zip(own.tolist(), heights.tolist(), strict=True)}) == own.size


def test_pictures_hold_no_picture_from_elsewhere() -> None:
    own, values = variables()
    svg = beeswarm(own, values, name="x", event="e").svg
    assert re.findall(r'href="(?!#)', svg) == []


def test_dots_have_the_colour_of_their_value() -> None:
    values = pd.DataFrame({"age": [40.0, 90.0, np.nan], "sex": ["f", "m", "f"]})
    own = grouped("variable", ("age", "sex"), [[0.1, 0.0], [0.2, 0.0], [0.3, np.nan]])
    svg = beeswarm(own, values, name="x", event="e").svg
    dots = re.findall(r'<path d="((?:M [^z"]+z\s*)+)"[^>]*style="fill: none; stroke: (#\w+)', svg)
    counted = {colour: path.count("z") for path, colour in dots}
    low, high = (to_hex(COLOURS(level)) for level in (0.0, 1.0))
    assert counted == {low: 1, high: 1, GREY.lower(): 1, "#222222": 2}
