"""Test predictions of every head, patient by patient.

The table of heads (`Context.heads`) has one row per fold and test record whatever truth is known:
`sample_id, patient_id, repeat, fold`, `time_days, event_code` where there is follow-up (those of
another endpoint with its name after a dot), `y.<head>` (0 or 1, or the place of the category; NaN =
not known) and outputs `out.<head>.<name>`. A binary head of an endpoint has `score.<head>` (its
log-odds before calibration), `margin.<head>` (those minus the threshold chosen on validation) and
`weight.<head>` (by inverse probability of censoring for its own endpoint), too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import pandas as pd

from components.core.config.heads import HeadConfig, HeadMap
from components.core.errors import CardioError
from components.core.metrics.tables import PatientTables, patient_table, pooled
from components.core.report.section import Section, Table
from components.core.schemas import OUTCOME_COLUMNS, TRUTH_PREFIX, of_endpoint
from components.evaluate.subgroups.grouping import safe

OUTPUT_PREFIX = "out."
SCORE_PREFIX, MARGIN_PREFIX, WEIGHT_PREFIX = "score.", "margin.", "weight."
ROW_KEYS = ["sample_id", "repeat", "fold"]
H = TypeVar("H")


def of_kind(heads: HeadMap, kind: type[H]) -> dict[str, H]:
    """Return the heads of one kind by name, in their order."""
    every: Mapping[str, HeadConfig] = heads
    return {name: head for name, head in every.items() if isinstance(head, kind)}


def truth(name: str) -> str:
    """Return the column of a head's truth."""
    return f"{TRUTH_PREFIX}{name}"


def output(head: str, name: str) -> str:
    """Return the column of one output of a head."""
    return f"{OUTPUT_PREFIX}{head}.{name}"


def key(head: str, figure: str) -> str:
    """Return the name of a head's figure in the tracking store, without `test/`.

    >>> key("lvef below 50", "auroc")
    'head/lvef_below_50/auroc'
    """
    return f"head/{safe(head)}/{figure}"


def known(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows in which the head's truth is known.

    Raises:
        CardioError: there is no such column.
    """
    require(frame, [truth(name)])
    return frame[frame[truth(name)].notna()]


def require(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse a table without the columns.

    Raises:
        CardioError: one is missing.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise CardioError(
            f"the heads' predictions lack the column(s) {', '.join(missing)}; this is a fault of "
            "the software"
        )


def is_folded(frame: pd.DataFrame) -> bool:
    """Return whether there are several folds, so that ranking figures are taken within them."""
    return len(frame[["repeat", "fold"]].drop_duplicates()) > 1


def binary_tables(
    frame: pd.DataFrame, name: str, *, weights: pd.DataFrame | None = None
) -> PatientTables:
    """Return a binary head's predictions in the form of the headline's figures.

    Args:
        frame: the table of heads; where it has the head's own score, margin and weights, these are
            taken, and the tables have `calibrated_logit` and `margin`, too.
        name: of a binary head.
        weights: `sample_id, repeat, fold, weight` (IPCW) of a truth that censoring hides; 1 for
            rows that are not there.

    Raises:
        CardioError: a column is missing.
    """
    require(frame, [output(name, "logit")])
    rows = known(frame, name)
    own = rows[[*ROW_KEYS, "patient_id"]].assign(
        label=rows[truth(name)], logit=rows[output(name, "logit")], weight=1.0
    )
    columns = ["logit"]
    if f"{SCORE_PREFIX}{name}" in rows:
        own, columns = _with_own(own, rows, name)
    elif weights is not None:
        joined = own[ROW_KEYS].merge(weights[[*ROW_KEYS, "weight"]], on=ROW_KEYS, how="left")
        own = own.assign(weight=joined["weight"].fillna(1.0).to_numpy())
    each = patient_table(own, columns)
    return PatientTables(each=each, pooled=pooled(each, columns), folded=is_folded(own))


def _with_own(own: pd.DataFrame, rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with what the table of heads has of a head with an endpoint."""
    require(rows, [f"{MARGIN_PREFIX}{name}", f"{WEIGHT_PREFIX}{name}"])
    found = own.assign(
        logit=rows[f"{SCORE_PREFIX}{name}"],
        calibrated_logit=rows[output(name, "logit")],
        margin=rows[f"{MARGIN_PREFIX}{name}"],
        weight=rows[f"{WEIGHT_PREFIX}{name}"],
    )
    return found, ["logit", "calibrated_logit", "margin"]


def of_times(frame: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Return a table with an endpoint's times and codes in the place of the label's.

    Args:
        frame: the table of heads, or rows of a manifest.
        endpoint: its name; "" leaves the table as it is.

    Raises:
        CardioError: the table lacks the endpoint's times.
    """
    if not endpoint:
        return frame
    own = {column: of_endpoint(column, endpoint) for column in OUTCOME_COLUMNS}
    require(frame, own.values())
    return frame.assign(**{column: frame[each] for column, each in own.items()})


def merged(name: str, title: str, parts: Mapping[str, Section]) -> Section:
    """Return one section from those of several heads; with more than one each is named.

    Args:
        name: of the analysis.
        title: of the section.
        parts: head → its section.
    """
    several = len(parts) > 1

    def called(head: str, text: str) -> str:
        return f"{head}: {text}" if several else text

    def table(head: str, each: Table) -> Table:
        return Table(called(head, each.caption), each.header, each.rows, each.note)

    sections = parts.items()
    return Section(
        name=name,
        title=title,
        text=tuple(called(head, text) for head, one in sections for text in one.text),
        tables=tuple(table(head, each) for head, one in sections for each in one.tables),
        plots=tuple(plot for _, one in sections for plot in one.plots),
        notices=tuple(notice for _, one in sections for notice in one.notices),
        figures={key: value for _, one in sections for key, value in one.figures.items()},
    )
