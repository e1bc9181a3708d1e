"""What a search came to, for people: one page with four pictures, and the table of trials."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState

from components.core.report.page import environment
from components.core.report.section import Table
from components.train.tuning.quiet import quiet
from components.train.tuning.study import Searched
from components.train.tuning.trial_runs import row_of

PAGE = "search.html"
TEMPLATE = "search.html.j2"
# So many digits tell two trials apart and still fit a column.
_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of the page, or why there is none.

    Attributes:
        name: its anchor.
        title: heading.
        text: how to read it.
        html: the picture; empty where there is none.
        missing: why.
    """

    name: str
    title: str
    text: str
    html: str = ""
    missing: str = ""


def table_of(searched: Searched) -> pd.DataFrame:
    """Return one row per trial: number, slot, attempt, state, value, seconds, settings, figures."""
    rows = [row_of(each) for each in searched.trials]
    # A column of a file has one type.
    mixed = [name for name, each in searched.plan.space.items() if _is_mixed(each)]
    for row in rows:
        row |= {name: str(row[name]) for name in mixed if row.get(name) is not None}
    return pd.DataFrame(rows)


def _is_mixed(each: BaseDistribution) -> bool:
    """Return whether the choices, in whose draws searches differ, are of several types."""
    if not isinstance(each, CategoricalDistribution):
        return False
    kinds = {type(value) for value in each.choices if value is not None}
    return len(kinds) > 1 and not kinds <= {int, float}


def render(searched: Searched, frame: pd.DataFrame) -> str:
    """Return the page, which loads nothing from elsewhere.

    Args:
        searched: what the search came to.
        frame: `table_of` it.
    """
    from plotly.offline import get_plotlyjs

    header = tuple(str(name) for name in frame.columns)
    rows = tuple(tuple(_cell(value) for value in row) for row in frame.itertuples(index=False))
    return environment(Path(__file__).parent).get_template(TEMPLATE).render(
        name=searched.plan.name,
        verdict=_verdict(searched),
        chosen=Table(
            "Settings of the best trial beside the untuned ones",
            ("setting", "best", "untuned"),
            tuple(
                (name, _cell(searched.best[name]), _cell(searched.plan.untuned[name]))
                for name in searched.plan.space
            ),
        ),
        pictures=pictures(searched),
        trials=Table("All trials", header, rows),
        plotly=get_plotlyjs(),
    )  # fmt: skip


def pictures(searched: Searched) -> list[Picture]:
    """Return history, importances, parallel coordinates and slices of the completed trials."""
    from optuna import visualization as draw

    study, name = _copy(searched), searched.plan.tune.objective
    few = _too_few(study)
    return [
        _picture("history", "History", "The objective of each trial, and the best so far.",
                 lambda: draw.plot_optimization_history(study, target_name=name)),
        _picture("importances", "Importances",
                 "Share of each setting in what tells the best trials from the others "
                 "(PED-ANOVA, Watanabe et al. 2023).",
                 lambda: draw.plot_param_importances(study, target_name=name), few),
        _picture("parallel", "Parallel coordinates", "Each line is a trial.",
                 lambda: draw.plot_parallel_coordinate(study, target_name=name)),
        _picture("slice", "Slices", "The objective over each setting.",
                 lambda: draw.plot_slice(study, target_name=name)),
    ]  # fmt: skip


def _picture(
    name: str, title: str, text: str, figure: Callable[[], Any], missing: str = ""
) -> Picture:
    if missing:
        return Picture(name=name, title=title, text=text, missing=missing)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Optuna draws equal bars and warns
            made = figure()
        html = made.to_html(
            full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False}
        )
    except (UserWarning, ValueError, RuntimeError) as error:
        missing = f"These trials do not allow this picture: {error}"
        return Picture(name=name, title=title, text=text, missing=missing)
    return Picture(name=name, title=title, text=text, html=html)


def _too_few(study: optuna.Study) -> str:
    values = {each.value for each in study.get_trials(states=(TrialState.COMPLETE,))}
    if len(values) > 1:
        return ""
    return "There is no picture: all completed trials have the same value, or there is only one."


def _copy(searched: Searched) -> optuna.Study:
    """Return the finished trials as a study in memory: pictures must not wait for a database."""
    with quiet():
        study = optuna.create_study(direction=searched.plan.direction)
        study.add_trials([each for each in searched.trials if each.state.is_finished()])
    return study


def _verdict(searched: Searched) -> str:
    name = searched.plan.tune.objective
    told = f"Best {name} on validation: {searched.value:.3f} (trial {searched.number})"
    if searched.untuned is None:
        return f"{told}; the untuned settings failed."
    counts = searched.states
    states = ", ".join(f"{counts[each]} {each}" for each in sorted(counts))
    return f"{told}; untuned: {searched.untuned:.3f}. Trials: {states}."


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.{_DIGITS}g}"
    return str(value)
