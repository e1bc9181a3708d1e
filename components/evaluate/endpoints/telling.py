"""Tables of the endpoints for the report, and the rows that the stage keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.tables import floats
from components.core.report.section import Table
from components.evaluate.endpoints.counts import Counts
from components.evaluate.endpoints.figures import KNOWN, Judged
from components.evaluate.follow_up_table import CODE, HEAD, TIME, FollowUp
from components.evaluate.report.wording import percent
from components.evaluate.survival_figures import SurvivalFigures

_NOBODY = "a class has nobody"
FIGURES = {"auroc": "AUROC", "auprc": "AUPRC", "f1": "F1", "brier": "Brier score", "ece": "ECE"}


def title_of(each: Judged) -> str:
    """Return a head and its view in words."""
    outlook = each.outlook
    what = outlook.endpoint or "the label"
    own = f"{outlook.name} ({what} by day {outlook.horizon_days:g})"
    return own if each.view == KNOWN else f"{own}, without those who died before"


def counts_table(found: Sequence[tuple[Judged, Counts]]) -> Table:
    """Return who is known, masked, and dead without the event, and both prevalences."""
    rows = tuple(
        (
            title_of(judged), f"{counts.evaluable:,}", _events(judged, counts.events),
            f"{counts.free + counts.competing:,}", f"{counts.competing:,}",
            f"{counts.censored:,}", percent(judged.prevalence), percent(counts.raw_prevalence),
        )
        for judged, counts in found
    )  # fmt: skip
    header = ("Endpoint", "Evaluable", "Events", "Known non-events", "Of them dead before",
              "Censored, masked", "Prevalence (weighted)", "Prevalence (raw)")  # fmt: skip
    note = (
        "Who died without the event is a known non-event; who was censored before the day counts "
        "as neither. Weighted: by inverse probability of censoring for that endpoint, estimated on "
        "the training part."
    )
    return Table("Who is known of each endpoint", header, rows, note)


def _events(judged: Judged, events: int) -> str:
    return f"{events:,}{'' if judged.powered else ' (underpowered)'}"


def figures_table(found: Sequence[Judged], *, folded: bool) -> Table:
    """Return the figures of every head and view."""
    rows = tuple(
        (title_of(each), f"{each.patients:,}", _events(each, each.events),
         percent(each.prevalence),
         *(_cell(each, name) for name in FIGURES))
        for each in found
    )  # fmt: skip
    header = ("Endpoint", "Patients", "Events", "Prevalence", *FIGURES.values())
    note = (
        "F1 at the threshold chosen on validation; Brier score and ECE of the recalibrated risk, "
        "lower is better; chance: AUROC 0.500, AUPRC the prevalence."
    )
    within = " AUROC and AUPRC are means of within-fold figures, the others are pooled." * folded
    return Table("Risk by the day", header, rows, note + within)


def _cell(each: Judged, name: str) -> str:
    if not each.figures:
        return _NOBODY
    if name in each.untaught:
        return f"left out: {_of(each.untaught[name], each.folds)} untaught"
    return each.figures[name].text()


def _of(number: int, folds: int) -> str:
    return f"{number} of {folds} folds"


def untaught_notice(each: Judged) -> str:
    """Return which figures are left out because validation had one class only; "" where none is."""
    if not each.untaught:
        return ""
    lost = [FIGURES[name] for name in each.untaught]
    left = [FIGURES[name] for name in FIGURES if name not in each.untaught]
    folds = _of(max(each.untaught.values()), each.folds)
    return (
        f"{title_of(each)}: in {folds} the validation patients are all of one class, which "
        f"teaches no threshold and no recalibration. {', '.join(lost)} are left out; "
        f"{', '.join(left)} are of all folds."
    )


def times_table(found: dict[str, tuple[FollowUp, SurvivalFigures]]) -> Table:
    """Return C, AUC and Brier score of each head of times, horizon by horizon."""
    rows = [row for name, (own, figures) in found.items() for row in _times(name, own, figures)]
    header = ("Head", "By", "Patients", "Events", "Dead before", "Censored before", "Incidence",
              "Uno's C", "AUC", "Brier score")  # fmt: skip
    note = (
        "By the head's cumulative incidence, death competing; weighted for censoring. Uno's C is "
        "up to the head's last horizon that 20 patients reached."
    )
    return Table("Times to each endpoint", header, tuple(rows), note)


def _times(name: str, own: FollowUp, figures: SurvivalFigures) -> Iterator[tuple[str, ...]]:
    time, code = floats(own.pooled, TIME), floats(own.pooled, CODE)
    for day in own.horizons:
        events, dead = (int(((code == kind) & (time <= day)).sum()) for kind in (EVENT, COMPETING))
        lost = int(((code == CENSORED) & (time < day)).sum())
        few = " (underpowered)" if events < RARE_PATIENTS else ""
        yield (
            name, f"day {day:g}", f"{len(own.pooled):,}", f"{events:,}{few}", f"{dead:,}",
            f"{lost:,}", figures.incidence[day].text(),
            figures.within[f"{HEAD}:uno_c"].text(),
            figures.within[f"{HEAD}:time_auc@{day:g}"].text(),
            figures.pooled[f"{HEAD}:survival_brier@{day:g}"].text(),
        )  # fmt: skip


def kept(
    found: Sequence[tuple[Judged, Counts]],
    times: dict[str, tuple[FollowUp, SurvivalFigures]],
    endpoints: dict[str, str],
) -> pd.DataFrame:
    """Return one row per head, view and figure, with sizes and both prevalences.

    Columns: `head, endpoint, horizon_days, view, figure, value, lo, hi, patients, events,
    competing, censored, prevalence, raw_prevalence`; a figure of times has the cumulative incidence
    for its prevalence, and none that is raw.

    Args:
        found: the binary heads.
        times: the heads of times.
        endpoints: of the heads of times; "" is the label's own.
    """
    rows: list[dict[str, Any]] = []
    for judged, counts in found:
        own = {
            "head": judged.outlook.name, "endpoint": judged.outlook.endpoint,
            "horizon_days": judged.outlook.horizon_days,
            "view": judged.view or "competing_known", "patients": judged.patients,
            "events": judged.events, "competing": 0 if judged.view else counts.competing,
            "censored": counts.censored, "prevalence": judged.prevalence,
            "raw_prevalence": judged.events / max(judged.patients, 1),
        }  # fmt: skip
        rows += [own | _bounds(name, figure) for name, figure in judged.figures.items()]
    for name, (follow, figures) in times.items():
        rows += [{"endpoint": endpoints[name]} | row for row in _time_rows(name, follow, figures)]
    return pd.DataFrame(rows)


def _time_rows(name: str, own: FollowUp, figures: SurvivalFigures) -> Iterator[dict[str, Any]]:
    time, code = floats(own.pooled, TIME), floats(own.pooled, CODE)
    every = figures.pooled | figures.within
    for day in own.horizons:
        sizes = {
            "head": name, "horizon_days": day, "view": "times", "patients": len(own.pooled),
            "events": int(((code == EVENT) & (time <= day)).sum()),
            "competing": int(((code == COMPETING) & (time <= day)).sum()),
            "censored": int(((code == CENSORED) & (time < day)).sum()),
            "prevalence": figures.incidence[day].value, "raw_prevalence": np.nan,
        }  # fmt: skip
        for figure in ("time_auc", "survival_brier"):
            yield sizes | _bounds(figure, every[f"{HEAD}:{figure}@{day:g}"])
        if day == own.horizons[-1]:
            yield sizes | _bounds("uno_c", every[f"{HEAD}:uno_c"])


def _bounds(name: str, figure: Interval) -> dict[str, Any]:
    return {"figure": name, "value": figure.value, "lo": figure.lo, "hi": figure.hi}
