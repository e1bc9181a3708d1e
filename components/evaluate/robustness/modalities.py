"""Every subset of the model's inputs; an absent input is what serving makes of it.

Without clinical fields each counts as missing; without notes the record has none. Without an ECG
serving gives no answer, and none is made up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from components.core.errors import ConfigError
from components.core.modalities import TITLES
from components.evaluate.robustness.recordings import Change, Condition, Recordings, Setup

KIND = "Inputs"
# All 2^k subsets are tried up to here: 32 passes.
MOST = 5
_REMARKS = {
    "tabular": "each clinical field counts as missing",
    "text": "the record has no note",
}
# Inputs without which serving refuses to answer (`core.bundle.Predictor`).
REQUIRED = frozenset({"ecg"})


def check_count(inputs: Sequence[str]) -> None:
    """Refuse more inputs than all subsets can be tried of.

    Raises:
        ConfigError: there are more.
    """
    if len(inputs) > MOST:
        raise ConfigError(
            f"the model has {len(inputs)} inputs; subsets of at most {MOST} are tried, set "
            "evaluate.robustness.modalities=false"
        )


def conditions(setup: Setup) -> Iterator[Condition]:
    """Yield one condition per subset of the inputs that is not all of them.

    Raises:
        ConfigError: there are more inputs than subsets can be tried of.
    """
    inputs = setup.inputs
    check_count(inputs)
    if not setup.config.modalities or len(inputs) < 2:
        return
    for size in range(len(inputs) - 1, -1, -1):
        for kept in combinations(inputs, size):
            yield _condition(kept, tuple(name for name in inputs if name not in kept))


def _condition(kept: tuple[str, ...], lost: tuple[str, ...]) -> Condition:
    refusing = [TITLES[name] for name in lost if name in REQUIRED]
    return Condition(
        kind=KIND,
        key=f"without_{'_'.join(lost)}",
        title=f"{' and '.join(TITLES[name] for name in kept)} alone" if kept else "nothing",
        change=None if refusing else _without(lost),
        remark=f"the model refuses to answer without {refusing[0]}"
        if refusing
        else "; ".join(_REMARKS[name] for name in lost),
    )


def _without(lost: tuple[str, ...]) -> Change:
    def change(recordings: Recordings) -> Recordings:
        if "text" in lost:
            recordings = replace(recordings, text_mask=np.zeros_like(recordings.text_mask))
        if "tabular" not in lost:
            return recordings
        gone = np.broadcast_to(recordings.absent, recordings.tabular.shape).copy()
        return replace(recordings, tabular=gone)

    return change
