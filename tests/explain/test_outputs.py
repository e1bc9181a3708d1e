"""Tables give back what a method said, and what is published quotes nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from components.core.attribution.groups import Grouped
from components.core.metrics.interval import Interval
from components.core.report.section import Section
from components.explain import outputs
from components.explain.method import Attributed, Words
from components.explain.report import figures_of
from components.explain.subject import Subject

IDS = ["secret0", "secret1", "secret2"]


def subject() -> Subject:
    frame = pd.DataFrame({"sample_id": IDS, "patient_id": ["private0", "private0", "private1"]})
    named = SimpleNamespace(fold="holdout", rows=SimpleNamespace(frame=frame), leads=("I", "II"))
    return cast(Subject, named)


def said(index: np.ndarray[Any, Any]) -> Attributed:
    values = np.array([[1.0, -2.0], [np.nan, np.nan], [0.5, 0.25]])[index]
    words = [Words(words=("fatigue", "no"), values=np.array([0.3, -0.1])),
             Words(words=(), values=np.zeros(0)),
             Words(words=("no",), values=np.array([0.2]))]  # fmt: skip
    return Attributed(
        grouped={"segment": Grouped(kind="segment", names=("T", "P"), values=values)},
        values={"ecg": np.arange(24, dtype=np.float32).reshape(3, 2, 4)[index]},
        error=np.array([0.0, 0.1, -0.1])[index],
        over=("ecg", "text"),
        words=tuple(words[i] for i in index),
        remark="of that kind",
    )


def tables(*parts: list[int]) -> list[pa.Table]:
    each = [np.array(part) for part in parts]
    return [outputs.long_table(said(index), subject(), index, "m") for index in each]


@pytest.mark.parametrize("parts", [([0, 1, 2],), ([0], [1, 2]), ([1], [0, 2])])
def test_chunks_give_back_what_was_said(parts: tuple[list[int], ...]) -> None:
    order = np.array([i for part in parts for i in part])
    found, expected = outputs.grouped_of(tables(*parts), [IDS[i] for i in order]), said(order)
    np.testing.assert_array_equal(
        found.grouped["segment"].values, expected.grouped["segment"].values
    )
    assert found.grouped["segment"].names == ("T", "P")
    assert found.error is not None
    assert expected.error is not None
    np.testing.assert_array_equal(found.error, expected.error)
    assert found.words is not None
    assert expected.words is not None
    for own, other in zip(found.words, expected.words, strict=True):
        assert own.words == other.words
        np.testing.assert_array_equal(own.values, other.values)
    assert found.remark == "of that kind"
    assert found.over == ("ecg", "text")


def test_a_method_without_words_and_without_groups_has_neither() -> None:
    table = outputs.long_table(Attributed(grouped={}), subject(), np.arange(3), "m")
    found = outputs.grouped_of([table], IDS)
    assert (found.grouped, found.words, found.error, found.remark) == ({}, None, None, "")
    assert found.over == ()


def test_what_is_published_has_row_numbers_and_no_word() -> None:
    manifest = pd.DataFrame(
        {"sample_id": IDS, "patient_id": ["private0", "private0", "private1"], "row": [7, 5, 9]}
    )
    found = outputs.publisher(manifest)(tables([0, 1, 2])[0]).to_pandas()
    assert set(found["sample_id"]) == {"row-7", "row-5", "row-9"}
    assert set(found["patient_id"]) == {"patient-5", "patient-9"}
    assert set(found["kind"]) == {"segment", outputs.COMPLETENESS}
    assert "fatigue" not in found.to_csv()


def test_records_of_one_line_are_told_apart() -> None:
    manifest = pd.DataFrame(
        {"sample_id": IDS, "patient_id": ["private0", "private0", "private1"], "row": [7, 7, 9]}
    )
    found = outputs.publisher(manifest)(tables([0, 1, 2])[0]).to_pandas()
    names = found.drop_duplicates("sample_id")[["sample_id", "patient_id"]].to_numpy().tolist()
    assert names == [["row-7.1", "patient-7"], ["row-7.2", "patient-7"], ["row-9", "patient-9"]]


def test_a_trace_is_one_row_per_record_and_lead() -> None:
    table = outputs.trace_table(said(np.arange(3)), subject(), np.arange(3), "m").to_pandas()
    assert table["lead"].tolist() == ["I", "II"] * 3
    assert table["sample_id"].tolist() == [each for each in IDS for _ in range(2)]
    np.testing.assert_array_equal(np.stack(table["values"].tolist()).ravel(), np.arange(24))


def test_figures_of_sections_carry_their_bounds() -> None:
    interval = Interval(1.5, 1.2, float("nan"), 100, 0, "bootstrap")
    found = figures_of([Section(name="a", title="b", figures={"planted_ratio": interval})])
    assert found == {"explain/planted_ratio": 1.5, "explain/planted_ratio_lo": 1.2}
