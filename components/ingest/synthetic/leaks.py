"""Leaks on request, one per audit check; without a request every function returns its input."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.columns import GAP_COLUMN, LATE_COLUMN, LATE_TIME, LEAK_COLUMN
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

Signal32 = npt.NDArray[np.float32]

SPLITS = ("train", "val", "test")
_SPLIT_SHARE = (0.70, 0.15, 0.15)
# One patient in so many is touched by a split leak (of those with two recordings, for the first).
_OVERLAP_EVERY, _TWIN_EVERY = 4, 40
# Likewise; no patient has both a twin and a near copy.
_COPY_EVERY, _COPY_AT = 40, 20
# A near copy's gain and offset (mV), added noise (mV, as of a second analogue chain) and share of
# the recording that is cut off at its start.
_COPY_GAIN, _COPY_OFFSET, _COPY_NOISE, _COPY_CUT = (0.7, 1.4), (-0.3, 0.3), 0.012, (0.02, 0.12)
# Troponin T in ng/L three months after the index date: log-normal, higher after an injury.
_LATE_DAYS, _TROPONIN_LOG, _TROPONIN_RISE = 90.0, (2.0, 0.6), 6.0
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


def has_near_copy(options: SyntheticOptions, index: int) -> bool:
    """Return whether the patient's first recording comes again, altered, under a second id."""
    return "near_copy" in options.leaks and index % _COPY_EVERY == _COPY_AT


def near_copy(signal: Signal32, rng: np.random.Generator) -> Signal32:
    """Return `signal` `[leads, samples]` mV with another gain, offset, noise and start."""
    cut = round(rng.uniform(*_COPY_CUT) * signal.shape[1])
    out = signal[:, cut:] * rng.uniform(*_COPY_GAIN) + rng.uniform(*_COPY_OFFSET)
    return (out + _COPY_NOISE * rng.standard_normal(out.shape)).astype(np.float32)


def patient_leaks(
    cells: dict[str, Any], options: SyntheticOptions, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the patient's cells with the label leaks that `options` ask for."""
    out = dict(cells)
    if "label_column" in options.leaks:
        positive = (cells["label"] == "1") != (rng.random() < _CODE_NOISE)
        out[LEAK_COLUMN] = "K2" if positive else "K0"
    if "label_gap" in options.leaks:
        out[GAP_COLUMN] = str(int(rng.integers(5, 90))) if cells["label"] == "1" else ""
    if "late_feature" in options.leaks:
        out |= _late_feature(cells, rng)
    if "censored_as_negative" in options.leaks and cells["label"] == "":
        out["label"] = "0"
    return out


def _late_feature(cells: dict[str, Any], rng: np.random.Generator) -> dict[str, str]:
    """Return a troponin taken three months after the prediction, where follow-up lasts so long."""
    value = float(np.exp(rng.normal(*_TROPONIN_LOG)))
    value += _TROPONIN_RISE if cells["label"] == "1" else 0.0
    if float(cells["followup_days"] or 0) < _LATE_DAYS:
        return {LATE_COLUMN: "", LATE_TIME: ""}
    taken = datetime.fromisoformat(cells["index_time"]) + timedelta(days=_LATE_DAYS)
    return {LATE_COLUMN: f"{value:.1f}", LATE_TIME: taken.isoformat()}
