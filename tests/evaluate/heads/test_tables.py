"""Tables of heads: which rows count, how recordings become patients, sections of several heads."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.config.heads import BinaryHead, SurvivalHead
from components.core.errors import CardioError
from components.core.metrics.interval import Interval
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.heads import tables
from tests.evaluate.heads import planted


def test_heads_are_found_by_kind() -> None:
    assert list(tables.of_kind(planted.HEADS, BinaryHead)) == ["lvef"]
    assert list(tables.of_kind(planted.HEADS, SurvivalHead)) == ["survival"]


def test_only_rows_of_known_truth_count() -> None:
    frame = planted.table(patients=10)
    frame.loc[:2, "y.lvef"] = np.nan
    assert len(tables.known(frame, "lvef")) == 17


def test_a_missing_column_is_a_fault() -> None:
    frame = planted.table(patients=10).drop(columns=["y.risk", "out.lvef.logit"])
    with pytest.raises(CardioError, match=r"lack the column\(s\) y.risk; this is a fault"):
        tables.known(frame, "risk")
    with pytest.raises(CardioError, match=r"lack the column\(s\) out.lvef.logit"):
        tables.binary_tables(frame, "lvef")


def test_a_patients_logit_is_the_mean_of_the_recordings() -> None:
    frame = planted.table(patients=30, repeats=2)
    found = tables.binary_tables(frame, "lvef")
    assert found.folded
    assert len(found.each) == 60
    own = frame[frame["patient_id"] == "p0003"]
    mine = found.pooled.set_index("patient_id").loc["p0003"]
    assert mine["logit"] == pytest.approx(own["out.lvef.logit"].mean())
    assert mine["label"] == own["y.lvef"].max()
    assert mine["weight"] == 1.0


def test_weights_are_joined_by_record_and_fold() -> None:
    frame = planted.table(patients=30)
    weights = frame[["sample_id", "repeat", "fold"]].assign(weight=2.5).iloc[2:]
    found = tables.binary_tables(frame, "lvef", weights=weights).pooled.set_index("patient_id")
    assert found.loc["p0000", "weight"] == 1.0
    assert found.loc["p0001", "weight"] == 2.5


def section(name: str) -> Section:
    figure = Interval(1.0, 0.0, 2.0, 0, 0, "x")
    return Section(
        name="x", title="X", text=(f"about {name}",),
        tables=(Table("Figures", ("a",), (("1",),), "note"),),
        plots=(Plot(name=name, svg="<svg/>", alt=""),),
        notices=(Notice("note", name),), figures={f"head/{name}/f": figure},
    )  # fmt: skip


def test_several_heads_share_a_section_and_are_named() -> None:
    both = tables.merged("x", "X", {"a": section("a"), "b": section("b")})
    assert both.text == ("a: about a", "b: about b")
    assert [table.caption for table in both.tables] == ["a: Figures", "b: Figures"]
    assert list(both.figures) == ["head/a/f", "head/b/f"]
    assert [plot.name for plot in both.plots] == ["a", "b"]
    assert [notice.text for notice in both.notices] == ["a", "b"]
    one = tables.merged("x", "X", {"a": section("a")})
    assert one == section("a")
