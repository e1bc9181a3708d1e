"""Per-lead mean and SD over real samples, and the z-score that follows from them.

B recordings, leads, L samples. Padding and missing leads never count and are exactly 0 afterwards.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError

Values = npt.NDArray[np.float32]


def real_samples(
    shape: tuple[int, int, int],
    lead_mask: npt.NDArray[np.bool_],
    start: npt.NDArray[np.integer],
    stop: npt.NDArray[np.integer],
) -> npt.NDArray[np.bool_]:
    """Return `[B, leads, L]`, True where a sample is neither padding nor of a missing lead.

    Args:
        shape: `(B, leads, L)`.
        lead_mask: `[B, leads]`.
        start: `[B]`, first real sample.
        stop: `[B]`, one past the last.
    """
    time = np.arange(shape[2])[None, :]
    inside = (time >= np.asarray(start)[:, None]) & (time < np.asarray(stop)[:, None])
    return np.asarray(lead_mask, np.bool_)[:, :, None] & inside[:, None, :]


@dataclass(frozen=True, eq=False)
class Moments:
    """Running count, mean and sum of squared deviations per lead, mergeable in any order.

    Attributes:
        count: `[leads]`.
        mean: `[leads]`.
        squares: `[leads]`, sum of squared deviations from `mean`.
    """

    count: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]

    @staticmethod
    def empty(leads: int) -> Moments:
        """Return the moments of nothing."""
        return Moments(np.zeros(leads), np.zeros(leads), np.zeros(leads))

    @staticmethod
    def of(values: Values, real: npt.NDArray[np.bool_]) -> Moments:
        """Return the moments of `values` `[B, leads, L]` where `real` is True."""
        count = real.sum(axis=(0, 2)).astype(np.float64)
        safe = np.maximum(count, 1)
        mean = np.where(real, values, 0).sum(axis=(0, 2), dtype=np.float64) / safe
        centred = np.where(real, values - mean[:, None], 0)
        return Moments(count, mean, np.einsum("bct,bct->c", centred, centred))

    @staticmethod
    def of_one(
        values: Values, lead_mask: npt.NDArray[np.bool_], *, start: int, stop: int
    ) -> Moments:
        """Return the moments of one recording's real samples, four times as fast as `of`.

        Args:
            values: `[leads, L]`.
            lead_mask: `[leads]`.
            start: first real sample.
            stop: one past the last.
        """
        centred = values[:, start:stop].astype(np.float64)
        mean = centred.mean(axis=1) if stop > start else np.zeros(len(values))
        centred -= mean[:, None]
        squares = np.vecdot(centred, centred)
        count = np.full(len(values), stop - start, np.float64)
        return Moments(*(np.where(lead_mask, each, 0.0) for each in (count, mean, squares)))

    @staticmethod
    def pooled(moments: npt.NDArray[np.float64]) -> Moments:
        """Return the moments of all records together.

        Args:
            moments: `[n, leads, 3]` count, mean and sum of squared deviations of each record.
        """
        count = moments[:, :, 0].sum(axis=0)
        safe = np.maximum(count, 1)
        mean = (moments[:, :, 0] * moments[:, :, 1]).sum(axis=0) / safe
        between = moments[:, :, 0] * (moments[:, :, 1] - mean) ** 2
        return Moments(count, mean, (moments[:, :, 2] + between).sum(axis=0))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets together (Chan, Golub & LeVeque 1979)."""
        count = self.count + other.count
        safe = np.maximum(count, 1)
        gap = other.mean - self.mean
        mean = self.mean + gap * other.count / safe
        squares = self.squares + other.squares + gap**2 * self.count * other.count / safe
        return Moments(count, mean, squares)

    def stats(self, leads: tuple[str, ...]) -> NormStats:
        """Return mean and SD; a lead without any sample gets mean 0 and SD 1 and stays marked.

        Raises:
            InputError: a lead has samples but no spread.
        """
        sd = np.sqrt(self.squares / np.maximum(self.count, 1))
        for lead, count, spread in zip(leads, self.count, sd, strict=True):
            if count > 0 and not (math.isfinite(spread) and spread > 0):
                raise InputError(
                    f"lead {lead} has SD {spread:g} over {count:.0f} training samples, so it "
                    "cannot be normalised; drop the lead or check the recordings"
                )
        absent = self.count == 0
        return NormStats(
            leads=leads,
            mean=tuple(np.where(absent, 0, self.mean).tolist()),
            sd=tuple(np.where(absent, 1, sd).tolist()),
            count=tuple(int(each) for each in self.count),
        )


@dataclass(frozen=True, kw_only=True)
class NormStats:
    """Mean and SD per lead, from the training split only.

    Attributes:
        leads: canonical names.
        mean: per lead, in the unit of the values.
        sd: per lead, positive.
        count: real samples per lead that they come from; 0 for a lead never seen.
    """

    leads: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    count: tuple[int, ...]

    def to_json(self) -> str:
        """Return JSON text that `from_json` reads back to the bit."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> NormStats:
        """Return the statistics in `text`.

        Raises:
            InputError: the text is not what `to_json` writes.
        """
        try:
            raw = json.loads(text)
            stats = NormStats(
                leads=tuple(str(each) for each in raw["leads"]),
                mean=tuple(float(each) for each in raw["mean"]),
                sd=tuple(float(each) for each in raw["sd"]),
                count=tuple(int(each) for each in raw["count"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise InputError(
                f"the normalisation statistics cannot be read ({type(error).__name__}); "
                "use a norm_stats.json that a training run wrote"
            ) from None
        return stats._checked()

    def _checked(self) -> NormStats:
        sizes = {len(self.leads), len(self.mean), len(self.sd), len(self.count)}
        sound = len(sizes) == 1 and all(math.isfinite(each) for each in self.mean)
        if not (sound and all(math.isfinite(each) and each > 0 for each in self.sd)):
            raise InputError(
                "the normalisation statistics need one finite mean and one positive SD for each of "
                f"{len(self.leads)} leads; use a norm_stats.json that a training run wrote"
            )
        return self

    def apply(self, values: Values, real: npt.NDArray[np.bool_]) -> Values:
        """Return z-scores `[B, leads, L]` float32, exactly 0 where `real` is False.

        Raises:
            InputError: a lead is real here that the training split never had.
        """
        for index, lead in enumerate(self.leads):
            if self.count[index] == 0 and real[:, index].any():
                raise InputError(
                    f"lead {lead} has values, but the training split never had it; mask the lead "
                    "or train on recordings that have it"
                )
        mean = np.array(self.mean, np.float32)[:, None]
        sd = np.array(self.sd, np.float32)[:, None]
        return np.where(real, (values - mean) / sd, np.float32(0)).astype(np.float32)
