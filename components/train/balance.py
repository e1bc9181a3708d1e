"""What the class distribution of a training part was and how it was balanced, for the report."""

from __future__ import annotations

from typing import Any

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.cohort import Rows
from components.core.heads.registry import View
from components.train.prior import Counts, counts_of


def balance_of(heads: HeadMap, train: Rows, config: FitConfig) -> dict[str, Any]:
    """Return counts, prevalence, strategy and shift of the primary head, as plain values.

    `shift` is what balanced draws add to the log-odds and the saved weights take back, 0 without
    them; `said` is all of it in words.
    """
    name, head = next(iter(heads.items()))
    counts = counts_of(View(name=name, head=head), train)
    known = counts.negatives + counts.positives
    prevalence = counts.positives / known if known else None
    strategy = _strategy(config)
    shift = counts.shift if strategy == "sampler" else 0.0
    return {
        "head": name,
        "records": counts.records,
        "negatives": counts.negatives,
        "positives": counts.positives,
        "prevalence": prevalence,
        "strategy": strategy,
        "shift": shift,
        "said": f"{_distribution(counts, prevalence)}; {_how(config, shift)}",
    }


def _strategy(config: FitConfig) -> str:
    if config.sampler == "balanced":
        return "sampler"
    return "none" if config.class_weights == "none" else "class_weights"


def _distribution(counts: Counts, prevalence: float | None) -> str:
    share = "" if prevalence is None else f" ({100 * prevalence:.1f} %)"
    unknown = counts.records - counts.negatives - counts.positives
    rest = f", {unknown:,} of unknown truth" if unknown else ""
    return f"{counts.positives:,} with the event{share}, {counts.negatives:,} without{rest}"


def _how(config: FitConfig, shift: float) -> str:
    if config.sampler == "balanced":
        return (
            "both classes are drawn equally often, with replacement; the shift of the log-odds "
            f"that this makes ({shift:+.3f}) is taken back from the head"
        )
    if config.class_weights == "balanced":
        return "class weights in the loss give both classes the same total weight"
    if config.class_weights == "none":
        return "classes are not balanced"
    negative, positive = config.class_weights
    return f"class weights in the loss are {negative:g} (without) and {positive:g} (with the event)"
