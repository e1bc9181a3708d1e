"""A comparison's figures in the forms of the tracking store, a table and JSON."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from components.compare import contributions, grouped
from components.compare.comparison import Comparison
from components.core.metrics.tables import Figures


def metrics(done: Comparison) -> dict[str, float]:
    """Return the differences under their names in the tracking store."""
    found: dict[str, float] = {}
    for letter, figures in done.differences.items():
        named = {f"compare/{letter}/{name}_diff": i for name, i in figures.items()}
        own = done.flips[letter].figures
        named |= {f"compare/{letter}/{name}": i for name, i in own.items()}
        if letter in done.groups:
            named |= grouped.figures(letter, done.groups[letter])
        for key, interval in named.items():
            bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
            found |= {f"{key}{end}": value for end, value in bounds if not math.isnan(value)}
        found[f"compare/{letter}/flips"] = float(done.flips[letter].total)
    return found


def long(done: Comparison) -> pd.DataFrame:
    """Return one row per figure and per difference."""
    first = done.models[0].letter
    parts = [("figure", m.letter, "", m.figures) for m in done.models]
    parts += [("difference", letter, first, found) for letter, found in done.differences.items()]
    parts += [("reclassification", k, first, f.figures) for k, f in done.flips.items()]
    rows = [
        {"kind": kind, "model": model, "against": against, "figure": name, **interval.to_dict()}
        for kind, model, against, figures in parts
        for name, interval in figures.items()
    ]
    return pd.DataFrame(rows)


def plain(done: Comparison) -> dict[str, Any]:
    """Return everything as JSON values; an undefined number is null."""
    return {
        "models": [
            {"letter": m.letter, "model": m.model, "run": m.reference,
             "evaluation": m.stage.fingerprint, "test_split": m.test_split, **m.sizes,
             "figures": _intervals(m.figures)}
            for m in done.models
        ],
        "paired": not done.unpaired,
        "reason": done.unpaired,
        "differences": {k: _intervals(found) for k, found in done.differences.items()},
        "flips": {
            k: {"patients": f.total, "counts": f.counts, "figures": _intervals(f.figures)}
            for k, f in done.flips.items()
        },
        "groups": {k: _finite(grouped.plain(found)) for k, found in done.groups.items()},
        "contributions": _finite(contributions.plain(done.models)),
        "verdict": done.verdicts(),
    }  # fmt: skip


def _intervals(figures: Figures) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _finite({n: i.to_dict() for n, i in figures.items()})
    return found


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with null for every undefined number."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
