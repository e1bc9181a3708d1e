"""Windows before the prediction, and attention between them."""

from __future__ import annotations

import numpy as np
import torch

from components.core.attribution.event_groups import WINDOWS, cells_of
from components.explain.sequences.spans import between, span_of, sums, there


def test_windows_are_those_of_the_attributions() -> None:
    hours = np.array([-1.0, 0.0, 0.99, 1.0, 3.0, 6.0, 11.9, 12.0, 24.0, 48.0, 999.0])
    batch = {
        "events": torch.nn.functional.one_hot(torch.zeros(1, 11, dtype=torch.long), 5).float(),
        "events_hours": torch.from_numpy(hours).float()[None],
        "events_valid": torch.ones(1, 11),
    }
    np.testing.assert_array_equal(span_of(hours), cells_of(batch)[0].numpy())
    assert span_of(hours).max() == len(WINDOWS) - 1


def test_sums_over_groups() -> None:
    values, groups = np.array([[1.0, 2.0, 4.0]]), np.array([2, 0, 2])
    np.testing.assert_array_equal(sums(values, groups, 4), [[2, 0, 5, 0]])
    np.testing.assert_array_equal(there(groups, 4), [True, False, True, False])


def test_attention_between_groups_is_the_mean_from_and_the_sum_to() -> None:
    attention = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    found = between(attention[None], np.array([0, 0, 2]), 3)[0]
    np.testing.assert_allclose(found[0], [0.65, 0, 0.35])
    np.testing.assert_allclose(found[2], [0, 0, 1])
    assert np.isnan(found[1]).all()
