"""Who trains, who validates, who is tested: always whole patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.core.config.sections import SplitConfig
from components.core.errors import InputError
from components.preprocess import splits

Labels = list[int | None]


def frame(of_patient: Labels, recordings: list[int] | None = None) -> pd.DataFrame:
    """Return records of patients with these labels; the recordings lie in mixed order."""
    counts = recordings or [1] * len(of_patient)
    rows = [(f"p{i}", y) for i, y in enumerate(of_patient) for _ in range(counts[i])]
    table = pd.DataFrame(rows, columns=["patient_id", "label"]).astype({"label": "Int8"})
    table["given_split"] = pd.Series([None] * len(table), dtype="string")
    return table.sample(frac=1, random_state=0).reset_index(drop=True)


def config(**more: Any) -> SplitConfig:
    return SplitConfig.model_validate(more)


def drawn(table: pd.DataFrame, **more: Any) -> dict[str, pd.Series]:
    return splits.assign(table, config(**more)).parts


def of_patients(table: pd.DataFrame, part: pd.Series) -> pd.Series:
    return part.groupby(table["patient_id"]).first()


def test_holdout_shares_and_strata() -> None:
    labels: Labels = [1] * 60 + [0] * 340
    table = frame(labels)
    parts = drawn(table, method="holdout")
    assert list(parts) == ["part.holdout"]
    part = parts["part.holdout"]
    shares = part.value_counts(normalize=True)
    assert [shares[p] for p in ("train", "val", "test")] == pytest.approx(
        [0.7, 0.15, 0.15], abs=0.01
    )
    for name in ("train", "val", "test"):
        assert table.loc[part == name, "label"].mean() == pytest.approx(0.15, abs=0.01)


def test_the_draw_depends_on_the_seed_alone() -> None:
    table = frame([1, 0, 0] * 40)
    once = drawn(table, method="holdout")["part.holdout"]
    again = drawn(table.copy(), method="holdout")["part.holdout"]
    other = drawn(table, method="holdout", seed=7)["part.holdout"]
    assert once.tolist() == again.tolist()
    assert once.tolist() != other.tolist()
    shuffled = table.sample(frac=1, random_state=5).reset_index(drop=True)
    moved = drawn(shuffled, method="holdout")["part.holdout"]
    assert of_patients(table, once).equals(of_patients(shuffled, moved))


def test_nested_folds() -> None:
    table = frame([1] * 50 + [0] * 150, [1, 2] * 100)
    parts = drawn(table, method="folds", folds=5, repeats=3)
    assert list(parts) == [f"part.r{r}f{f}" for r in range(3) for f in range(5)]
    for repeat in range(3):
        tested = [
            patient
            for f in range(5)
            for patient, part in of_patients(table, parts[f"part.r{repeat}f{f}"]).items()
            if part == "test"
        ]
        assert sorted(tested) == sorted(set(table["patient_id"]))  # once each
    first = of_patients(table, parts["part.r0f0"])
    outer = first[first != "test"]
    assert (outer == "val").mean() == pytest.approx(0.2, abs=0.01)
    assert not first.equals(of_patients(table, parts["part.r1f0"]))


@settings(max_examples=20, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.sampled_from([0, 1, None]), st.integers(1, 4)), min_size=0, max_size=40
    ),
    method=st.sampled_from(["holdout", "folds"]),
    seed=st.integers(0, 10_000),
)
def test_no_patient_is_in_two_parts(
    data: list[tuple[int | None, int]], method: str, seed: int
) -> None:
    labels: Labels = [1] * 12 + [0] * 12 + [y for y, _ in data]
    table = frame(labels, [2] * 24 + [n for _, n in data])
    try:
        parts = drawn(table, method=method, seed=seed, folds=3, repeats=1)
    except InputError as error:  # undetermined patients took every place of a small part
        assume("both classes are needed in every part" not in str(error))
        raise
    for part in parts.values():
        assert part.isin(["train", "val", "test"]).all()
        assert part.groupby(table["patient_id"]).nunique().max() == 1


def test_auto_chooses() -> None:
    small = frame([1, 0] * 20)
    assert splits.resolve(small, config()) == "folds"
    assert splits.resolve(small, config(min_patients=40, min_events=20)) == "holdout"
    assert splits.resolve(small, config(min_patients=41, min_events=20)) == "folds"
    assert splits.resolve(small, config(min_patients=40, min_events=21)) == "folds"
    assert splits.resolve(small, config(method="holdout")) == "holdout"


def _given(small: pd.DataFrame) -> pd.DataFrame:
    names = np.array(["train", "train", "val", "val", "test", "test"])
    order = small["patient_id"].str.removeprefix("p").astype(int)
    return small.assign(given_split=pd.Series(names[order % 6], dtype="string"))


def test_given_splits_win() -> None:
    table = _given(frame([1, 0] * 15))
    parts = drawn(table)
    assert list(parts) == ["part.given"]
    assert parts["part.given"].tolist() == table["given_split"].tolist()
    assert list(drawn(table, method="holdout")) == ["part.holdout"]


def test_a_split_of_some_only_is_refused() -> None:
    table = _given(frame([1, 0] * 15))
    table.loc[:2, "given_split"] = None
    with pytest.raises(
        InputError, match="3 of 30 records have no split while others bring one; fill the column"
    ):
        drawn(table)
    with pytest.raises(InputError, match="is 'given', but the data bring no split column"):
        drawn(frame([1, 0] * 15), method="given")


def test_a_part_without_a_class_is_refused() -> None:
    table = _given(frame([1, 0] * 15))
    table.loc[table["given_split"] == "val", "label"] = 0
    with pytest.raises(
        InputError, match="the val part of given has no record with label 1; both classes"
    ):
        drawn(table)


@pytest.mark.parametrize(
    ("labels", "method", "sentence"),
    [
        ([0] * 30, "folds", r"0 patient\(s\) with the event; folds needs at least 5"),
        ([1] * 30, "holdout", r"0 patient\(s\) without the event; holdout needs at least 3"),
        ([1], "folds", r"1 patient\(s\) with the event; folds needs at least 5"),
        ([1, 1, 0, 0, 0], "holdout", r"2 patient\(s\) with the event; holdout needs at least 3"),
    ],
    ids=["no events", "only events", "one patient", "two events"],
)
def test_too_few_of_a_class(labels: Labels, method: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        drawn(frame(labels), method=method)


def test_a_patient_is_positive_when_any_recording_is() -> None:
    table = frame([0] * 40, [2] * 40)
    table["label"] = 0
    first = table.groupby("patient_id").head(1).index[:10]
    table.loc[first, "label"] = 1
    part = drawn(table, method="holdout")["part.holdout"]
    patients = table.groupby("patient_id")["label"].max()
    inside = of_patients(table, part)
    found = {name: int(patients[inside == name].sum()) for name in ("train", "val", "test")}
    assert found["train"] == 7
    assert sorted([found["val"], found["test"]]) == [1, 2]  # 15 % of 10 each
