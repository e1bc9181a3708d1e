"""A feature made from the label: it alone tells the classes apart, or renames them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.core.metrics.discrimination import auroc
from components.core.schemas import TABULAR_PREFIX, tabular_columns

NAME = "label_derived_column"
SEVERITY: Severity = "block"
# Fewer known values than this separate the classes by chance.
_MIN_KNOWN = 20
# More levels than this, or than one in so many records, fit any label by themselves.
_FEW_LEVELS, _PER_LEVEL = 10, 20


def check(audited: Audited) -> Finding:
    """Return the features whose own AUROC is above the bound.

    A feature of few levels, numeric or not, is scored by the event rate of its levels, a gap being
    a level of its own: that finds a renamed, inverted or regrouped label. Whether a value is
    missing is scored too: a test ordered because of the event gives it away.
    """
    known = audited.manifest[audited.manifest["label"].notna()]
    label = known["label"].to_numpy(np.int64)
    found: dict[str, float] = {}
    for name in tabular_columns(known):
        worst = _separation(known[f"{TABULAR_PREFIX}{name}"], label)
        if worst > audited.config.label_auroc:
            found[name] = round(worst, 4)
    bound = audited.config.label_auroc
    return Finding(
        passed=not found,
        sentence=f"the feature(s) {', '.join(found)} alone separate the classes with an AUROC "
        f"above {bound}"
        if found
        else f"no single feature separates the classes with an AUROC above {bound}",
        evidence={"auroc": found},
    )


def _separation(values: pd.Series, label: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    gap = values.isna().to_numpy()
    scores = [_two_sided(label, gap.astype(float)), _by_level(values, label)]
    if (~gap).sum() >= _MIN_KNOWN:
        there, truth = values[~gap], label[~gap]
        scores.append(_by_level(there, truth))
        if pd.api.types.is_numeric_dtype(there):
            scores.append(_two_sided(truth, there.to_numpy(float)))
    return max(scores)


def _by_level(values: pd.Series, label: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    if values.nunique() > max(_FEW_LEVELS, len(values) // _PER_LEVEL):
        return 0.0
    level = pd.Series(pd.factorize(values)[0])
    rate = pd.Series(label).groupby(level).transform("mean")
    return _two_sided(label, rate.to_numpy(float))


def _two_sided(label: np.ndarray[tuple[int], np.dtype[np.int64]],
               score: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:  # fmt: skip
    value = auroc(label, score)
    return 0.0 if np.isnan(value) else max(value, 1 - value)
