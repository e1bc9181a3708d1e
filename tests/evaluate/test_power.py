"""A test part with too few patients of a class: which, and where it is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from components.core.metrics.folds import FoldRow
from components.core.metrics.tables import PatientTables
from components.core.report.section import Section
from components.evaluate.power import cautioned, class_sizes, is_small
from components.evaluate.tracking import fold_spread
from tests.evaluate.conftest import Example


def patients(events: int, others: int, unknown: int = 0) -> pd.DataFrame:
    label = np.repeat([1, 0, 1], [events, others, unknown])
    weight = np.repeat([1.5, 1.0, 0.0], [events, others, unknown])
    return pd.DataFrame({"label": label, "weight": weight})


def tables(frame: pd.DataFrame) -> PatientTables:
    return PatientTables(each=frame, pooled=frame, folded=False)


@pytest.mark.parametrize(
    ("events", "others", "small"), [(20, 20, False), (19, 500, True), (500, 19, True)]
)
def test_each_class_needs_twenty_patients(events: int, others: int, small: bool) -> None:
    frame = patients(events, others, unknown=30)
    assert class_sizes(frame) == (events, others)
    assert is_small(frame) is small


def test_every_section_of_a_small_test_part_says_so_first() -> None:
    given = (Section(name="a", title="A", text=("own",)), Section(name="b", title="B"))
    found = cautioned(given, tables(patients(9, 80)))
    assert [each.name for each in found] == ["a", "b"]
    for each in found:
        assert each.text[0].startswith("Underpowered: 9 patient(s) with and 80 without the event")
    assert found[0].text[1:] == ("own",)
    assert cautioned(given, tables(patients(20, 80))) == given


def test_classes_of_another_kind_are_none_of_its_business() -> None:
    given = (Section(name="a", title="A"),)
    frame = patients(2, 3).assign(label=[0, 1, 2, 2, 1])
    assert cautioned(given, tables(frame)) == given


def test_spread_over_folds() -> None:
    values = [0.5, 0.7, 0.9, float("nan")]
    rows = [FoldRow(0, i, 10, 3, {"auroc": v, "auprc": v}) for i, v in enumerate(values)]
    found = fold_spread(rows)
    assert found["test/auroc_sd_folds"] == pytest.approx(0.2)
    assert set(found) == {"test/auroc_sd_folds", "test/auprc_sd_folds"}
    assert fold_spread([]) == {}
    assert fold_spread(rows[:1]) == {}


def test_the_spread_is_on_the_run(examples: Callable[[str], Example]) -> None:
    done = examples("folds")
    own = [row for row in done.stage.facts["figures"] if row.endswith("_sd_folds")]
    assert sorted(own) == ["test/auprc_sd_folds", "test/auroc_sd_folds"]
    assert not [k for k in examples("holdout").stage.facts["figures"] if "_sd_folds" in k]
