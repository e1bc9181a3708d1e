"""Figures over modalities, some of which nobody had hidden."""

from __future__ import annotations

import numpy as np

from components.core.imputation.figures import _over_all


def test_a_modality_without_a_hidden_pair_does_not_count_over_all() -> None:
    relative = np.array([[[1.0, 0.5], [np.nan, np.nan], [1.0, 0.7]]])
    np.testing.assert_allclose(_over_all(relative), [[[1.0, 0.6]]])
    assert np.isnan(_over_all(relative[:, 1:2])).all()
