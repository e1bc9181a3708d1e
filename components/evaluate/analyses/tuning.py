"""The search for settings: what was tried, what was chosen, and what its figure is worth."""

from __future__ import annotations

from typing import Any

from components.core.members import REFIT
from components.core.metrics.interval import Interval, number
from components.core.report.section import Notice, Section, Table
from components.core.searched import search_of
from components.evaluate.analysis import Context
from components.evaluate.power import is_small
from components.evaluate.searched import GAP, INNER, Promise, promise, tuned_of

NAME = "tuning"
ORDER = 62  # after the optimism of the figures themselves
_NAMES = {"auroc": "AUROC", "auprc": "AUPRC", "loss": "loss"}
_EVERY = "every fold's validation part"


def applies(context: Context) -> bool:
    """Return whether a search chose the settings, on the training's own cohort."""
    return not context.external and tuned_of(context.stages.train) is not None


def analyse(context: Context) -> Section:
    """Return what was searched, the best against the untuned settings, and the optimism."""
    tuned = tuned_of(context.stages.train)
    if tuned is None:
        raise ValueError("nobody searched for these settings")
    search = search_of(tuned, context.stages.audit)
    binary = bool(context.predictions["label"].isin([0, 1]).all())
    found = promise(context, search) if binary else None
    figures: dict[str, Interval] = {} if found is None else found.figures
    return Section(
        name=NAME,
        title="How were the settings chosen, and what is that worth?",
        text=tuple(_sentences(context, search.facts, found)),
        tables=(_table(search.facts),),
        notices=_notices(search.facts),
        figures={f"optimism/{name}": figure for name, figure in figures.items()},
    )


def _sentences(context: Context, facts: dict[str, Any], found: Promise | None) -> list[str]:
    last, objective = facts["searches"][-1], _NAMES[facts["objective"]]
    settings = ", ".join(sorted(last["settings"]))
    text = [
        f"{_trials(facts['states'])} were trained with other values of {settings}; the first has "
        f"the untuned settings. The best came to a validation {objective} of "
        f"{number(facts['value'])}, the untuned settings to {_or_none(facts['untuned'])}. The best "
        "of many is chosen for its figure, and chance is among what chose it: expect less of it "
        "on new patients, and less of the gain."
    ]
    if facts["nested"]:
        text.append(
            f"Settings were searched for anew inside each outer fold, on {facts['inner_folds']} "
            "inner folds of its training and validation patients alone: no test patient of a fold "
            "has had a part in that fold's settings."
        )
    if found is not None:
        text.append(_optimism(context, found))
    return text


def _optimism(context: Context, found: Promise) -> str:
    digits = 2 if is_small(context.tables.pooled) else 3
    inner, gap = found.figures[INNER], found.figures[GAP]
    name = _NAMES[found.metric]
    text = (
        f"In the inner folds the chosen settings came to {name} {inner.text(digits)}; minus that "
        f"on the outer test patients: {gap.text(digits)}. So much did the search promise too much; "
        "networks of the outer folds also have more patients to learn from, which works the other "
        "way."
    )
    return text if gap.lo > 0 else f"{text} The interval holds 0 or lies below: none is shown."


def _trials(states: dict[str, int]) -> str:
    several = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{sum(states.values()):,} trials ({several})"


def _or_none(value: float | None) -> str:
    return "none (that trial failed)" if value is None else number(value)


def _table(facts: dict[str, Any]) -> Table:
    rows = tuple(
        (
            _where(each["fold"], nested=facts["nested"]),
            str(sum(each["states"].values())),
            _or_none(each["untuned"]),
            number(each["value"]),
            ", ".join(f"{key} {_shown(value)}" for key, value in each["settings"].items()),
        )
        for each in facts["searches"]
    )
    return Table(
        caption="Searches and what they chose",
        header=("Searched on", "Trials", "Untuned", "Best", "Settings"),
        rows=rows,
        note=f"{_NAMES[facts['objective']]} on validation, the mean over its folds. A selected "
        "maximum without an interval: not a figure of the model.",
    )


def _where(fold: str, *, nested: bool) -> str:
    if not nested:
        return _EVERY
    return "everyone, for the refit" if fold == REFIT else f"inner folds of {fold}"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _notices(facts: dict[str, Any]) -> tuple[Notice, ...]:
    if not facts["seen"]:
        return ()
    return (
        Notice(
            "warning",
            "The settings were chosen on validation patients whom other folds test: the test "
            "figures are optimistic by what the search has learned of them. A nested search "
            "(tune.nested=true) has no such part in them.",
        ),
    )
