"""The loss of what every event says, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from components.core.models.blocks.events.temporal import EventAnswers, recency, recent_loss

HOURS = torch.tensor([[14.0, 8.0, 2.0], [900.0, 0.0, 0.0]])
VALID = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def test_an_event_counts_half_as_much_a_half_life_earlier() -> None:
    share = recency(HOURS, VALID, 6.0)
    torch.testing.assert_close(share[0], torch.tensor([1.0, 2.0, 4.0]) / 7)


def test_padding_counts_for_nothing_and_nothing_underflows() -> None:
    # 2^(−900 / 6) is 0 in single precision.
    assert recency(HOURS, VALID, 6.0)[1].tolist() == [1.0, 0.0, 0.0]


def test_the_loss_is_the_weighted_cross_entropy() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [-1.0, 50.0, 50.0]])
    share = recency(HOURS, VALID, 6.0)
    first = sum(w / 7 * math.log1p(math.exp(-x)) for w, x in ((1, 0.0), (2, 1.0), (4, 2.0)))
    second = math.log1p(math.exp(-1.0))
    found = recent_loss(logits, torch.tensor([1.0, 0.0]), share)
    assert found.item() == pytest.approx((first + second) / 2)


def test_classes_count_by_their_weights() -> None:
    logits, share = torch.randn(2, 3), recency(HOURS, VALID, 6.0)
    truth = torch.tensor([1.0, 0.0])
    positive = recent_loss(logits[:1], truth[:1], share[:1])
    negative = recent_loss(logits[1:], truth[1:], share[1:])
    found = recent_loss(logits, truth, share, classes=(0.5, 4.0))
    torch.testing.assert_close(found, (4.0 * positive + 0.5 * negative) / 2)


def test_an_unknown_label_counts_for_nothing() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    share = recency(HOURS, VALID, 6.0)
    found = recent_loss(logits, torch.tensor([1.0, math.nan]), share)
    alone = recent_loss(logits[:1], torch.tensor([1.0]), share[:1])
    torch.testing.assert_close(found, alone)
    none = recent_loss(logits, torch.full((2,), math.nan), share)
    none.backward()
    assert none.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def answers() -> EventAnswers:
    torch.manual_seed(0)
    return EventAnswers(4, {"death": 2, "grade": 3, "stay": 2}, half_life=6.0)


def test_every_head_of_two_classes_has_an_answer_an_event() -> None:
    found = answers()(torch.randn(2, 3, 4))
    assert {name: tuple(own.shape) for name, own in found.items()} == {
        "death": (2, 3),
        "stay": (2, 3),
    }


def test_heads_are_judged_by_their_own_truth_and_summed() -> None:
    own, encoded = answers(), torch.randn(2, 3, 4)
    steps = {"events_hours": HOURS.repeat(2, 1), "events_valid": VALID.repeat(2, 1)}
    rows = torch.tensor([2, 3])
    death, stay = torch.tensor([9.0, 9.0, 1.0, 0.0]), torch.tensor([9.0, 9.0, 0.0, math.nan])
    found = own.loss(encoded, steps | {"y.death": death, "y.stay": stay}, rows)
    share, said = recency(HOURS, VALID, 6.0), own(encoded)
    truths = {"death": death[2:], "stay": stay[2:]}
    expected = [recent_loss(said[name], truth, share) for name, truth in truths.items()]
    torch.testing.assert_close(found, torch.stack(expected).sum())


def test_without_a_truth_of_its_own_the_label_is_meant() -> None:
    own, encoded = EventAnswers(4, {"death": 2}, half_life=6.0), torch.randn(2, 3, 4)
    steps, rows = {"events_hours": HOURS, "events_valid": VALID}, torch.arange(2)
    label = torch.tensor([1, 0])
    found = own.loss(encoded, steps | {"label": label}, rows)
    torch.testing.assert_close(found, own.loss(encoded, steps | {"y.death": label.double()}, rows))
    assert own.loss(encoded, steps, rows).item() == 0
