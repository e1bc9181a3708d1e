"""Groups that are removed take the baseline, and nothing else changes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from components.core.attribution.groups import SEGMENTS, Grouped
from components.core.errors import CardioError
from components.explain.faithfulness.removal import preferred, removal, variable_numbers
from tests.explain.toy import CELLS, LEADS, Exact, subject

INDEX = np.arange(12)


def grouped(kind: str, names: tuple[str, ...]) -> Grouped:
    return Grouped(kind=kind, names=names, values=np.zeros((12, len(names))))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("lead_segment", CELLS),
        ("lead", LEADS),
        ("segment", SEGMENTS),
        ("variable", ("age", "sex")),
        ("modality", ("ecg", "tabular")),
    ],
)
def test_all_groups_together_are_the_baseline(kind: str, names: tuple[str, ...]) -> None:
    asked = subject()
    ready = removal(asked, INDEX, grouped(kind, names))
    held = {"variable": ("tabular",), "modality": ("ecg", "tabular")}.get(kind, ("ecg",))
    batch = asked.batch(INDEX)
    base = asked.baselines(batch)
    empty = asked.log_odds({**batch, **{name: base[name] for name in held}})
    nothing = np.zeros((12, len(names)), np.bool_)
    np.testing.assert_allclose(ready.log_odds(~nothing), empty, rtol=1e-6)
    np.testing.assert_array_equal(ready.log_odds(nothing), asked.log_odds(batch))


def test_one_cell_takes_its_own_attribution_along() -> None:
    asked = subject(missing={3: 1})
    said = Exact().explain(asked, INDEX, None).grouped["lead_segment"]  # type: ignore[arg-type]
    ready = removal(asked, INDEX, said)
    whole = ready.log_odds(np.zeros(said.values.shape, np.bool_))
    for cell in range(len(CELLS)):
        gone = np.zeros(said.values.shape, np.bool_)
        gone[:, cell] = True
        np.testing.assert_allclose(
            whole - ready.log_odds(gone), np.nan_to_num(said.values[:, cell]), atol=1e-4
        )


def test_a_record_without_a_beat_keeps_everything() -> None:
    ready = removal(subject(without_beat=(2,)), INDEX, grouped("lead_segment", CELLS))
    every = np.ones((12, len(CELLS)), np.bool_)
    same = ready.log_odds(every) == ready.log_odds(~every)
    assert same.tolist() == [i == 2 for i in INDEX]


def test_a_variable_has_its_indicator_and_all_its_levels() -> None:
    encoder = subject().rows.stats.tabular
    assert encoder.features == ["age", "age=missing", "sex=F", "sex=M"]
    assert variable_numbers(encoder, ("sex", "age")).tolist() == [1, 1, 0, 0]
    assert variable_numbers(encoder, ("sex",)).tolist() == [-1, -1, 0, 0]


def test_the_finest_groups_are_preferred_and_one_alone_is_none() -> None:
    both = {"lead": grouped("lead", LEADS), "lead_segment": grouped("lead_segment", CELLS)}
    found = preferred(both)
    assert found is not None
    assert found.kind == "lead_segment"
    assert preferred({"modality": grouped("modality", ("ecg",))}) is None


def test_groups_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(CardioError, match=re.escape("kind 'hour' cannot be removed; leave it out")):
        removal(subject(), INDEX, grouped("hour", ("1", "2")))


def test_beat_segments_without_an_ecg_are_refused() -> None:
    with pytest.raises(CardioError, match="need an ECG; choose another kind"):
        removal(replace(subject(), segments=None), INDEX, grouped("lead_segment", CELLS))
