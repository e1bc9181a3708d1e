"""Drawing patients with replacement: the one resampling scheme of the project.

A patient is drawn whole, with all recordings, since they are not independent (Field and Welsh
2007). A draw is kept as the number of times each patient was drawn.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from components.core.errors import ConfigError, InputError
from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.metric import Counts, PatientSums, RowWeights, Statistic

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# Draws of the evaluation specification: the 2.5 % bound then rests on 50 draws.
DRAWS = 2000
# With 20 patients in a class a draw misses it once in 2·10⁸ (e⁻²⁰); below, classes are drawn apart.
# It is also the size under which the report says "underpowered".
RARE_PATIENTS = 20
# Row weights in one block of draws; measured: blocks of about 800,000 are fastest, 8 draws of
# 100,000 rows filling whole cache lines, while larger ones leave the core's cache.
_BLOCK = 800_000
# More threads than this wait for memory rather than compute.
_MAX_THREADS = 8

Strata = Literal["auto", "always", "never"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to resample; the same plan and patients give the same draws, whatever the figure.

    Attributes:
        draws: number of draws.
        seed: seed of the generator.
        strata: draw positive and negative patients apart: `auto` when the rarer class has fewer
            than `RARE_PATIENTS`, `always`, or `never`.
        level: coverage of the interval, 0.95 for 95 %.
        corrected: correct intervals for few patients, by `interval.expanded_tail` and, where the
            metric says so, `interval.on_logit_scale`; without it plain percentiles cover 92 to 93 %
            instead of 95 % at 30 events (docs/coverage.md).
    """

    draws: int = DRAWS
    seed: int = 0
    strata: Strata = "auto"
    level: float = 0.95
    corrected: bool = True

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ConfigError(f"bootstrap draws is {self.draws}; it must be at least 1")
        if not 0 < self.level < 1:
            raise ConfigError(f"the interval's level is {self.level}; give 0.95 for 95 %")
        if self.strata not in ("auto", "always", "never"):
            raise ConfigError(f"strata is {self.strata!r}; known are: auto, always, never")


@dataclass(frozen=True, eq=False)
class Clusters:
    """Patients of the rows and the strata they are drawn within.

    Attributes:
        patient: `[n]` number of the row's patient, by sorted id, so the rows' order is immaterial.
        strata: patient numbers of each stratum; one for all where classes are not drawn apart.
        rarest: patients in the rarest class, on which most figures rest; all without labels.
    """

    patient: IntArray
    strata: tuple[IntArray, ...]
    rarest: int

    @property
    def patients(self) -> int:
        """Return the number of patients."""
        return sum(stratum.size for stratum in self.strata)

    @property
    def words(self) -> str:
        """Return how patients were drawn, for the report."""
        apart = (
            ", positive and negative apart (prevalence held fixed)" if len(self.strata) > 1 else ""
        )
        return f"patients drawn with replacement{apart}"


def clusters(
    groups: npt.ArrayLike, y: FloatArray | None, *, weight: FloatArray | None, plan: Plan
) -> Clusters:
    """Return the clusters of `groups` `[n]` (patient ids), stratified by patient label if need be.

    A patient's label is the highest one of the rows that have a known one (weight above 0): 1 when
    any row is positive. Without labels `y` there are no strata.

    Raises:
        InputError: groups of the wrong shape.
    """
    ids = np.asarray(groups)
    rows = ids.shape[0] if y is None and ids.ndim else (0 if y is None else y.size)
    if ids.ndim != 1 or ids.size != rows or rows == 0:
        raise InputError(
            f"the patient ids have shape {ids.shape} where {rows} rows are needed; "
            "give one id per prediction"
        )
    _, patient = np.unique(ids, return_inverse=True)
    everyone = np.arange(patient.max() + 1)
    if y is None:
        return Clusters(patient, (everyone,), everyone.size)
    label = np.zeros(everyone.size)
    np.maximum.at(label, patient, y if weight is None else y * (weight > 0))
    classes = tuple(everyone[label == own] for own in np.unique(label)[::-1])
    rarest = min(stratum.size for stratum in classes) if len(classes) > 1 else 0
    rare = plan.strata == "always" or (plan.strata == "auto" and rarest < RARE_PATIENTS)
    return Clusters(patient, classes if rarest and rare else (everyone,), rarest)


def replicate(
    statistic: Statistic, within: Clusters, *, weight: FloatArray | None, plan: Plan
) -> FloatArray:
    """Return the figures of every draw, `[plan.draws, k]`.

    Draws are made and used in blocks of about `_BLOCK` row weights, one block per thread at a time,
    so memory does not grow with their number. Each draw has its own seed: neither the size of
    blocks nor the number of threads changes a figure.
    """
    size = max(1, _BLOCK // within.patient.size)
    kind = _count_type(within)
    sums: PatientSums = {}

    def run(start: int) -> FloatArray:
        block = np.empty((min(size, plan.draws - start), within.patients), dtype=kind)
        for number, row in enumerate(block, start=start):
            _draw(row, within, seed=(plan.seed, number))
        return statistic.evaluate(RowWeights(block, within.patient, weight, sums))

    # Blocks run side by side already: matrix products that open threads of their own wait for each
    # other (twice the time, measured), and their sums would depend on how many there are.
    one = _libraries().limit(limits=1, user_api="blas")
    with one, ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
        return np.concatenate(list(pool.map(run, range(0, plan.draws, size))))


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Return the loaded libraries' thread pools; looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController  # not needed where a model only answers

    return ThreadpoolController()


def _draw(row: Counts, within: Clusters, *, seed: tuple[int, int]) -> None:
    generator = np.random.default_rng(seed)
    for stratum in within.strata:
        picked = generator.integers(0, stratum.size, size=stratum.size, dtype=np.uint32)
        # bincount takes four times as long over any type but its own.
        times = np.bincount(picked.astype(np.intp), minlength=stratum.size)
        row[slice(None) if stratum.size == row.size else stratum] = times


def _count_type(within: Clusters) -> type[np.signedinteger[Any]]:
    """Return the narrow type, twice as fast, unless a draw's sum over rows could overflow it."""
    largest = int(np.bincount(within.patient).max()) * within.patients
    return np.int32 if largest < np.iinfo(np.int32).max else np.int64
