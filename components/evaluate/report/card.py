"""The model card, arranged by the items of TRIPOD+AI; what a run cannot answer stays open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from components.core.errors import ConfigError, nearest
from components.core.metrics.registry import named
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.tripod import ITEMS, Item
from components.evaluate.report import tables, wording
from components.evaluate.report.data import ReportData
from components.evaluate.report.section import Table
from components.evaluate.report.wording import bare

TEMPLATE = "model_card.md.j2"


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


def render_card(data: ReportData) -> str:
    """Return the model card as Markdown.

    Raises:
        ConfigError: a statement for an item that does not exist.
        CardioError: not exactly one evaluated split, or no headline figure.
    """
    found = entries(data)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return environment.get_template(TEMPLATE).render(
        data=data,
        headline=wording.headline(data),
        key_figures=wording.key_figures(data),
        notices=wording.notices(data),
        not_for_clinical_use=wording.NOT_FOR_CLINICAL_USE,
        entries=found,
        open_items=[entry.item for entry in found if entry.answer is None],
        waivers=[check for check in data.audit if check.status == "waived"],
        markdown=_table,
    )


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


def _answer(number: str, data: ReportData) -> Answer | None:
    own = _FROM_RUN[number](data) if number in _FROM_RUN else None
    said = data.statements.get(number, "")
    if own is None:
        return Answer(said) if said else None
    return Answer(" ".join(text for text in (own.text, said) if text), own.tables)


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
    text = f"{wording.headline(data)}. Subgroups were not evaluated in this run."
    if data.oracle is not None:
        text += f" Best possible on this synthetic cohort: AUROC {data.oracle.text()}."
    return Answer(text, tuple(shown))


def _updated(data: ReportData) -> Answer | None:
    return None if data.calibration is None else Answer("", (tables.calibration(data),))


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
    "21": lambda data: Answer("", (tables.sizes(data),)),
    "22": _full_model,
    "23a": _performance,
    "24": _updated,
    "26": _limitations,
}


class _Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _table(table: Table) -> _Markdown:
    rows = [table.header, ("---",) * len(table.header), *table.rows]
    lines = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    note = f"\n\n{_plain(table.note)}" if table.note else ""
    return _Markdown(f"**{_plain(table.caption)}**\n\n" + "\n".join(lines) + note)


def _finalize(value: object) -> object:
    return value if isinstance(value, _Markdown) or not isinstance(value, str) else _plain(value)


def _plain(value: str) -> str:
    """Keep a value from breaking a table or passing as markup."""
    text = re.sub(r"\s+", " ", value)
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(sign, safe)
    return text
