"""What the first lines say, decided from the figures: the same in report and model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from components.core.errors import CardioError
from components.core.metrics.interval import Interval, number
from components.core.metrics.metric import Metric
from components.core.metrics.registry import named
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.section import Notice
from components.evaluate.report.data import Baseline, ReportData, SplitCount

NOT_FOR_CLINICAL_USE = (
    "Not for clinical use. Research only: not a medical device, and not for the diagnosis, "
    "treatment or triage of any patient."
)


# Read beside the headline: the other area, the operating point, and whether risks are to scale.
_KEY = ("auroc", "auprc", "sensitivity", "specificity", "calibration_slope")


def evaluated_split(data: ReportData) -> SplitCount:
    """Return the part of the cohort that the figures are about.

    Raises:
        CardioError: none or several are marked, or the headline figure is absent.
    """
    marked = [split for split in data.splits if split.evaluated]
    if len(marked) != 1:
        raise CardioError(f"{len(marked)} splits are marked as evaluated; mark exactly one")
    if data.headline not in data.figures:
        raise CardioError(f"the headline figure '{data.headline}' is not among the figures")
    return marked[0]


def metric_of(name: str) -> Metric:
    """Return the metric called `name`.

    Raises:
        ConfigError: an unknown name.
    """
    return named([name])[0]


def is_underpowered(split: SplitCount) -> bool:
    """Return whether either class has fewer than 20 patients."""
    return min(split.events, split.non_events) < RARE_PATIENTS


def headline(data: ReportData) -> str:
    """Return the first line: the figure, whether it beats the simple models, prevalence and sizes.

    Each simple model is named with the paired difference and its interval. A test set that is too
    small has its intervals first; another cohort is called external. What a section has for the
    first line stands before everything else.
    """
    split, figure = evaluated_split(data), data.figures[data.headline]
    title = metric_of(data.headline).title
    if is_underpowered(split):
        # Three decimals of a figure that rests on a handful of patients would mislead.
        figure_text = (
            f"Underpowered: {title} anywhere from {number(figure.lo, 2)} to {number(figure.hi, 2)} "
            f"(95 % interval; point value {number(figure.value, 2)})"
        )
    else:
        bounds = f"{number(figure.lo)} to {number(figure.hi)}"
        figure_text = f"{title} {number(figure.value)} (95 % interval {bounds})"
    sizes = f"{_count(split.patients, 'patient')}, {_count(split.events, 'event')}"
    rest = f"prevalence {percent(split.prevalence)}, {sizes}"
    lead = "External validation: " if data.external else ""
    lead += "".join(f"{section.first} " for section in data.sections if section.first)
    return lead + ", ".join([figure_text, *_verdicts(data), rest])


def key_figures(data: ReportData) -> str:
    """Return the other figures to read first, with intervals; empty when none of them is known."""
    digits = 2 if is_underpowered(evaluated_split(data)) else 3
    names = [name for name in _KEY if name in data.figures and name != data.headline]
    return "; ".join(f"{metric_of(name).title} {data.figures[name].text(digits)}" for name in names)


def notices(data: ReportData) -> list[Notice]:
    """Return the sentences under the first line, the gravest first, each of them once."""
    found = [*_power(data), *_baselines(data), *_audit(data), *_beyond(data)]
    found += _origin(data)
    told = [notice for section in data.sections for notice in section.notices]
    once = dict.fromkeys([*found, *told])  # two sections may have the same to say
    graver = sorted(once, key=lambda notice: notice.level != "warning")
    return [*graver, *(Notice("note", text) for text in data.notices)]


def beaten(baseline: Baseline, figure: str) -> bool:
    """Return whether the model is better than the baseline by the whole of the interval."""
    difference = baseline.difference[figure]
    lower_is_better = metric_of(figure).direction == "lower"
    return difference.hi < 0 if lower_is_better else difference.lo > 0


def out_of_a_thousand(data: ReportData) -> str:
    """Return sensitivity and specificity as counts among 1,000 such patients.

    Empty where they are unknown, or rest on too few patients for counts to be read.
    """
    figures = [data.figures.get(name) for name in ("sensitivity", "specificity")]
    values = [np.nan if figure is None else figure.value for figure in figures]
    sick = 1000 * evaluated_split(data).prevalence
    if is_underpowered(evaluated_split(data)) or not np.isfinite([*values, sick]).all():
        return ""
    found, false = values[0] * sick, (1 - values[1]) * (1000 - sick)
    return (
        f"Of 1,000 such patients {sick:.0f} have the event. The model calls {found + false:.0f} "
        f"positive: {found:.0f} of them have the event and {false:.0f} do not. It misses "
        f"{sick - found:.0f}."
    )


def percent(share: float) -> str:
    """Return a share in [0, 1] in per cent.

    >>> percent(0.1234)
    '12.3 %'
    """
    return f"{number(100 * share, 1)} %"


def bare(text: str) -> str:
    """Return a sentence without its full stop, to be set inside another."""
    return text.rstrip(". ")


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a nested configuration as dotted key and text."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def undefined_note(figures: Mapping[str, Interval]) -> str:
    """Return which figures were undefined in how many draws, or an empty text."""
    parts = [
        f"{metric_of(name).title} in {figure.undefined:,} of {figure.n_draws:,}"
        for name, figure in figures.items()
        if figure.undefined
    ]
    text = "Draws in which a figure was undefined, left out of its interval"
    return f"{text}: {'; '.join(parts)}." if parts else ""


def _power(data: ReportData) -> Iterator[Notice]:
    split = evaluated_split(data)
    if is_underpowered(split):
        yield Notice(
            "warning",
            f"Underpowered: {_count(split.events, 'patient')} with and "
            f"{_count(split.non_events, 'patient')} without the event, fewer than {RARE_PATIENTS} "
            "in one class. Read the intervals, not the point values.",
        )


def _verdicts(data: ReportData) -> Iterator[str]:
    small = is_underpowered(evaluated_split(data))
    for baseline in data.baselines:
        found = baseline.difference[data.headline]
        bounds = f"{number(found.lo, 2 if small else 3)} to {number(found.hi, 2 if small else 3)}"
        gap = (
            f"difference anywhere from {bounds}"
            if small
            else f"difference {number(found.value)}, {bounds}"
        )
        yield f"{_verdict(baseline, data.headline)} {baseline.name} ({gap})"


def _verdict(baseline: Baseline, figure: str) -> str:
    """Return `beats`, `does not beat`, or `is not shown to beat` where only the value is better."""
    if beaten(baseline, figure):
        return "beats"
    sign = -1 if metric_of(figure).direction == "lower" else 1
    better = sign * baseline.difference[figure].value > 0
    return "is not shown to beat" if better else "does not beat"


def _baselines(data: ReportData) -> Iterator[Notice]:
    title = metric_of(data.headline).title
    for baseline in data.baselines:
        if beaten(baseline, data.headline):
            continue
        difference = baseline.difference[data.headline]
        verdict = _verdict(baseline, data.headline)
        yield Notice(
            "warning",
            f"The model {verdict} {baseline.name}: difference in {title} {difference.text()}.",
        )


def _audit(data: ReportData) -> Iterator[Notice]:
    if not data.audit:
        yield Notice("warning", "No leakage audit was run on this cohort.")
    for check in data.audit:
        if check.status == "refused":
            yield Notice("warning", f"The audit refuses this cohort: {bare(check.sentence)}.")
        if check.status == "waived":
            yield Notice(
                "warning",
                f"Audit check '{check.name}' failed and was waived: {bare(check.sentence)}. Reason "
                f"given: {bare(check.waiver)}. A waived run cannot be promoted.",
            )


def _beyond(data: ReportData) -> Iterator[Notice]:
    if data.share is not None and data.share.lo > 1:
        yield Notice(
            "warning",
            "The model does better than is possible on this cohort: share of the best possible "
            f"{data.share.text()}. Something beside what was planted tells it the label; look for "
            "a leak.",
        )


def _origin(data: ReportData) -> Iterator[Notice]:
    if data.synthetic:
        yield Notice(
            "note",
            "Synthetic cohort with a planted signal: the figures test the software and say nothing "
            "about skill on patients.",
        )
    if data.provenance.dirty:
        yield Notice("note", "The code held changes that are in no commit.")


def _count(number_of: int, what: str) -> str:
    return f"{number_of:,} {what}{'' if number_of == 1 else 's'}"
