"""Attention of single stays, reduced: of real events alone, below the cap, from the same pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from components.core.models.attending import AttentionRecord
from components.explain.sequences.recording import (
    BLOCKS,
    MEGABYTE,
    block_hours,
    recorded,
    reduced,
    whole,
)
from components.explain.sequences.spans import span_of
from components.explain.subject import Subject
from tests.explain_subjects import EVENTLESS


def record(steps: int, padding: int = 0, seed: int = 0) -> AttentionRecord:
    """Return made-up weights of two layers with two heads; padding at the end."""
    rng = np.random.default_rng(seed)
    size = steps + padding
    layers, pooling = np.zeros((2, 1, 2, size, size)), np.zeros((1, 3, 1, size))
    layers[..., :steps, :steps] = rng.dirichlet(np.ones(steps), size=(2, 1, 2, steps))
    pooling[..., :steps] = rng.dirichlet(np.ones(steps), size=(1, 3, 1))
    encoded = rng.normal(size=(1, size, 4))
    valid = (np.arange(size) < steps)[None].astype(np.float64)
    given = (layers, pooling, encoded, np.ones(4), valid)
    layers, pooling, encoded, query, valid = (torch.from_numpy(each) for each in given)
    return AttentionRecord(layers=layers, pooling=pooling, encoded=encoded, query=query,
                           valid=valid)  # fmt: skip


def hours(steps: int, padding: int = 0) -> torch.Tensor:
    return torch.tensor([*np.linspace(60, 0.2, steps), *np.zeros(padding)])


def test_padding_changes_nothing() -> None:
    long = record(6, padding=3)
    short = AttentionRecord(
        layers=long.layers[..., :6, :6], pooling=long.pooling[..., :6],
        encoded=long.encoded[:, :6], query=long.query, valid=long.valid[:, :6],
    )  # fmt: skip
    padded, plain = reduced(long, hours(6, 3)), reduced(short, hours(6))
    for name in ("hours", "pooling", "rolled", "received", "spans", "blocks", "distance",
                 "entropy", "cosine", "even"):  # fmt: skip
        np.testing.assert_allclose(getattr(padded, name), getattr(plain, name))


def test_weights_stay_shares() -> None:
    found = reduced(record(6), hours(6))
    np.testing.assert_allclose(found.pooling.sum(axis=1), 1)
    assert found.rolled.sum() == pytest.approx(1)
    rows = found.spans.sum(axis=-1)
    there = np.unique(span_of(found.hours))
    np.testing.assert_allclose(rows[..., there], 1)
    assert np.isnan(np.delete(rows, there, axis=-1)).all()


def test_the_rollout_begins_at_the_last_layer() -> None:
    own = record(5)
    layers = own.layers[:, 0].mean(1).numpy()
    eye = np.eye(5)
    expected = own.pooling[0, :, 0].mean(0).numpy() @ (
        (layers[1] + eye) / 2 @ ((layers[0] + eye) / 2)
    )
    np.testing.assert_allclose(reduced(own, hours(5)).rolled, expected)


def test_a_long_stay_is_joined_to_runs_of_neighbours() -> None:
    found = reduced(record(4 * BLOCKS), hours(4 * BLOCKS))
    assert found.blocks.shape == (2, 2, BLOCKS, BLOCKS)
    np.testing.assert_allclose(found.blocks.sum(axis=-1), 1)
    np.testing.assert_allclose(block_hours(found.hours)[0], found.hours[:4].mean())
    assert reduced(record(3), hours(3)).blocks.shape == (2, 2, 3, 3)


def test_every_stay_with_events_is_recorded(subject: Subject) -> None:
    found = recorded(subject, megabytes=1.0)
    assert found is not None
    assert (found.too_long, found.empty, found.networks) == (0, 1, 1)
    assert sorted(found.stays) == [k for k in range(len(subject)) if k != EVENTLESS]
    events = subject.rows.events
    assert events is not None
    assert [len(each.hours) for each in found.stays.values()] == (
        events.lengths[list(found.stays)].tolist()
    )
    assert whole(list(found.stays.values()), "distance").shape[0] == len(found.stays)


def test_stays_beyond_the_cap_are_left_out_and_counted(subject: Subject) -> None:
    model, events = subject.target.models[0], subject.rows.events
    assert events is not None
    longest = int(events.lengths.max())
    cap = (model.record_bytes(1, longest) - 1) / MEGABYTE  # type: ignore[operator]
    found = recorded(subject, megabytes=cap)
    assert found is not None
    assert found.too_long == int((events.lengths == longest).sum())
    assert all(len(each.hours) < longest for each in found.stays.values())


def test_a_network_without_attention_has_no_record(subject: Subject) -> None:
    class Other(torch.nn.Module):
        def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return batch

    target = type(subject.target)([Other()], subject.target.view)
    assert recorded(replace(subject, target=target), megabytes=1.0) is None
