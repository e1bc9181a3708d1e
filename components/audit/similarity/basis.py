"""Windows to short sketches: principal components, whitened, of unit length.

ECGs resemble one another: raw windows of two people correlate at 0.5 and more. After whitening
(each principal component to variance one) those of different recordings are nearly orthogonal,
while those of copies stay parallel, so that a short code tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.audit.similarity.traces import Floats

# Components kept at most: noise grows in the later ones, chance agreement falls as 1/sqrt(D).
WIDTH = 32
# Windows per component that are needed to fit it, and used at most.
_PER_COMPONENT, _MOST_WINDOWS = 4, 6000


@dataclass(frozen=True, eq=False)
class Basis:
    """A linear map to whitened principal components: `mean` `[F]`, `map` `[F, D]`."""

    mean: Floats
    map: Floats

    def sketch(self, windows: Floats) -> Floats:
        """Return `[M, D]` of unit length; their product is a cosine in [-1, 1]."""
        out = (windows - self.mean) @ self.map
        norm = np.sqrt((out * out).sum(axis=1, keepdims=True))
        return np.divide(out, norm, out=np.zeros_like(out), where=norm > 0)


def fit_basis(windows: Floats) -> Basis:
    """Return the basis of some windows `[M, F]`; the same windows give the same basis."""
    step = max(1, len(windows) // _MOST_WINDOWS)
    chosen = windows[::step].astype(np.float64)
    mean = chosen.mean(axis=0)
    chosen -= mean
    values, vectors = np.linalg.eigh(chosen.T @ chosen / len(chosen))
    width = min(WIDTH, max(1, len(chosen) // _PER_COMPONENT))
    # eigh sorts ascending.
    values, vectors = values[::-1][:width], vectors[:, ::-1][:, :width]
    real = values > 1e-9 * max(float(values[0]), 1e-30)
    whitened = vectors[:, real] / np.sqrt(values[real])
    return Basis(mean.astype(np.float32), whitened.astype(np.float32))
