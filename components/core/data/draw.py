"""Which patients a costly analysis looks at, where it cannot look at all of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def drawn_patients(patients: pd.Series, *, records: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return `[n]` whether each record is taken: whole patients in a drawn order.

    Args:
        patients: `[n]` the patient of each record.
        records: as many at most; a single patient with more is taken whole.
        seed: of the order.
    """
    sizes = patients.value_counts().sort_index()
    if sizes.empty:
        return np.zeros(0, np.bool_)
    order = np.random.default_rng(seed).permutation(len(sizes))
    fitting = np.cumsum(sizes.to_numpy()[order]) <= records
    fitting[0] = True
    return patients.isin(set(sizes.index[order[fitting]])).to_numpy(np.bool_)
