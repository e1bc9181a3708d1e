"""Which group an event is of, sums over groups, and what a switched-off group leaves behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.attribution.baseline import baselines, stated
from components.core.attribution.event_groups import (
    CELLS,
    NAMES,
    WINDOWS,
    cells_of,
    groups_of,
    of_events,
    there_of,
)
from components.core.attribution.switch import Layout, Switch
from components.core.data.stored_events import EVENT_KINDS

# Two records: a procedure and two labs; one ingredient.
KINDS = torch.tensor([[1, 2, 2], [4, 0, 0]])
HOURS = torch.tensor([[30.0, 2.5, 0.5], [3.0, 0.0, 0.0]])
VALID = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def batch() -> dict[str, Tensor]:
    one_hot = nn.functional.one_hot(KINDS, 5).float()
    text = torch.full((2, 3, 2), 0.5)
    return {
        "events": torch.cat([one_hot, text], dim=2) * VALID[:, :, None],
        "events_valid": VALID,
        "events_hours": HOURS,
        "events_mask": torch.ones(2),
    }


class Count(nn.Module):
    """Says how many events there are."""

    def forward(self, own: dict[str, Tensor]) -> Tensor:
        return own["events_valid"].sum(1) * own["events_mask"]


def cells() -> np.ndarray:
    return cells_of(batch()).numpy()


def test_events_are_of_their_kind_and_window() -> None:
    told = [[CELLS[k] if k >= 0 else "" for k in row] for row in cells().tolist()]
    assert told == [
        ["procedure 24–48 h", "lab 1–3 h", "lab under 1 h"],
        ["ingredient 3–6 h", "", ""],
    ]


@pytest.mark.parametrize(
    ("hours", "window"),
    [(-2.0, "under 1 h"), (0.0, "under 1 h"), (1.0, "1–3 h"), (47.9, "24–48 h"),
     (48.0, "48 h and more"), (900.0, "48 h and more")],
)  # fmt: skip
def test_a_window_begins_at_its_edge(hours: float, window: str) -> None:
    own = {**batch(), "events_hours": torch.full((2, 3), hours)}
    found = groups_of("event_window", cells_of(own))
    assert WINDOWS[int(found[0, 0])] == window
    assert found[1].tolist()[1:] == [-1, -1]


def test_sums_are_of_what_a_record_has() -> None:
    values = np.array([[1.0, 2.0, 4.0], [-3.0, 100.0, 100.0]])
    found = of_events(values, cells())
    kinds = dict(zip(EVENT_KINDS, found["event_kind"].values.T.tolist(), strict=True))
    assert kinds["lab"][0] == 6
    assert kinds["procedure"][0] == 1
    assert kinds["ingredient"][1] == -3
    assert np.isnan(kinds["ingredient"][0])
    for kind, own in found.items():
        assert own.names == NAMES[kind]
        assert np.nansum(own.values, axis=1).tolist() == [7, -3]
        assert np.array_equal(np.isfinite(own.values), there_of(kind, cells()))


def test_the_baseline_is_a_step_of_zeros_and_says_that_the_number_of_events_stays() -> None:
    found = baselines(batch(), norm=None, tabular=None)
    assert found.keys() == {"events"}
    assert not found["events"].any()
    assert found["events"].shape == (2, 3, 7)
    assert "how many there are is therefore not attributed" in stated("events")


@pytest.mark.parametrize(
    ("kind", "group", "left"),
    [("event_kind", "lab", [1, 1]), ("event_window", "1–3 h", [2, 1]),
     ("event_cell", "ingredient 3–6 h", [3, 0]), ("event_cell", "lab 3–6 h", [3, 1]),
     ("modality", "events", [0, 0])],
)  # fmt: skip
def test_events_of_a_group_that_is_switched_off_are_gone(
    kind: str, group: str, left: list[int]
) -> None:
    own = batch()
    layout = Layout(names={**NAMES, "modality": ("events",)})
    gone = {"events": {"events_mask": torch.zeros(2)}}
    switch = Switch(
        target=Count(), batch=own, layout=layout, baselines={}, gone=gone, cells=cells_of(own)
    )
    gates = torch.ones(2, layout.width)
    names = layout.names[kind]
    gates[:, layout.columns(kind).start + names.index(group)] = 0
    assert switch(gates, torch.arange(2)).tolist() == left
    assert switch(torch.ones(2, layout.width), torch.tensor([1, 0])).tolist() == [1, 3]
