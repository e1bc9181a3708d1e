"""Figures side by side, paired differences, flips, page. Plain functions: no MLflow, no click."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from components.compare import tables, wording
from components.compare.flips import Flips, flips
from components.compare.page import render_page
from components.compare.plots import overlays
from components.core import store
from components.core.comparison.judged import Judged, why_unpaired
from components.core.comparison.paired import paired
from components.core.metrics.tables import Figures
from components.core.report.section import Notice, Section
from components.core.store import Workspace
from components.core.versions import library_versions

PAGE, FACTS, TABLE, FLIPS = "compare.html", "compare.json", "compare.parquet", "flips.parquet"
_LIBRARIES = ("numpy", "pandas", "matplotlib", "jinja2")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        models: in the order given; the first is what the others are compared with.
        unpaired: why the patients cannot be paired; empty where they can.
        differences: letter → that model's figures minus the first's.
        flips: letter → whom it calls otherwise than the first.
    """

    models: Sequence[Judged]
    unpaired: str
    differences: dict[str, Figures] = field(default_factory=dict[str, Figures])
    flips: dict[str, Flips] = field(default_factory=dict[str, Flips])

    def verdicts(self) -> list[str]:
        """Return the first lines."""
        if self.unpaired:
            return [wording.unpaired(self.models, self.unpaired)]
        first, *others = self.models
        return [
            wording.verdict(first, m, self.differences[m.letter], self.flips[m.letter])
            for m in others
        ]


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
    done = _compared(models)
    verdicts = done.verdicts()
    plots = overlays(models)
    for plot in plots:
        work.path("plots", f"{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
    title = str(models[0].stage.config.get("title", models[0].task))
    sections = [*_sections(done), Section(name="curves", title="Curves", plots=plots)]
    page = render_page(title=title, verdicts=verdicts, notices=_notices(done), sections=sections)
    work.path(PAGE).write_text(page, encoding="utf-8")
    work.path(FACTS).write_text(json.dumps(_plain(done), indent=1), encoding="utf-8")
    _long(done).to_parquet(work.path(TABLE), index=False)
    moved = [f.patients.assign(pair=f"{k}-{models[0].letter}") for k, f in done.flips.items()]
    published = [PAGE, FACTS, TABLE]
    if moved:
        pd.concat(moved, ignore_index=True).to_parquet(work.path(FLIPS), index=False)
        published.append(FLIPS)
    work.counts |= {"models": len(models)}
    work.facts |= {
        "figures": _metrics(done),
        "tags": {"paired": not done.unpaired},
        "published": published,
        "verdict": verdicts,
        "note": "\n\n".join(verdicts) + "\n\nNot for clinical use.",
    }


def _compared(models: Sequence[Judged]) -> Comparison:
    reason = why_unpaired(models)
    if reason:
        return Comparison(models=models, unpaired=reason)
    first, *others = models
    return Comparison(
        models=models,
        unpaired="",
        differences={m.letter: paired(first, m, first.plan) for m in others},
        flips={m.letter: flips(first, m, first.plan) for m in others},
    )


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
        pairs = tuple(tables.flips_table(models[0], m, done.flips[m.letter]) for m in models[1:])
        found.append(Section(name="flips", title="Whom do they call differently?", tables=pairs))
    side = tables.side_by_side(models)
    found.append(Section(name="figures", title="Side by side", tables=(side,)))
    return found


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


def _metrics(done: Comparison) -> dict[str, float]:
    """Return the differences under their names in the tracking store."""
    found: dict[str, float] = {}
    for letter, figures in done.differences.items():
        for name, interval in (figures | done.flips[letter].figures).items():
            key = f"compare/{letter}/{name}_diff" if name in figures else f"compare/{letter}/{name}"
            bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
            found |= {f"{key}{end}": value for end, value in bounds if not math.isnan(value)}
        found[f"compare/{letter}/flips"] = float(done.flips[letter].total)
    return found


def _long(done: Comparison) -> pd.DataFrame:
    """Return one row per figure and per difference."""
    first = done.models[0].letter
    parts = [("figure", m.letter, "", m.figures) for m in done.models]
    parts += [("difference", letter, first, found) for letter, found in done.differences.items()]
    parts += [("reclassification", k, first, f.figures) for k, f in done.flips.items()]
    rows = [
        {"kind": kind, "model": model, "against": against, "figure": name, **interval.to_dict()}
        for kind, model, against, figures in parts
        for name, interval in figures.items()
    ]
    return pd.DataFrame(rows)


def _plain(done: Comparison) -> dict[str, Any]:
    """Return everything as JSON values; an undefined number is null."""
    return {
        "models": [
            {"letter": m.letter, "model": m.model, "run": m.reference,
             "evaluation": m.stage.fingerprint, "test_split": m.test_split, **m.sizes,
             "figures": _intervals(m.figures)}
            for m in done.models
        ],
        "paired": not done.unpaired,
        "reason": done.unpaired,
        "differences": {k: _intervals(found) for k, found in done.differences.items()},
        "flips": {
            k: {"patients": f.total, "counts": f.counts, "figures": _intervals(f.figures)}
            for k, f in done.flips.items()
        },
        "verdict": done.verdicts(),
    }  # fmt: skip


def _intervals(figures: Figures) -> dict[str, dict[str, Any]]:
    def clean(value: float | int | str) -> float | int | str | None:
        return None if isinstance(value, float) and math.isnan(value) else value

    return {n: {k: clean(v) for k, v in i.to_dict().items()} for n, i in figures.items()}
