"""What all records say together: cells, leads, segments, modalities, variables, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from components.core.data.tabular import tabular_frame
from components.core.metrics.resampling import Plan
from components.core.report.section import Section, Table
from components.core.schemas import TABULAR_PREFIX
from components.explain.explained import Explained
from components.explain.joined import joined
from components.explain.method import Attributed, Method
from components.explain.pictures import cohort
from components.explain.pictures.beeswarm import beeswarm
from components.explain.pictures.tokens import Note, word_table


def cohort_sections(explained: Explained, plan: Plan) -> tuple[Section, ...]:
    """Return a section per method, in the methods' order."""
    return tuple(_section(explained, method, plan) for method in explained.methods)


def whole(explained: Explained, method: Method) -> tuple[Attributed, pd.DataFrame]:
    """Return what a method says of all folds' records, and these records."""
    folds = [fold for fold in explained.folds if method.NAME in fold.said]
    said = joined([fold.said[method.NAME] for fold in folds])
    return said, pd.concat([fold.records for fold in folds], ignore_index=True)


def _section(explained: Explained, method: Method, plan: Plan) -> Section:
    said, records = whole(explained, method)
    patients = records["patient_id"].to_numpy(str)
    made = cohort.section(
        said.grouped,
        patients,
        method=method.NAME,
        title=method.TITLE,
        event=explained.head.name,
        plan=plan,
    )
    text = (*made.text, *([said.remark] if said.remark else []))
    plots, tables = list(made.plots), list(made.tables)
    if "variable" in said.grouped:
        values = _values(explained, method, said.grouped["variable"].names)
        name = f"{method.NAME}-variables"
        plots.append(
            beeswarm(said.grouped["variable"], values, name=name, event=explained.head.name)
        )
    if said.words is not None:
        tables.append(_words(said, records, plan))
    return replace(made, text=text, plots=tuple(plots), tables=tuple(tables))


def _values(explained: Explained, method: Method, names: Sequence[str]) -> pd.DataFrame:
    """Return the records' clinical variables as the hospital gave them.

    Every fold's records have all of them, whichever the fold's networks read.
    """
    parts: list[pd.DataFrame] = []
    for fold in explained.folds:
        if method.NAME in fold.said:
            frame = fold.subject.rows.frame
            parts.append(tabular_frame(frame, list(names), TABULAR_PREFIX))
    return pd.concat(parts, ignore_index=True)


def _words(said: Attributed, records: pd.DataFrame, plan: Plan) -> Table:
    notes = [Note(words=each.words, change=each.values) for each in said.words or ()]
    return word_table(notes, records["patient_id"].to_numpy(str), plan=plan)
