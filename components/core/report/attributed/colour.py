"""How attribution is laid over a picture or a spectrogram."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from scipy.ndimage import gaussian_filter

from components.core.report.palette import AGAINST, TOWARDS

Floats = npt.NDArray[np.float64]
# Opaque enough to be seen on black traces, and these still show through.
_OPAQUE = 0.85
# One stray block does not take the colours of all others.
_PERCENTILE = 99.5


def smoothed(values: Floats, sigma: float) -> Floats:
    """Return `[h, w]` attributions spread by a Gaussian of `sigma` blocks; their sum stays."""
    return np.asarray(gaussian_filter(values, sigma, mode="nearest"), np.float64)


def limit_of(maps: list[Floats]) -> float:
    """Return the attribution at which colour is full: one for all maps; 1 where nothing is told."""
    size = [np.abs(own[np.isfinite(own)]) for own in maps]
    every = np.concatenate([np.zeros(1), *size])
    found = float(np.percentile(every, _PERCENTILE))
    return found if found > 0 else float(every.max()) or 1.0


def veil(values: Floats, limit: float) -> Floats:
    """Return `[h, w, 4]` RGBA: the hue is the sign, the opacity the size, full at `limit`."""
    share = np.clip(np.nan_to_num(values) / limit, -1, 1)
    colours = np.where((share > 0)[..., None], to_rgb(TOWARDS), to_rgb(AGAINST))
    return np.concatenate([colours, _OPAQUE * np.abs(share)[..., None]], axis=-1)
