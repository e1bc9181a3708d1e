"""Draws the patients of one block: factors, embeddings, what is missing, and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from components.core.modalities import EMBEDDED
from components.core.planted_factors import PlantedFactors
from components.ingest.synthetic.cohort import BLOCK, SITES, BoolArray, FloatArray, TextArray
from components.ingest.synthetic.embeddings.mechanism import (
    DAYS_A_YEAR,
    DEATH,
    LEAST_QUALITY,
    RECURRENCE,
    WITH_QUALITY,
    YEARLY,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

# Recruited from ten to three and a half years before the files are exported.
EXPORT = date(2026, 1, 1)
FOLLOWED_YEARS = (3.5, 10.0)
LOSS_PER_YEAR = 0.02
MOST_PATCHES = 6
# SD of a patch about its patient's vector, in SDs of the vector's own noise.
PATCH_SCATTER = 2.0
# With broken files, one patient a block has an embedding with an entry that is no number.
BROKEN_PER_BLOCK = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What became of the patients, each field `[patients]`, in days from the index date.

    Attributes:
        index_date: diagnosis.
        death: not censored.
        recurrence: infinite where death came first; not censored.
        last: last contact, death included.
    """

    index_date: list[date]
    death: FloatArray
    recurrence: FloatArray
    last: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Patients:
    """The patients of one block, each field `[patients]` or with that first axis.

    Attributes:
        index: number of the patient in the whole cohort.
        site: `A`, `B` or `C`.
        factors: `[patients, L]`.
        vectors: modality → `[patients, W]`, drawn of everyone.
        there: modality → whether it was recorded.
        broken: modality → whether its file holds an entry that is no number.
        quality: of `WITH_QUALITY`, in [0.2, 1].
        patches: number of patches of the spatial modality, at least 1.
        course: what became of them.
    """

    index: npt.NDArray[np.int64]
    site: TextArray
    factors: FloatArray
    vectors: dict[str, FloatArray]
    there: dict[str, BoolArray]
    broken: dict[str, BoolArray]
    quality: FloatArray
    patches: npt.NDArray[np.int64]
    course: Course

    @property
    def size(self) -> int:
        """Return the number of patients."""
        return len(self.index)

    def usable(self, name: str) -> BoolArray:
        """Return `[patients]` whether a modality was recorded and can be read."""
        return self.there[name] & ~self.broken[name]


def draw_block(options: SyntheticOptions, planted: PlantedFactors, block: int) -> Patients:
    """Return the patients of a block, which depend on the seed and its number alone."""
    index = np.arange(block * BLOCK, min((block + 1) * BLOCK, options.patients))
    rng = stream(options.seed, "embedding patients", block)
    # Whole blocks are drawn and cut, so that the cohort's size changes no patient.
    factors = rng.standard_normal((BLOCK, planted.size))[: len(index)]
    site = rng.choice(SITES, BLOCK)[: len(index)]
    quality = rng.uniform(LEAST_QUALITY, 1.0, BLOCK)[: len(index)]
    patches = rng.integers(1, MOST_PATCHES + 1, BLOCK)[: len(index)]
    there = _there(options, planted, factors, block)
    return Patients(
        index=index,
        site=site,
        factors=factors,
        vectors=_vectors(options, planted, factors, quality, block),
        there=there,
        broken=_broken(options, there, block),
        quality=quality,
        patches=patches,
        course=_course(options, planted, factors, block),
    )


def _vectors(
    options: SyntheticOptions,
    planted: PlantedFactors,
    factors: FloatArray,
    quality: FloatArray,
    block: int,
) -> dict[str, FloatArray]:
    made: dict[str, FloatArray] = {}
    for place, (name, own) in enumerate(planted.modalities.items()):
        rng = stream(options.seed, "embedding noise", block, place)
        noise = rng.standard_normal((BLOCK, len(own.mean)))[: len(factors)] * np.sqrt(own.noise)
        if name == WITH_QUALITY:
            noise /= np.sqrt(quality)[:, None]
        made[name] = own.mean + factors @ own.loadings.T + noise
    return made


def _there(
    options: SyntheticOptions, planted: PlantedFactors, factors: FloatArray, block: int
) -> dict[str, BoolArray]:
    rng = stream(options.seed, "embedding missing", block)
    chance = rng.random((BLOCK, len(EMBEDDED)))[: len(factors)]
    probit = rng.standard_normal(BLOCK)[: len(factors)]
    there = {name: chance[:, place] >= options.emb_missing for place, name in enumerate(EMBEDDED)}
    if planted.missing is not None:
        weight = planted.missing.intercept + factors @ planted.missing.weights
        there[planted.missing.modality] = weight + probit > 0
    return there


def _broken(
    options: SyntheticOptions, there: dict[str, BoolArray], block: int
) -> dict[str, BoolArray]:
    rng = stream(options.seed, "embedding broken", block)
    broken = {name: np.zeros(len(each), np.bool_) for name, each in there.items()}
    for _ in range(BROKEN_PER_BLOCK if options.broken_files else 0):
        name, row = EMBEDDED[rng.integers(len(EMBEDDED))], int(rng.integers(BLOCK))
        if row < len(broken[name]):
            broken[name][row] = there[name][row]
    return broken


def _course(
    options: SyntheticOptions, planted: PlantedFactors, factors: FloatArray, block: int
) -> Course:
    rng = stream(options.seed, "embedding outcomes", block)
    waited = rng.exponential(1.0, (3, BLOCK))[:, : len(factors)]
    followed = rng.uniform(*FOLLOWED_YEARS, BLOCK)[: len(factors)] * DAYS_A_YEAR

    def day(number: int, yearly: FloatArray | float) -> FloatArray:
        return np.ceil(waited[number] / yearly * DAYS_A_YEAR)

    death = day(0, YEARLY[DEATH] * np.exp(factors @ planted.risks[DEATH]))
    recurrence = day(1, YEARLY[RECURRENCE] * np.exp(factors @ planted.risks[RECURRENCE]))
    contact = np.maximum(np.floor(np.minimum(followed, day(2, LOSS_PER_YEAR))), 1.0)
    return Course(
        index_date=[EXPORT - timedelta(days=int(each)) for each in followed],
        death=death,
        recurrence=np.where(recurrence < death, recurrence, np.inf),
        last=np.minimum(contact, death),
    )


def patches_of(patients: Patients, row: int, noise: FloatArray, seed: int) -> FloatArray:
    """Return `[P, W]` patches of a patient, whose mean is the patient's spatial vector.

    Args:
        patients: of the block.
        row: of the patient in it.
        noise: `[W]` variance of the modality's own noise.
        seed: of the cohort.
    """
    vector, count = patients.vectors["emb_spatial"][row], int(patients.patches[row])
    rng = stream(seed, "embedding patches", int(patients.index[row]))
    scatter = rng.standard_normal((count, len(vector))) * PATCH_SCATTER * np.sqrt(noise)
    return vector + scatter - scatter.mean(axis=0)
