"""One patient under two names, told by embeddings whose contents are exactly alike.

An embedding may well be two patients' own: a vector made of a few codes or answers takes few
values. One that hardly anybody shares is a patient's own, and who has it and another one of another
patient, with all else that both have alike, is that patient, even where one of the two lacks a
modality. A single one in common says too little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.modalities import EMBEDDED
from components.core.schemas import HASH_PREFIX, codes

Ints = npt.NDArray[np.int64]
# An embedding that more patients share with another is no one's own.
_SHARED, _FEWEST_SHARED = 0.01, 2
# Patients of one copied vector; more that have it are a crowd and nobody's copies.
MOST_COPIES = 3
# Embeddings that two patients must have in common.
_IN_COMMON = 2


def coarse(frame: pd.DataFrame, name: str) -> bool:
    """Return whether so many patients share an embedding that being alike says nothing of it.

    A vector made of a few codes or answers takes few values; one made of pictures or texts does
    not.

    Args:
        frame: manifest rows.
        name: a modality; one that is no embedding, or without contents, is not coarse.
    """
    column = f"{HASH_PREFIX}{name}"
    if name not in EMBEDDED or column not in frame:
        return False
    known = frame[frame[column].notna()]
    holders = known.groupby(column)["patient_id"].transform("nunique")
    shared = known.loc[holders > 1, "patient_id"].nunique()
    return shared > max(_FEWEST_SHARED, _SHARED * known["patient_id"].nunique())


def copied_pairs(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Ints, Ints]:
    """Return places `[P]` and `[P]` of records of two patients who are one by their embeddings.

    They agree in every modality that both have, two at least, one of them an embedding that is not
    `coarse` and that no more than `MOST_COPIES` patients have. Time grows with the number of records: only
    those that share such a content are compared.

    Args:
        frame: manifest rows with `patient_id` and `sha256.<modality>`.
        names: of the embeddings.
    """
    columns = [f"{HASH_PREFIX}{name}" for name in names]
    plain = frame[["patient_id", *columns]].reset_index(drop=True)
    first = plain.drop_duplicates()  # a patient's equal records are one
    contents = np.stack([codes(plain[column]) for column in columns], axis=1)
    own = [name for name in names if not coarse(frame, name)]
    pairs = [np.zeros((0, 2), np.int64), *(_sharing(first, f"{HASH_PREFIX}{n}") for n in own)]
    left, right = np.unique(np.concatenate(pairs), axis=0).T
    one, two = contents[left], contents[right]
    both = (one >= 0) & (two >= 0)
    agree = ((one == two) | ~both).all(axis=1) & (both.sum(axis=1) >= _IN_COMMON)
    return left[agree], right[agree]


def _sharing(frame: pd.DataFrame, column: str) -> Ints:
    """Return `[P, 2]` places of records of two patients, no more than a few, with one content."""
    known = frame.loc[frame[column].notna(), ["patient_id", column]]
    holders = known.groupby(column)["patient_id"].transform("nunique")
    few = known[holders.between(2, MOST_COPIES)].reset_index(names="place")
    both = few.merge(few, on=column)
    strangers = both["patient_id_x"] != both["patient_id_y"]
    both = both[strangers & (both["place_x"] < both["place_y"])]
    return both[["place_x", "place_y"]].to_numpy(np.int64)
