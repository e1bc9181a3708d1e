"""How far an ECG lies from the recordings that a model was trained on.

The squared Mahalanobis distance of its summaries (`signals.summary`: amplitudes, skewness, slopes,
spectrum of every lead, heart rate) per summary known: 1 on average for a recording like those of
training. Summaries and not a network's own features: they are the same for every model, need no
hook into it, and a lead that is inverted or exchanged changes them by construction, whereas a
network may have learnt to ignore it.
Mahalanobis 1936; covariance shrunk after Ledoit and Wolf 2004 (J Multivar Anal 88:365).

Legend of shapes: `N` recordings, `F` summaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from components.core.errors import InputError
from components.core.signals.summary import BANDS, feature_names, summarise

Floats = npt.NDArray[np.float64]
FILE = "distribution.safetensors"
_LOGGED = ("_sd", "_peak_to_peak", "_mean_slope", "_peak_slope")
# Added before a logarithm: 1 µV, below any amplifier's noise.
_FLOOR = 1e-3
# Patterns of known summaries whose factor is held, 0.1 MB each: most recordings have every lead.
_MOST_KEPT = 64
# The summaries' highest band needs more than twice its upper edge.
LOWEST_FS = 2 * BANDS["20_40"][1]


@dataclass(frozen=True, eq=False)
class EcgDistribution:
    """Where the training recordings lie.

    Attributes:
        mean: `[F]` of the summaries, NaN where training never knew one.
        sd: `[F]`; a summary that never varied is left out of every distance.
        covariance: `[F, F]` of the standardised summaries, shrunk.
    """

    mean: Floats
    sd: Floats
    covariance: Floats
    _kept: dict[bytes, Floats] = field(default_factory=dict[bytes, Floats], init=False, repr=False)

    def distance(self, summaries: Floats) -> Floats:
        """Return `[N]` squared distances per known summary; infinite where none is known.

        A summary that is missing (NaN) is left out: the rest of a Gaussian is Gaussian.
        """
        used = np.isfinite(self.mean) & (self.sd > 0)
        z = (summaries - self.mean) / np.where(used, self.sd, 1.0)
        known = np.isfinite(z) & used
        out = np.full(len(z), np.inf)
        alike: dict[bytes, list[int]] = {}
        for row, pattern in enumerate(known):
            alike.setdefault(pattern.tobytes(), []).append(row)
        for rows in alike.values():
            there = np.flatnonzero(known[rows[0]])
            if there.size:
                own = z[rows][:, there] @ self._whitening(there)
                out[rows] = np.vecdot(own, own) / there.size
        return out

    def _whitening(self, known: npt.NDArray[np.intp]) -> Floats:
        """Return the matrix that makes the `known` summaries independent, each of variance 1."""
        key = known.tobytes()
        found = self._kept.get(key)
        if found is None:
            factor = np.linalg.cholesky(self.covariance[np.ix_(known, known)])
            found = np.asarray(np.linalg.inv(factor), np.float64).T
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    def save(self, folder: Path) -> None:
        """Write into a bundle's folder."""
        arrays = {"mean": self.mean, "sd": self.sd, "covariance": self.covariance}
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, str(folder / FILE))


def load(folder: Path) -> EcgDistribution:
    """Return what `save` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return EcgDistribution(**load_file(str(folder / FILE)))
    except (OSError, TypeError, SafetensorError) as error:
        raise InputError(
            f"'{FILE}' of the model bundle cannot be read; write the bundle again"
        ) from error


def summaries(
    values: npt.NDArray[np.floating[Any]],
    fs: float,
    leads: Sequence[str],
    **where: npt.NDArray[Any],
) -> Floats:
    """Return `[N, F]` summaries of `[N, leads, L]` mV, amplitudes and heart rate as logarithms.

    Args:
        values: prepared recordings.
        fs: sampling rate in Hz, above `LOWEST_FS`.
        leads: names of the rows.
        **where: `lead_mask`, `start` and `stop` as of `signals.summary.summarise`.
    """
    found = summarise(values, fs, **where).astype(np.float64)
    logged = _logged(tuple(leads))
    found[:, logged] = np.log(found[:, logged] + _FLOOR)
    return found


@lru_cache(maxsize=16)
def _logged(leads: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Return which of the summaries enter as logarithms."""
    names = enumerate(feature_names(leads))
    return np.array([i for i, n in names if n.endswith(_LOGGED) or n == "heart_rate"], np.intp)
