"""Centre crop, symmetric zeros, and the interval that is real."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.signals.fixed import fit_length


@given(st.integers(1, 60), st.integers(1, 60))
def test_what_is_kept_is_the_centre_and_the_rest_is_zero(samples, length) -> None:
    x = np.arange(1, samples + 1, dtype=np.float32)[None]
    out, start, stop = fit_length(x, length)
    assert out.shape == (1, length)
    assert stop - start == min(samples, length)
    first = max(0, (samples - length) // 2)
    np.testing.assert_array_equal(out[0, start:stop], x[0, first : first + stop - start])
    assert not out[0, :start].any()
    assert not out[0, stop:].any()
    assert start in ((length - stop), (length - stop) - 1)


def test_a_length_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="length must be at least 1, not 0"):
        fit_length(np.ones((1, 3), np.float32), 0)
