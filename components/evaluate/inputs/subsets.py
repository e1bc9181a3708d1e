"""The model's answers from every subset of its inputs, and by what the records lack anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import Figures, headline_figures, patient_tables
from components.core.modalities import TITLES
from components.evaluate.inputs.masked import (
    changed_logits,
    check_base,
    there_of,
    unchanged,
    without,
)
from components.evaluate.power import class_sizes, is_small
from components.evaluate.predictions import FoldTest, position
from components.evaluate.robustness.battery import Index, Network
from components.evaluate.robustness.figures import BASE
from components.evaluate.robustness.recordings import Condition

KIND = "Inputs"
_KEYS = ["sample_id", "patient_id", "label", "weight"]


def subsets(inputs: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield every non-empty subset that is not all of the inputs, the larger ones first."""
    for size in range(len(inputs) - 1, 0, -1):
        yield from combinations(inputs, size)


def lost_of(kept: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
    """Return the inputs that a subset leaves out."""
    return tuple(name for name in inputs if name not in kept)


def condition(kept: Sequence[str], inputs: Sequence[str]) -> Condition:
    """Return a subset as the figures and the tracking store name it."""
    return Condition(
        kind=KIND,
        key=f"without_{'_'.join(lost_of(kept, inputs))}",
        title=spoken(kept),
        change=None,
    )


def spoken(names: Sequence[str]) -> str:
    """Return inputs in words.

    >>> spoken(["ecg_image", "pcg"])
    'ECG image and heart sound'
    """
    *most, last = [TITLES[name] for name in names]
    return f"{', '.join(most)} and {last}" if most else last


def fold_frame(
    network: Network,
    test: FoldTest,
    index: Index,
    inputs: Sequence[str],
    *,
    advance: Callable[[int], None],
) -> pd.DataFrame:
    """Return a fold's drawn records with `logit.<key>` and `calibrated.<key>` of every subset.

    NaN where a record has none of the subset's inputs: nothing would be asked about it.
    """
    kept = list(subsets(inputs))
    changes = [unchanged, *(without(lost_of(each, inputs)) for each in kept)]
    logits = changed_logits(network, test.rows, index, changes, advance=advance)
    own = test.frame.iloc[index]
    check_base(own["logit"].to_numpy(np.float64), logits[0])
    has = {name: there[index] for name, there in there_of(test.rows, inputs).items()}
    named = {BASE: own["logit"].to_numpy(np.float64)}
    for each, row in zip(kept, logits[1:], strict=True):
        any_ = np.logical_or.reduce([has[name] for name in each])
        named[condition(each, inputs).key] = np.where(any_, row, np.nan)
    columns = {f"logit.{key}": row for key, row in named.items()}
    columns |= {f"calibrated.{key}": _calibrated(test, row) for key, row in named.items()}
    repeat, fold = position(test.fold)
    return own[_KEYS].assign(repeat=repeat, fold=fold, **columns)


def _calibrated(test: FoldTest, logit: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[
    tuple[int], np.dtype[np.float64]
]:  # fmt: skip
    known = np.isfinite(logit)
    out = np.full_like(logit, np.nan)
    out[known] = test.calibration.recalibrator.logit(logit[known])
    return out


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Test records that have the same inputs.

    Attributes:
        kept: the inputs that they have.
        records: how many.
        patients: of them.
        events: of them with the event.
        powered: at least 20 patients of either class.
        figures: AUROC and AUPRC of the model's answers; empty where a class has nobody.
    """

    kept: tuple[str, ...]
    records: int
    patients: int
    events: int
    powered: bool
    figures: Figures

    @property
    def auroc(self) -> Interval | None:
        """Return the AUROC, None where a class has nobody."""
        return self.figures.get("auroc")


def patterns(
    predictions: pd.DataFrame, tests: Sequence[FoldTest], inputs: Sequence[str], plan: Plan
) -> list[Pattern]:
    """Return the patterns of missing inputs as they occur in the test part, the fullest first.

    Args:
        predictions: one row per fold and test record, in the order of `tests`.
        tests: the same records with what they hold.
        inputs: of the model.
        plan: the bootstrap.
    """
    parts = [pd.DataFrame(there_of(test.rows, inputs)) for test in tests]
    flags = pd.concat(parts, ignore_index=True)
    found: list[Pattern] = []
    for values, index in flags.groupby(list(inputs), sort=True).groups.items():
        held = values if isinstance(values, tuple) else (values,)
        kept = tuple(name for name, is_there in zip(inputs, held, strict=True) if is_there)
        own = predictions.iloc[index.to_numpy(np.int64)]
        found.append(_pattern(kept, own, plan, folded=len(tests) > 1))
    return sorted(found, key=lambda each: (-len(each.kept), each.kept))


def _pattern(kept: tuple[str, ...], own: pd.DataFrame, plan: Plan, *, folded: bool) -> Pattern:
    tables = patient_tables(own, folded=folded)
    events, others = class_sizes(tables.pooled)
    return Pattern(
        kept=kept,
        records=own["sample_id"].nunique(),
        patients=events + others,
        events=events,
        powered=not is_small(tables.pooled),
        figures=headline_figures(tables, "logit", plan) if min(events, others) else {},
    )


def pattern_figures(found: Sequence[Pattern]) -> Iterator[tuple[str, Interval]]:
    """Yield what is tracked of the patterns with enough patients in both classes."""
    for each in found:
        if each.powered and each.kept:
            for name, interval in each.figures.items():
                yield f"inputs/{'_'.join(each.kept)}/{name}", interval
