"""Optional filters: high-pass against baseline wander, notch against hum. Both have zero phase.

A recursive filter runs forward and backward, so every frequency keeps its place in time and the
gain is the square of one pass's. A 0.5 Hz high-pass with a phase of its own would bend the ST
segment (Kligfield et al. 2007, AHA/ACC/HRS, allow 0.05 Hz, and up to 0.67 Hz with zero phase).
Shapes: `[leads, T]` in, the same out.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Width of the notch at −3 dB is its frequency over this: 2 Hz, which hum's drift stays within and
# which takes little of a QRS complex.
_NOTCH_Q = {50: 25.0, 60: 30.0}
# Time constants of a filter after which what went before is forgotten to 1 %.
_SETTLING = 5.0


def margin_s(highpass_hz: float | None, notch_hz: int | None) -> float:
    """Return how many s on either side of a window bear on what the filters make of it."""
    high = 0.0 if highpass_hz is None else _SETTLING / (2 * np.pi * highpass_hz)
    notch = 0.0 if notch_hz is None else _SETTLING * _NOTCH_Q[notch_hz] / (np.pi * notch_hz)
    return max(high, notch)


def apply(
    x: Array, fs: float, *, highpass_hz: float | None, notch_hz: Literal[50, 60] | None
) -> Array:
    """Return `x` `[leads, T]`, finite, after the filters that are not None.

    At either end the signal is continued by its mirror image, which keeps its level.

    Args:
        x: in any unit.
        fs: sampling rate in Hz.
        highpass_hz: frequency at which the amplitude has fallen to 1/√2.
        notch_hz: frequency that is taken out.

    Raises:
        ValueError: the notch lies at or above half of the rate.
    """
    if notch_hz is not None and fs <= 2 * notch_hz:
        raise ValueError(f"a {notch_hz} Hz notch needs more than {2 * notch_hz} Hz, not {fs:g} Hz")
    from scipy import signal  # half a second that a run without filters need not wait

    out = x.astype(np.float64)
    pad = min(x.shape[1] - 1, round(margin_s(highpass_hz, notch_hz) * fs))
    if highpass_hz is not None:
        out = _both_ways(_highpass(highpass_hz, fs), out, pad)
    if notch_hz is not None:
        b, a = signal.iirnotch(notch_hz, _NOTCH_Q[notch_hz], fs)
        out = _both_ways(signal.tf2sos(b, a), out, pad)
    return out.astype(np.float32)


def _highpass(hz: float, fs: float) -> npt.NDArray[np.float64]:
    from scipy import signal

    # Each pass is first order with |H|² = 1 / (1 + (f₀/f)²): two make 1/√2 at hz for this f₀.
    corner = hz * np.sqrt(np.sqrt(2) - 1)
    return cast(
        "npt.NDArray[np.float64]", signal.butter(1, corner, "highpass", fs=fs, output="sos")
    )


def _both_ways(
    sos: npt.NDArray[np.float64], x: npt.NDArray[np.float64], pad: int
) -> npt.NDArray[np.float64]:
    from scipy import signal

    # The level is taken off first: a filter at rest would answer to it with a step.
    level = x.mean(axis=1, keepdims=True)
    gain = np.prod(sos[:, :3].sum(axis=1) / sos[:, 3:].sum(axis=1))
    done = signal.sosfiltfilt(sos, x - level, axis=1, padtype="even", padlen=pad)
    return done + level * gain**2
