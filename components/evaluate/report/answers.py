"""What is known of each item of TRIPOD+AI: from figures, stages, analyses, and from people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.core.errors import ConfigError, nearest
from components.core.metrics.registry import named
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.section import Section, Table
from components.core.report.tripod import ITEMS, Item
from components.evaluate.report import tables, wording
from components.evaluate.report.data import ReportData
from components.evaluate.report.wording import bare

# Where the tables of an analysis stand that names no item; others point there.
_PLACES: Mapping[str, tuple[str, ...]] = {
    "subgroups": ("23a", "14", "23b"),
    "robustness": ("27a",),
}
_PERFORMANCE = ("23a",)


@dataclass(frozen=True)
class Answer:
    """What the run knows about an item: a text, tables, or both."""

    text: str
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An item with its answer; None where it is open."""

    item: Item
    answer: Answer | None


def entries(data: ReportData) -> list[Entry]:
    """Return every item in order, answered by the run, by people, or open.

    Raises:
        ConfigError: a statement for an item that does not exist.
    """
    numbers = [item.number for item in ITEMS]
    for number in data.statements:
        if number not in numbers:
            raise ConfigError(
                f"statements name item '{number}', which TRIPOD+AI does not have; "
                f"{nearest(number, numbers)}"
            )
    return [Entry(item, _answer(item.number, data)) for item in ITEMS]


def places(section: Section) -> tuple[str, ...]:
    """Return the items that an analysis answers; its tables stand in the first of them."""
    return section.items or _PLACES.get(section.name, _PERFORMANCE)


def _answer(number: str, data: ReportData) -> Answer | None:
    own = _FROM_RUN[number](data) if number in _FROM_RUN else None
    parts = [own or Answer(""), Answer(data.known.get(number, ""))]
    parts += [_from_section(number, each) for each in data.sections if number in places(each)]
    parts.append(Answer(data.statements.get(number, "")))
    text = " ".join(part.text for part in parts if part.text)
    shown = tuple(table for part in parts for table in part.tables)
    return Answer(text, shown) if text or shown else None


def _from_section(number: str, section: Section) -> Answer:
    home = places(section)[0]
    if number == home:
        return Answer("", section.tables)
    return Answer(f"{section.title} See item {home}.")


def _outcome(data: ReportData) -> Answer:
    return Answer(
        f"Event: {bare(data.label_definition)}. No event: {bare(data.negative_definition)}."
    )


def _sample_size(data: ReportData) -> Answer:
    split = wording.evaluated_split(data)
    verdict = "below" if wording.is_underpowered(split) else "at or above"
    return Answer(
        f"{split.patients:,} patients evaluated, {split.events:,} with the event: {verdict} the "
        f"limit of {RARE_PATIENTS} patients in each class under which this project calls an "
        "evaluation underpowered."
    )


def _measures(data: ReportData) -> Answer:
    listed = ", ".join(metric.title for metric in named(data.figures))
    method = data.figures[data.headline].method
    return Answer(f"{listed}. Intervals: {method}.")


def _updating(data: ReportData) -> Answer | None:
    pair = data.calibration
    return None if pair is None else Answer(f"Recalibration: {pair.method}.")


def _output(data: ReportData) -> Answer:
    text = "A probability of the event in [0, 1]."
    if data.threshold is not None:
        text += f" Threshold: {data.threshold.rule}, chosen on {data.threshold.chosen_on}."
    return Answer(text)


def _quality(data: ReportData) -> Answer | None:
    return Answer("", (tables.audit(data),)) if data.audit else None


def _performance(data: ReportData) -> Answer:
    shown = [tables.figures(data)]
    if data.calibration is None:
        shown.append(tables.calibration(data))
    if data.baselines:
        shown.append(tables.baselines(data))
    if data.per_fold:
        shown.append(tables.folds(data))
    text = f"{wording.headline(data)}."
    if not any("14" in places(section) for section in data.sections):
        text += " Subgroups were not evaluated in this run."
    if data.oracle is not None:
        text += f" Best possible on this synthetic cohort: AUROC {data.oracle.text()}."
    return Answer(text, tuple(shown))


def _updated(data: ReportData) -> Answer | None:
    return None if data.calibration is None else Answer("", (tables.calibration(data),))


def _compared(data: ReportData) -> Answer | None:
    shown = any("20b" in places(section) for section in data.sections)
    return Answer("The last columns of the table in item 20b.") if shown else None


def _limitations(data: ReportData) -> Answer:
    return Answer(" ".join(notice.text for notice in wording.notices(data)))


def _full_model(data: ReportData) -> Answer:
    origin = data.provenance
    dirty = " with changes that are in no commit" if origin.dirty else ""
    return Answer(
        f"{bare(data.model)}. Data fingerprint {origin.fingerprint}; code commit "
        f"{origin.commit}{dirty}. "
        "Weights, preprocessing and calibration are in the registered bundle.",
    )


_FROM_RUN: Mapping[str, Callable[[ReportData], Answer | None]] = {
    "1": lambda data: Answer(data.title),
    "3b": lambda data: Answer(f"{bare(data.cohort)}. {wording.NOT_FOR_CLINICAL_USE}"),
    "4": lambda data: Answer(f"Development and evaluation on {data.evaluated_on}."),
    "5a": lambda data: Answer(f"{bare(data.cohort)}."),
    "7": _quality,
    "8a": _outcome,
    "9b": lambda data: Answer(
        f"All known at the time of prediction: {bare(data.prediction_time)}."
    ),
    "10": _sample_size,
    "12a": lambda data: Answer("By patient.", (tables.sizes(data),)),
    "12c": lambda data: Answer(f"{bare(data.model)}."),
    "12e": _measures,
    "12f": _updating,
    "12g": lambda data: Answer(f"On {data.evaluated_on}."),
    "15": _output,
    "20c": _compared,
    "21": lambda data: Answer("", (tables.sizes(data),)),
    "22": _full_model,
    "23a": _performance,
    "24": _updated,
    "26": _limitations,
}
