"""Characteristics against pandas and the formula; small counts and gaps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.schemas import MANIFEST
from components.evaluate.analyses.patients import analyse, applies, characteristics, groups

N = 400


def cohort() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = (rng.random(N) < 0.3).astype(float)
    label[:10] = np.nan
    age = 60 + 10 * rng.normal(size=N) + 5 * np.nan_to_num(label)
    age[20:29] = np.nan
    return pd.DataFrame(
        {
            "patient_id": [f"secret{i}" for i in range(N)],
            "label": pd.array(label, dtype="Int8"),
            "part.holdout": np.where(np.arange(N) % 4 == 0, "test", "train"),
            "tab.age": age,
            "tab.smoker": (rng.random(N) < 0.4).astype(float),
            "tab.drug": rng.choice(["a", "b", "c"], N, p=[0.6, 0.395, 0.005]),
        }
    )


def rows(fold: str | None, frame: pd.DataFrame | None = None) -> dict[str, tuple[str, ...]]:
    first = cohort() if frame is None else frame
    table = characteristics(first, ["age", "smoker", "drug"], groups(first, fold))
    assert all(len(row) == len(table.header) for row in table.rows)
    return {row[0]: row[1:] for row in table.rows}


def test_columns_are_the_parts_or_the_outcome() -> None:
    frame = cohort()
    parts = groups(frame, "part.holdout")
    assert list(parts) == [
        "Evaluated, with event", "Evaluated, without", "Development", "Evaluated",
    ]  # fmt: skip
    assert not (parts["Development"] & parts["Evaluated"]).any()
    everyone = groups(frame, None)
    assert {name: int(mask.sum()) for name, mask in everyone.items()} == {
        "All": N,
        "With event": int((frame["label"] == 1).sum()),
        "Without event": int((frame["label"] == 0).sum()),
    }


def test_numbers_are_medians_and_the_difference_is_standardised() -> None:
    frame, found = cohort(), rows(None)
    low, middle, high = frame["tab.age"].quantile([0.25, 0.5, 0.75])
    assert found["age"][0] == f"{middle:.4g} ({low:.4g} to {high:.4g})"
    one, other = (frame["tab.age"][frame["label"] == value].dropna() for value in (1, 0))
    smd = (one.mean() - other.mean()) / np.sqrt((one.var() + other.var()) / 2)
    assert found["age"][-1] == f"{smd:+.2f}"
    assert found["age: missing"][0] == f"9 ({900 / N:.1f} %)"


def test_categories_are_counted_and_rare_ones_hidden() -> None:
    frame, found = cohort(), rows(None)
    count = int((frame["tab.smoker"] == 1).sum())
    assert found["smoker"][0] == f"{count} ({100 * count / N:.1f} %)"
    assert {"drug: a", "drug: b"} <= set(found)
    assert "drug: c" not in found
    assert found["drug: any other"][0] == "<5"
    assert found["drug: any other"][-1] == ""


def test_gaps_are_no_level_and_empty_groups_say_so() -> None:
    frame = cohort()
    frame.loc[frame["part.holdout"] == "test", ["tab.smoker", "tab.age"]] = np.nan
    found = rows("part.holdout", frame)
    assert found["smoker"][3:] == ("none known", "")
    assert found["age"][3:] == ("too few", "")
    assert found["smoker: missing"][3] == "100 (100.0 %)"
    frame["tab.smoker"] = 1.0
    assert rows(None, frame)["smoker"][-1] == ""


@pytest.mark.parametrize("folded", [False, True])
def test_the_section_takes_each_patient_once(tmp_path: Path, folded: bool) -> None:
    frame = cohort()
    twice = pd.concat([frame, frame.assign(**{"tab.age": 1.0})])
    twice.to_parquet(tmp_path / MANIFEST)
    facts = {"features": ["age", "smoker", "drug"]}
    context: Any = SimpleNamespace(
        stages=SimpleNamespace(cohort=SimpleNamespace(folder=tmp_path, facts=facts)),
        tables=SimpleNamespace(folded=folded),
        tests=[SimpleNamespace(fold="holdout")],
    )
    assert applies(context)
    section = analyse(context)
    assert section.items == ("20b",)
    own = rows(None if folded else "part.holdout")
    assert {row[0]: row[1:] for row in section.tables[0].rows} == own
    assert "secret" not in repr(section)
    facts["features"] = []
    assert not applies(context)
