"""A section of the report beyond the figures that every run has: words, tables, plots, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from components.core.metrics.interval import Interval


@dataclass(frozen=True)
class Table:
    """A table: the first column names the row.

    Attributes:
        caption: what it shows.
        header: column names.
        rows: cells as text, as many as `header`.
        note: a sentence below it, or empty.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture.

    Attributes:
        name: of its file among the run's artifacts, unique in the report.
        svg: the picture.
        alt: what it shows, for a reader who cannot see it.
        wide: it takes the page's whole width.
        png: the same picture as PNG, where it is kept beside the SVG; else empty.
    """

    name: str
    svg: str
    alt: str
    wide: bool = False
    png: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the page's script may add to a section; without a script the section must read as well.

    Attributes:
        kind: which part of the script draws it.
        data: for the script: JSON values, aggregates only.
    """

    kind: Literal["thresholds"]
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Notice:
    """A sentence at the top of the page; a `warning` limits what the figures may be used for."""

    level: Literal["warning", "note"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one analysis came to.

    Attributes:
        name: of the analysis; the anchor on the page.
        title: heading, best the question that it answers.
        text: paragraphs above the tables.
        tables: each with intervals.
        plots: pictures.
        notices: for the top of the page.
        live: for the page's script.
        items: of TRIPOD+AI that it answers in the model card.
        figures: name in the tracking store, without `test/` → figure with its interval.
        tags: further words for the run's tags, by the names of docs/tracking.md.
        first: what belongs in the report's first line, before the headline's figure; or empty.
        kept: table of the stage and of the run's artifacts, name → rows; aggregates only.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    notices: tuple[Notice, ...] = ()
    live: Live | None = None
    items: tuple[str, ...] = ()
    figures: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    first: str = ""
    kept: Mapping[str, pd.DataFrame] = field(default_factory=dict[str, pd.DataFrame])
