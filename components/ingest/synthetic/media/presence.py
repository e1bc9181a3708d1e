"""Which of picture, sound and table a patient has, and which of their files are broken.

Absence depends on chance and on tabular columns alone, so that it says nothing of the label which
the table does not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.media.probability import INPUTS
from components.ingest.synthetic.options import SyntheticOptions

BoolArray = npt.NDArray[np.bool_]

AT_RANDOM = 0.10
# On top of it: sounds of the obese are not kept (too faint), pages of the aged lie on paper.
OBESE, OBESE_NO_SOUND = 33.0, 0.10
AGED, AGED_NO_IMAGE = 75.0, 0.08
# Four broken files in 500 patients, early enough that a small cohort has them.
_BROKEN_EVERY = 500
_BROKEN = {9: "empty_sound", 17: "truncated_image", 31: "short_sound", 43: "text_as_image"}
# Which input each is a file of.
BROKEN_INPUT = {
    "empty_sound": "pcg",
    "truncated_image": "ecg_image",
    "short_sound": "pcg",
    "text_as_image": "ecg_image",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Presence:
    """What is there, each field over the patients of a block.

    Attributes:
        there: input → `[patients]`.
        broken: kind of the broken file, empty for most.
    """

    there: dict[str, BoolArray]
    broken: tuple[str, ...]


def draw_presence(cohort: Cohort, options: SyntheticOptions, rng: np.random.Generator) -> Presence:
    """Draw what each patient has; nobody lacks everything."""
    n = cohort.size
    chance = dict(zip(INPUTS, rng.random((len(INPUTS), n)), strict=True))
    absent = {name: np.full(n, AT_RANDOM if options.nuisance else 0.0) for name in INPUTS}
    if options.nuisance:
        absent["pcg"] += OBESE_NO_SOUND * (cohort.bmi > OBESE)
        absent["ecg_image"] += AGED_NO_IMAGE * (cohort.age >= AGED)
    there = {name: chance[name] >= absent[name] for name in INPUTS}
    broken = tuple(_broken(int(index), options) for index in cohort.index)
    for kind, name in BROKEN_INPUT.items():
        there[name] |= np.array([each == kind for each in broken])
    there["ecg_image"] |= ~np.logical_or.reduce(list(there.values()))
    return Presence(there=there, broken=broken)


def _broken(index: int, options: SyntheticOptions) -> str:
    return _BROKEN.get(index % _BROKEN_EVERY, "") if options.broken_files else ""
