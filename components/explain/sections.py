"""What the report shows, section by section."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.attribution.baseline import stated
from components.core.modalities import SPOKEN, told_once
from components.core.progress import duration
from components.core.report.attributed.paper_page import MOST
from components.core.report.section import Notice, Section, Table
from components.explain.cost import Cost
from components.explain.explained import Explained
from components.explain.whole_notes import speaks_of_words


def asked(explained: Explained, costs: Sequence[Cost]) -> Section:
    """Return what is attributed to what, against which baselines, by which methods."""
    inputs = explained.folds[0].subject.inputs
    unit = explained.folds[0].subject.unit
    said = told_once({name: stated(name, unit=unit) for name in inputs}, SPOKEN)
    compared = "; ".join(f"of {name}: {text}" for name, text in said.items())
    networks = sum(len(fold.subject.target.models) for fold in explained.folds)
    text = (
        f"Attributed are log-odds of the head {explained.head.name}, as the mean over a fold's "
        f"networks ({networks} in all): {explained.head.meaning()}. A positive value speaks for "
        "it, a negative one against it.",
        f"What a record is compared with, {compared}.",
    )
    rows = tuple(
        (each.name, each.title, f"{each.passes:,.0f}", duration(each.seconds)) for each in costs
    )
    table = Table(
        "Methods",
        ("method", "what it does", "passes a record", "estimated time"),
        rows,
        "Passes are forward passes of one network; a backward pass counts two.",
    )
    return Section(name="asked", title="What was asked?", text=text, tables=(table,))


def notices(explained: Explained, *, openings: int | None, shuffled: bool) -> tuple[Notice, ...]:
    """Return what limits the conclusions.

    Args:
        explained: all of it.
        openings: how often the test part has been opened; None where it stayed closed.
        shuffled: whether the labels had been dealt out anew among the patients.
    """
    found: list[Notice] = []
    if shuffled:
        found.append(
            Notice("warning", "A control: the labels were shuffled, there is nothing to explain.")
        )
    blank = int((~explained.records["beats"].fillna(value=True)).sum())
    if blank:
        found.append(
            Notice(
                "note",
                f"In {blank:,} of {len(explained.records):,} records no beat was found: they are "
                "explained without beat segments.",
            )
        )
    subject = explained.folds[0].subject
    if "ecg" in subject.inputs and subject.unit != "mV":
        text = (
            "The recordings were standardised before they came, so their millivolts are not known: "
            "no record is drawn on ECG paper."
        )
        found.append(Notice("note", text))
    found += _of_pages(explained)
    found += _of_notes(explained)
    if openings is None:
        text = "Validation records: the networks were not trained on them, but chosen by them."
    else:
        text = f"Test records: their part has been opened {openings} time(s), this one included."
    return (*found, Notice("note", text))


def _of_pages(explained: Explained) -> list[Notice]:
    """Return what must be known of pictures of patients' pages, where some are drawn."""
    if "ecg_image" not in explained.folds[0].subject.inputs or not explained.config.overlays:
        return []
    text = (
        f"Pictures of ECG pages stand on this page, in {MOST[0]} × {MOST[1]} pixels at most: too "
        "coarse for small print, but whatever stands on them in large letters can be read. "
        "overlays=0 leaves them out."
    )
    return [Notice("warning", text)]


def _of_notes(explained: Explained) -> list[Notice]:
    """Return whose data stand on the page where whole notes were asked for."""
    if not explained.config.notes:
        return []
    if not speaks_of_words(explained):
        text = "Whole notes were asked for, but no method says what words do: none is shown."
        return [Notice("note", text)]
    text = "Whole notes of patients stand on this page, as they were written: keep it as they are."
    return [Notice("warning", text)]
