"""A model's answers as a table: what a served model returns and what `score` writes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from components.core.bundle import Prediction
from components.core.bundle_files import BundleFacts

COLUMNS = (
    "probability", "lo", "hi", "interval_note", "logit", "quality", "flags", "abstain",
    "abstain_reason", "version", "trained_on", "error",
)  # fmt: skip


def as_table(answers: Sequence[Prediction], facts: BundleFacts) -> pd.DataFrame:
    """Return one row per answer; flags are separated by `;`.

    Args:
        answers: of a bundle's `Predictor`.
        facts: of that bundle.
    """
    cells = {name: [getattr(each, name) for each in answers] for name in _OWN}
    table = pd.DataFrame(cells).assign(
        flags=[";".join(each.flags) for each in answers],
        version=facts.version,
        trained_on=facts.trained_on(),
    )
    return table[list(COLUMNS)]


def example_answer() -> pd.DataFrame:
    """Return one row with a value in every column, for a model's signature."""
    texts = dict.fromkeys(COLUMNS, "")
    numbers = dict.fromkeys(("probability", "lo", "hi", "logit", "quality"), 0.5)
    return pd.DataFrame([{**texts, **numbers, "abstain": False}])


_OWN = [name for name in COLUMNS if name not in {"flags", "version", "trained_on"}]
