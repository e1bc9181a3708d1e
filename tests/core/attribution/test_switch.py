"""Switched groups, against inputs changed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from components.core.attribution.groups import SEGMENTS, cell_names
from components.core.attribution.switch import Layout, Switch
from components.core.data.batches import Batch

LEADS = ("I", "V2")
LAYOUT = Layout(
    names={
        "lead_segment": cell_names(LEADS),
        "lead": LEADS,
        "segment": SEGMENTS,
        "modality": ("ecg", "text"),
        "variable": ("age", "sex"),
    }
)
SEGMENT = torch.tensor([[0, 1, 2, 3, 4, 4], [-1] * 6], dtype=torch.int8)


class Weighted(nn.Module):
    """A sum of everything, each entry with a weight of its own: no two changes look alike."""

    def forward(self, batch: Batch) -> Tensor:
        parts = [batch[key].reshape(len(batch[key]), -1).double() for key in sorted(batch)]
        every = torch.cat(parts, dim=1)
        return every @ torch.linspace(1, 2, every.shape[1], dtype=torch.float64).sqrt()


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(1)
    return {
        "label": torch.tensor([7, 7]),
        "ecg": torch.randn(2, 2, 6),
        "tabular": torch.randn(2, 3),
        "text": torch.randn(2, 4),
        "text_mask": torch.ones(2),
    }


@pytest.fixture
def switch(batch: Batch) -> Switch:
    return Switch(
        target=Weighted(),
        batch=batch,
        layout=LAYOUT,
        baselines={"ecg": torch.full((2, 2, 6), 5.0), "tabular": torch.full((2, 3), 6.0)},
        gone={
            "ecg": {"ecg": torch.full((2, 2, 6), 7.0)},
            "text": {"text": torch.full((2, 4), 8.0), "text_mask": torch.zeros(2)},
        },
        segments=SEGMENT,
        variables=torch.tensor([0, 0, 1]),
    )


def changed(batch: Batch, key: str, place: tuple[object, ...], value: float) -> Batch:
    own = batch[key].clone()
    own[place] = value  # type: ignore[index]
    return {**{k: v for k, v in batch.items() if k != "label"}, key: own}


@pytest.mark.parametrize(
    ("kind", "number", "key", "place", "value"),
    [
        ("lead_segment", 6, "ecg", (0, 1, 1), 5),
        ("lead_segment", 4, "ecg", (0, 0, slice(4, 6)), 5),
        ("lead", 0, "ecg", (slice(None), 0), 5),
        ("segment", 3, "ecg", (0, slice(None), 3), 5),
        ("modality", 0, "ecg", (slice(None),), 7),
        ("variable", 0, "tabular", (slice(None), slice(0, 2)), 6),
        ("variable", 1, "tabular", (slice(None), 2), 6),
    ],
)
def test_a_gate_replaces_its_group_alone(
    switch: Switch,
    batch: Batch,
    kind: str,
    number: int,
    key: str,
    place: tuple[object, ...],
    value: float,
) -> None:
    gates = torch.ones(2, LAYOUT.width)
    gates[:, LAYOUT.columns(kind).start + number] = 0
    expected = Weighted()(changed(batch, key, place, value))
    torch.testing.assert_close(switch(gates, torch.arange(2)), expected)


def test_an_absent_note_takes_its_mask_along(switch: Switch, batch: Batch) -> None:
    gates = torch.ones(2, LAYOUT.width)
    gates[0, LAYOUT.columns("modality").start + 1] = 0
    gone = changed(changed(batch, "text", (0,), 8), "text_mask", (0,), 0)
    torch.testing.assert_close(switch(gates, torch.arange(2)), Weighted()(gone))


def test_a_sample_is_kept_if_all_its_gates_keep_it(switch: Switch, batch: Batch) -> None:
    gates = torch.ones(2, LAYOUT.width)
    gates[:, LAYOUT.columns("lead").start] = 0
    gates[:, LAYOUT.columns("segment").start + 1] = 0
    gone = changed(changed(batch, "ecg", (slice(None), 0), 5), "ecg", (0, 1, 1), 5)
    torch.testing.assert_close(switch(gates, torch.arange(2)), Weighted()(gone))


def test_rows_are_of_the_records_that_they_name(switch: Switch, batch: Batch) -> None:
    gates = torch.ones(3, LAYOUT.width)
    gates[2, LAYOUT.columns("lead")] = 0
    said = switch(gates, torch.tensor([1, 0, 1]))
    plain = {key: value for key, value in batch.items() if key != "label"}
    gone = changed(batch, "ecg", (slice(None),), 5)
    torch.testing.assert_close(said[:2], Weighted()(plain)[[1, 0]])
    torch.testing.assert_close(said[2:], Weighted()(gone)[1:])


def test_without_ecg_and_columns_modalities_alone_are_switched(batch: Batch) -> None:
    layout = Layout(names={"modality": ("text",)})
    plain = {key: batch[key] for key in ("text", "text_mask", "tabular")}
    switch = Switch(
        target=Weighted(),
        batch=plain,
        layout=layout,
        baselines={},
        gone={"text": {"text": torch.zeros(2, 4)}},
    )
    expected = Weighted()({**plain, "text": torch.zeros(2, 4)})
    torch.testing.assert_close(switch(torch.zeros(2, 1), torch.arange(2)), expected)


def test_segments_can_be_the_only_groups_of_an_ecg(batch: Batch) -> None:
    plain = {"ecg": batch["ecg"]}
    switch = Switch(
        target=Weighted(),
        batch=plain,
        layout=Layout(names={"segment": SEGMENTS}),
        baselines={"ecg": torch.zeros(2, 2, 6)},
        gone={},
        segments=SEGMENT.clamp(min=4),
    )
    none = switch(torch.zeros(2, 5), torch.arange(2))
    torch.testing.assert_close(none, torch.zeros(2, dtype=torch.float64))


def test_gates_lie_in_the_order_of_the_layout() -> None:
    assert LAYOUT.width == 10 + 2 + 5 + 2 + 2
    assert LAYOUT.columns("segment") == slice(12, 17)
    assert LAYOUT.columns("token") == slice(0, 0)
