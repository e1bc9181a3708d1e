"""Tables of a model of times to event beside Cox regression."""

from __future__ import annotations

from collections.abc import Mapping

from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import CENSORED, EVENT
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.tables import floats
from components.core.report.section import Table
from components.evaluate.follow_up_table import CODE, COX, HEAD, NETWORK, TIME, FollowUp
from components.evaluate.survival_figures import CONSTANT, GAP, SurvivalFigures

ABSENT = "—"
_TITLES = {NETWORK: "Network", COX: "Cox regression", HEAD: "Survival head"}
_IN_WORDS = {NETWORK: "the network", COX: "Cox regression", HEAD: "the survival head"}


def absent(name: str) -> str:
    """Return what a key of `FollowUp.missing` stands for.

    >>> absent("cox"), absent("network@")
    ('Cox regression', 'risks of the network')
    """
    return f"risks of {_IN_WORDS[name[:-1]]}" if name.endswith("@") else _IN_WORDS[name]


def concordance_table(found: FollowUp, figures: SurvivalFigures) -> Table:
    """Return Harrell's and Uno's C of both and their difference."""
    tau = f" up to day {found.horizons[-1]:g}" if found.horizons else ""
    names = {"harrell_c": "Harrell's C", "uno_c": f"Uno's C{tau}"}
    columns = (*found.compared, GAP)
    rows = [(title, *_cells(figures.within, key, columns)) for key, title in names.items()]
    if found.folded:
        rows += [
            (f"{title}, pooled", *_cells(figures.pooled, key, columns))
            for key, title in names.items()
        ]
    note = "Means of within-fold figures, and over pooled out-of-fold scores." * found.folded
    header = ("", *(_TITLES[who] for who in found.compared), _gap(found))
    return Table("Concordance", header, tuple(rows), note)


def auc_table(found: FollowUp, figures: SurvivalFigures) -> Table:
    """Return the AUC at each horizon, with events, censored and cumulative incidence."""
    time, code = floats(found.pooled, TIME), floats(found.pooled, CODE)
    rows: list[tuple[str, ...]] = []
    for day in found.horizons:
        events = int(((code == EVENT) & (time <= day)).sum())
        lost = int(((code == CENSORED) & (time < day)).sum())
        few = " (underpowered)" if events < RARE_PATIENTS else ""
        cells = _cells(figures.within, f"time_auc@{day:g}", (*found.compared, GAP))
        incidence = figures.incidence[day].text()
        rows.append((f"day {day:g}", f"{events:,}{few}", f"{lost:,}", incidence, *cells))
    lead, other = (_TITLES[who] for who in found.compared)
    header = ("By", "Events", "Censored before", "Cumulative incidence", f"AUC, {lead.lower()}",
              f"AUC, {other.split()[0]}", _gap(found))  # fmt: skip
    note = "AUC as the mean of within-fold figures." * found.folded
    return Table("Discrimination at horizons", header, tuple(rows), note)


def brier_table(found: FollowUp, figures: SurvivalFigures) -> Table:
    """Return the Brier score at each horizon and its mean over time."""
    columns = (*found.compared, GAP, CONSTANT)
    names = {f"survival_brier@{day:g}": f"day {day:g}" for day in found.horizons}
    if len(found.grid) > 1:
        names["integrated_brier"] = f"mean up to day {found.horizons[-1]:g}"
    rows = tuple((title, *_cells(figures.pooled, key, columns)) for key, title in names.items())
    header = ("By", *(_TITLES[who] for who in found.compared), _gap(found), "Same risk for all")
    note = "The last column gives everyone the cumulative incidence; a useful risk lies below it."
    return Table("Brier score of the risk at horizons", header, rows, note)


def _gap(found: FollowUp) -> str:
    lead, other = (_TITLES[who] for who in found.compared)
    return f"{lead} minus {other.split()[0]}"


def _cells(figures: Mapping[str, Interval], name: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    keys = [f"{who}:{name}" for who in columns]
    return tuple(figures[key].text() if key in figures else ABSENT for key in keys)
