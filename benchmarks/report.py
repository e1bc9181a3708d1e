"""The whole report of one evaluation: figures, sections, plots, pages."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks.harness.row import Comparison, Outcome, Row

# The specification's limit for 100,000 predictions on two cores.
LIMIT_S = 60
_MAXRSS_BYTES = 1024  # Linux counts it in KiB
_SLOPE, _INTERCEPT, _CUT = 0.8, -0.3, -2.0
_COLUMNS = ("logit", "calibrated_logit", "margin", "logit.logistic_regression",
            "logit.gradient_boosting")  # fmt: skip


def _predictions(rows: int, *, per_patient: int) -> Any:  # noqa: ANN401 - pandas is imported late
    """Return a table of predictions at a prevalence of about one in ten."""
    import pandas as pd

    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(rows // per_patient), per_patient)
    risk = rng.normal(-2.6, 1.2, rows // per_patient)
    label = (rng.random(risk.size) < 1 / (1 + np.exp(-risk))).astype(np.float64)
    logit = risk[patient] + rng.normal(size=patient.size)
    own = {
        "patient_id": [f"p{number:07d}" for number in patient],
        "label": label[patient], "weight": 1.0, "repeat": 0, "fold": 0,
        "logit": logit, "calibrated_logit": _SLOPE * logit + _INTERCEPT, "margin": logit - _CUT,
    }  # fmt: skip
    rivals = {name: logit + rng.normal(size=patient.size) for name in _COLUMNS[3:]}
    return pd.DataFrame({**own, **rivals})


def _report(size: int, *, per_patient: int) -> Outcome:
    from components.core.metrics.platt import PlattScaler
    from components.core.metrics.resampling import Plan
    from components.core.metrics.tables import (
        PatientTables,
        difference,
        headline_figures,
        patient_table,
        pooled,
    )
    from components.evaluate import figures as figs
    from components.evaluate.analyses import decision_curve, operating_points
    from components.evaluate.analysis import Context
    from components.evaluate.assemble import Evaluated
    from components.evaluate.report.card import render_card, render_card_page
    from components.evaluate.report.html import render_html

    predictions = _predictions(size, per_patient=per_patient)
    start = time.perf_counter()
    each = patient_table(predictions, list(_COLUMNS))
    tables = PatientTables(each=each, pooled=pooled(each, list(_COLUMNS)), folded=False)
    plan = Plan()
    found, before = figs.pooled_figures(tables, plan)
    own = SimpleNamespace(threshold=_CUT, recalibrator=PlattScaler(_SLOPE, _INTERCEPT))
    tests = [SimpleNamespace(calibration=own)]
    context = cast(Context, SimpleNamespace(tables=tables, plan=plan, tests=tests))
    done = Evaluated(
        tests=[], tables=tables, pooled=found, before=before,
        headline=headline_figures(tables, "logit", plan),
        baselines={
            name: (headline_figures(tables, f"logit.{name}", plan),
                   difference(tables, f"logit.{name}", plan))
            for name in ("logistic_regression", "gradient_boosting")
        },
        sections=(operating_points.analyse(context), decision_curve.analyse(context)),
    )  # fmt: skip
    data = _data(done)
    page = render_html(data)
    render_card(data)
    render_card_page(data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES
    facts = {"the page has": f"{len(page.encode()) / 1e6:.2f} MB",
             "peak resident memory": f"{peak / 1e6:.0f} MB"}  # fmt: skip
    return Outcome(seconds=time.perf_counter() - start, units=size, facts=facts)


def _data(done: Any) -> Any:  # noqa: ANN401 - their classes are imported late
    from components.evaluate.assemble import drawn_plots
    from components.evaluate.report.data import Baseline, Provenance, ReportData, SplitCount

    label = done.tables.pooled["label"]
    split = SplitCount(
        name="test", records=len(label), patients=len(label), events=int(label.sum()),
        prevalence=float(label.mean()), evaluated=True,
    )  # fmt: skip
    return ReportData(
        task="benchmark", title="A benchmark", label_definition="event", negative_definition="none",
        prediction_time="day 0", cohort="drawn", synthetic=True, model="none",
        evaluated_on="all of them", splits=(split,), figures=done.report_figures(),
        baselines=tuple(
            Baseline(name=name, figures=own, difference=gap)
            for name, (own, gap) in done.baselines.items()
        ),
        provenance=Provenance(fingerprint="0", commit="0", dirty=False, created="2000-01-01"),
        plots=drawn_plots(done), sections=done.sections,
    )  # fmt: skip


def _prepare(folder: Path, size: int) -> None:
    """Nothing lies on disk."""
    del folder, size


ROW = Row(
    name="report",
    unit="predictions",
    sizes=(6_250, 25_000, 100_000),
    quick=(400, 800, 1600),
    prepare=_prepare,
    work=lambda size: size,
    sides={
        "one a patient": lambda _, size: _report(size, per_patient=1),
        "four a patient": lambda _, size: _report(size, per_patient=4),
    },
    comparisons=(
        Comparison(
            work="whole report of {size} predictions, one a patient", ours="one a patient",
            limit_s=LIMIT_S,
        ),
        Comparison(
            work="the same, four a patient", ours="four a patient", limit_s=LIMIT_S
        ),
    ),
    notes=(
        "Figures with 2,000 draws, two simple models, thresholds, decision curve, plots, page and "
        "both cards. Analyses that predict anew with the network are not part of it.",
    ),
)  # fmt: skip
