"""Which of two models is better, by how much, and on how many patients they disagree."""

from __future__ import annotations

from collections.abc import Sequence

from components.compare.flips import Flips
from components.core.comparison.judged import Judged
from components.core.comparison.paired import headline_name
from components.core.metrics.interval import number
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.tables import Figures


def is_underpowered(model: Judged) -> bool:
    """Return whether either class has fewer than 20 patients."""
    events = model.sizes["events"]
    return min(events, model.sizes["patients"] - events) < RARE_PATIENTS


def verdict(reference: Judged, other: Judged, found: Figures, flipped: Flips) -> str:
    """Return the sentence on a pair: by AUROC, better only where the whole interval says so."""
    gap = found[headline_name(reference)]
    lo, hi = number(gap.lo), number(gap.hi)
    span = f"difference in AUROC {number(gap.value)} (95 % interval {lo} to {hi})"
    if is_underpowered(reference):
        text = f"Underpowered: {other.name} minus {reference.name}, {span}"
    elif gap.lo > 0:
        text = f"{other.name} is better than {reference.name}: {span}"
    elif gap.hi < 0:
        text = f"{reference.name} is better than {other.name}: {span}"
    else:
        text = f"Neither is shown to be better, {other.name} minus {reference.name}: {span}"
    return f"{text}; {disagreement(reference, flipped)}"


def disagreement(reference: Judged, flipped: Flips) -> str:
    """Return on how many patients two models disagree, by label."""
    parts = {name: cells[1] + cells[2] for name, cells in flipped.counts.items()}
    return (
        f"at their thresholds they disagree on {flipped.total:,} of "
        f"{reference.sizes['patients']:,.0f} patients, {parts['events']:,} with and "
        f"{parts['no events']:,} without the event; prevalence "
        f"{number(100 * reference.sizes['prevalence'], 1)} %"
    )


def unpaired(models: Sequence[Judged], reason: str) -> str:
    """Return the sentence on models that cannot be paired."""
    each = ", ".join(f"{m.name} AUROC {m.figures['auroc'].text()}" for m in models)
    return (
        f"No differences: {reason}. Figures stand side by side and tell nothing of which model is "
        f"better: {each}"
    )
