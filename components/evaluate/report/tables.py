"""Rows of the tables that report and model card share, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.core.metrics.delong import DeLong
from components.core.metrics.interval import Interval, number
from components.core.metrics.metric import Metric
from components.core.metrics.registry import named
from components.core.report.section import Table
from components.evaluate.report.data import Figures, ReportData
from components.evaluate.report.wording import evaluated_split, metric_of, percent

# What the reader needs to judge a figure that has no chance level of its own.
_IDEALS = {
    "calibration_slope": "1; below 1: predictions too extreme",
    "calibration_intercept": "0; fitted together with the slope",
    "calibration_in_the_large": "0; above 0: predicted risk too low on the whole",
}


def sizes(data: ReportData) -> Table:
    """Return patients, events and prevalence of each part of the cohort."""
    header = ("Part", "Records", "Patients", "With event", "Without", "Unknown", "Prevalence")
    rows = tuple(
        (
            f"{split.name}{' (evaluated)' if split.evaluated else ''}",
            f"{split.records:,}",
            f"{split.patients:,}",
            f"{split.events:,}",
            f"{split.non_events:,}",
            f"{split.censored:,}",
            percent(split.prevalence),
        )
        for split in data.splits
    )
    note = "Unknown: censored before the horizon; the prevalence is weighted for censoring."
    return Table("Sizes of the cohort", header, rows, note)


def figures(data: ReportData) -> Table:
    """Return discrimination and the figures at the threshold, each with its interval."""
    pooled = bool(data.pooled)
    shown = [metric for metric in _ordered(data.figures) if metric.needs != "probability"]
    header = ("Figure", "Value", "95 % interval", "Better", *(("Pooled",) if pooled else ()))
    rows = tuple(
        (
            metric.title,
            number(data.figures[metric.name].value),
            _bounds(data.figures[metric.name]),
            _better_than_chance(metric, data),
            *((_text(data.pooled.get(metric.name)),) if pooled else ()),
        )
        for metric in shown
    )
    note = f"Intervals: {data.figures[data.headline].method}."
    return Table("Discrimination, and figures at the threshold", header, rows, note)


def baselines(data: ReportData) -> Table:
    """Return each simple model's figures and the paired differences."""
    names = [metric.name for metric in _ordered(data.baselines[0].difference)]
    titles = [metric_of(name).title for name in names]
    header = ("Model", *titles, *(f"Difference in {title}" for title in titles))
    own = ("this model", *(_text(data.figures.get(name)) for name in names), *("" for _ in names))
    rows = [
        (
            baseline.name,
            *(_text(baseline.figures.get(name)) for name in names),
            *(_text(baseline.difference.get(name)) for name in names),
        )
        for baseline in data.baselines
    ]
    note = "Difference: this model minus the simple one, on the same draws of the same patients."
    return _with_delong(Table("Against simple models", header, (own, *rows), note), data)


def _with_delong(table: Table, data: ReportData) -> Table:
    """Return the table with DeLong's test as its last column, or with why there is none."""
    tests = [baseline.delong for baseline in data.baselines]
    reasons = dict.fromkeys(test for test in tests if isinstance(test, str))
    note = " ".join([table.note, *reasons])
    if not any(isinstance(test, DeLong) for test in tests):
        return replace(table, note=note)
    cells = ["", *(test.text() if isinstance(test, DeLong) else "not given" for test in tests)]
    return Table(
        table.caption,
        (*table.header, "DeLong's test of the AUROCs"),
        tuple((*row, cell) for row, cell in zip(table.rows, cells, strict=True)),
        f"{note} DeLong's test: normal approximation, two-sided p, one test by itself.",
    )


def calibration(data: ReportData) -> Table:
    """Return calibration, before and after recalibration where there was one."""
    pair = data.calibration
    caution = (
        "The ECE is biased upwards in small samples, and more so in draws that repeat patients: "
        "its interval may lie above its value."
    )
    if pair is None:
        reported = [metric for metric in _ordered(data.figures) if metric.needs == "probability"]
        rows = tuple(
            (metric.title, _text(data.figures[metric.name]), better(metric)) for metric in reported
        )
        header = ("Figure", "Reported", "Ideal")
        return Table("Calibration", header, rows, f"Without recalibration. {caution}")
    rows = tuple(
        (
            metric.title,
            _text(pair.before.get(metric.name)),
            _text(pair.after.get(metric.name)),
            better(metric),
        )
        for metric in _ordered({**pair.before, **pair.after})
    )
    note = f"Recalibration: {pair.method}. {caution}"
    return Table("Calibration", ("Figure", "Before", "After (reported)", "Ideal"), rows, note)


def folds(data: ReportData) -> Table:
    """Return the headline figure of each fold and the mean and spread of each repeat."""
    numbers = sorted({row.fold for row in data.per_fold})
    cells = {(row.repeat, row.fold): row.figures[data.headline] for row in data.per_fold}
    rows = tuple(
        _repeat(repeat, [cells.get((repeat, fold), np.nan) for fold in numbers])
        for repeat in sorted({row.repeat for row in data.per_fold})
    )
    header = ("Repeat", *(f"Fold {fold + 1}" for fold in numbers), "Mean", "SD of folds")
    events = sorted(row.positives for row in data.per_fold)
    note = (
        f"Each fold is tested on {events[0]:,} to {events[-1]:,} patients with the event. The "
        "spread mixes chance in the patients of a fold with chance in training."
    )
    return Table(f"{metric_of(data.headline).title} in each fold", header, rows, note)


def audit(data: ReportData) -> Table:
    """Return every check with its outcome; a waiver with its reason."""
    rows = tuple((check.name, check.status, check.sentence, check.waiver) for check in data.audit)
    return Table(
        "Checks and their outcome", ("Check", "Outcome", "Finding", "Waived because"), rows
    )


def better(metric: Metric) -> str:
    """Return in which direction a figure improves."""
    return _IDEALS.get(metric.name, metric.direction)


def _better_than_chance(metric: Metric, data: ReportData) -> str:
    if metric.name == "auroc":
        return "higher; chance 0.500"
    if metric.name == "auprc":
        return f"higher; chance {number(evaluated_split(data).prevalence)} (prevalence)"
    if metric.name == "accuracy":
        share = evaluated_split(data).prevalence
        return f"higher; a constant answer {number(max(share, 1 - share))}"
    return better(metric)


def _repeat(repeat: int, values: Sequence[float]) -> tuple[str, ...]:
    known = np.array([value for value in values if not np.isnan(value)])
    mean = float(known.mean()) if known.size else np.nan
    spread = float(known.std(ddof=1)) if known.size > 1 else np.nan
    return (str(repeat + 1), *(number(value) for value in (*values, mean, spread)))


def _ordered(figures_by_name: Figures) -> list[Metric]:
    """Return the metrics present, discrimination first, then at the threshold, then calibration.

    Raises:
        ConfigError: an unknown name.
    """
    needs = ("score", "decision", "probability")
    return sorted(named(figures_by_name), key=lambda metric: needs.index(metric.needs))


def _bounds(interval: Interval) -> str:
    return f"{number(interval.lo)} to {number(interval.hi)}"


def _text(interval: Interval | None) -> str:
    return "not computed" if interval is None else interval.text()
