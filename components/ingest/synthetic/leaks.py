"""Leaks on request, one per audit check; without a request every function returns its input."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.ingest.synthetic.columns import LEAK_COLUMN
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

SPLITS = ("train", "val", "test")
_SPLIT_SHARE = (0.70, 0.15, 0.15)
# One patient in so many is touched by a split leak (of those with two recordings, for the first).
_OVERLAP_EVERY, _TWIN_EVERY = 4, 40
# The leaked code agrees with the label but for this share, so that it is no exact copy.
_CODE_NOISE = 0.02


def split_of(seed: int, index: int) -> str:
    """Return a patient's own split."""
    return str(stream(seed, "split", index).choice(SPLITS, p=_SPLIT_SHARE))


def other_split(split: str) -> str:
    """Return a split that is not `split`: the test set for training patients, else training."""
    return "test" if split == "train" else "train"


def recording_split(options: SyntheticOptions, index: int, number: int) -> str:
    """Return the split of a patient's recording; `patient_overlap` moves the second one."""
    own = split_of(options.seed, index)
    moved = "patient_overlap" in options.leaks and number == 1
    return other_split(own) if moved and index % _OVERLAP_EVERY == 0 else own


def has_twin(options: SyntheticOptions, index: int) -> bool:
    """Return whether the patient's first waveform appears under a second patient id as well."""
    return "identical_waveform" in options.leaks and index % _TWIN_EVERY == 0


def patient_leaks(
    cells: dict[str, Any], options: SyntheticOptions, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the patient's cells with the label leaks that `options` ask for."""
    out = dict(cells)
    if "label_column" in options.leaks:
        positive = (cells["label"] == "1") != (rng.random() < _CODE_NOISE)
        out[LEAK_COLUMN] = "K2" if positive else "K0"
    if "censored_as_negative" in options.leaks and cells["label"] == "":
        out["label"] = "0"
    return out
