"""Figures side by side, paired differences, flips, page. Plain functions: no MLflow, no click."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from components.compare import contributions, grouped, outputs, tables, wording
from components.compare.comparison import Comparison, compared
from components.compare.page import render_page
from components.compare.plots import overlays
from components.core import store
from components.core.comparison.judged import Judged
from components.core.comparison.paired import headline_name
from components.core.report.section import Notice, Section
from components.core.store import Workspace
from components.core.versions import library_versions

PAGE, FACTS, TABLE, FLIPS = "compare.html", "compare.json", "compare.parquet", "flips.parquet"
_LIBRARIES = ("numpy", "pandas", "matplotlib", "jinja2")


def config(models: Sequence[Judged]) -> dict[str, Any]:
    """Return what, beside the evaluations, bears on the result."""
    plan = models[0].plan
    order = [m.stage.fingerprint for m in models]
    return {"draws": plan.draws, "seed": plan.seed, "order": order,
            "named": [m.reference for m in models]}  # fmt: skip


def identity(models: Sequence[Judged]) -> str:
    """Return the fingerprint of the comparison."""
    return store.fingerprint(
        "compare",
        config=config(models),
        inputs={f"evaluate.{m.letter}": m.stage.fingerprint for m in models},
        libraries=library_versions(_LIBRARIES),
    )


def fill(work: Workspace, models: Sequence[Judged]) -> None:
    """Fill the workspace with page, figures and flips.

    Args:
        work: receives the files and facts.
        models: two or more.
    """
    done = compared(models)
    verdicts = done.verdicts()
    plots = overlays(models)
    sections = [*_sections(done), Section(name="curves", title="Curves", plots=plots)]
    for plot in (each for section in sections for each in section.plots):
        work.path("plots", f"{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
    title = str(models[0].stage.config.get("title", models[0].task))
    page = render_page(title=title, verdicts=verdicts, notices=_notices(done), sections=sections)
    work.path(PAGE).write_text(page, encoding="utf-8")
    work.path(FACTS).write_text(json.dumps(outputs.plain(done), indent=1), encoding="utf-8")
    outputs.long(done).to_parquet(work.path(TABLE), index=False)
    moved = [f.patients.assign(pair=f"{k}-{models[0].letter}") for k, f in done.flips.items()]
    published = [PAGE, FACTS, TABLE]
    if moved:
        pd.concat(moved, ignore_index=True).to_parquet(work.path(FLIPS), index=False)
        published.append(FLIPS)
    work.counts |= {"models": len(models)}
    work.facts |= {
        "figures": outputs.metrics(done),
        "tags": {"paired": not done.unpaired},
        "published": published,
        "verdict": verdicts,
        "note": "\n\n".join(verdicts) + "\n\nNot for clinical use.",
    }


def _sections(done: Comparison) -> list[Section]:
    models = done.models
    found = [
        Section(name="models", title="What is compared", tables=(tables.models_table(models),))
    ]
    if not done.unpaired:
        text = (
            f"Each model minus {models[0].letter}, on the same draws of the same patients: an "
            "interval without 0 tells the two apart.",
        )
        table = tables.differences_table(models[0], done.differences)
        found.append(
            Section(name="differences", title="Which is better?", text=text, tables=(table,))
        )
        found.append(_groups(done))
        pairs = tuple(tables.flips_table(models[0], m, done.flips[m.letter]) for m in models[1:])
        found.append(Section(name="flips", title="Whom do they call differently?", tables=pairs))
    shares = contributions.section(models)
    found += [] if shares is None else [shares]
    side = tables.side_by_side(models)
    found.append(Section(name="figures", title="Side by side", tables=(side,)))
    return found


def _groups(done: Comparison) -> Section:
    first, *others = done.models
    name = headline_name(first)
    everyone = {letter: found[name] for letter, found in done.differences.items()}
    by_letter = {m.letter: m for m in others}
    return grouped.section(first, by_letter, done.groups, everyone, done.ungrouped)


def _notices(done: Comparison) -> list[Notice]:
    found: list[Notice] = []
    if done.unpaired:
        found.append(Notice("warning", f"Not paired: {done.unpaired}."))
    weak = [m.letter for m in done.models if wording.is_underpowered(m)]
    if weak:
        text = "fewer than 20 patients in one class; read the intervals, not the point values."
        found.append(Notice("warning", f"Underpowered ({', '.join(weak)}): {text}"))
    if any(m.tables.folded for m in done.models):
        text = "No interval includes the variance of training."
        found.append(Notice("note", f"Cross-validated models are compared within folds. {text}"))
    return found
