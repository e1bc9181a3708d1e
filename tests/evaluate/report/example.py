"""A realistic report, with figures computed on simulated predictions."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import bootstrap, oracle_share, paired_difference
from components.core.metrics.calibration import logit
from components.core.metrics.folds import FoldRow, FoldTable, per_fold
from components.core.metrics.platt import PlattScaler
from components.core.metrics.recalibrate import Identity
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables
from components.core.metrics.threshold import youden_threshold
from components.core.report.section import Section
from components.evaluate.analyses import operating_points
from components.evaluate.analysis import Context
from components.evaluate.report import plots
from components.evaluate.report.data import (
    AuditCheck,
    Baseline,
    CalibrationPair,
    Provenance,
    ReportData,
    SplitCount,
    Threshold,
)

PLAN = Plan(draws=200)
RANKING = ("auroc", "auprc")
ERRORS = ("brier", "ece", "calibration_slope", "calibration_intercept", "calibration_in_the_large")
DECISIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")
OPERATING = ("sensitivity_at_specificity_90", "specificity_at_sensitivity_90")


def example(*, patients: int = 900, seed: int = 0, drawn: bool = True) -> ReportData:
    """A CTRCD evaluation at 12 % prevalence; `drawn` adds the plots."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(-2.6, 1.4, patients)
    y = (rng.random(patients) < 1 / (1 + np.exp(-risk))).astype(float)
    ids = np.arange(patients)
    raw = 1.6 * (risk + rng.normal(0, 0.8, patients)) + 1.5
    simple = risk + rng.normal(0, 1.6, patients)
    prob_raw = 1 / (1 + np.exp(-raw))
    prob = PlattScaler.fit(raw, y).apply(raw)
    cut = youden_threshold(y, prob)
    names = (*RANKING, *OPERATING, *DECISIONS, *ERRORS)
    figures = bootstrap(y, prob, ids, metrics=names, threshold=cut, plan=PLAN)
    oracle = oracle_share(y, (logit(prob), risk), ids, plan=PLAN)
    base = bootstrap(y, simple, ids, metrics=RANKING, plan=PLAN)
    difference = paired_difference(y, (raw, simple), ids, metrics=RANKING, plan=PLAN)
    events = int(y.sum())
    data = ReportData(
        task="ctrcd",
        title="Cancer therapy-related cardiac dysfunction from the resting 8-lead ECG",
        label_definition="CTRCD of moderate or worse grade within 365 days of the start of therapy "
        "(2022 ESC cardio-oncology guideline, LVEF criteria)",
        negative_definition="no CTRCD within 365 days; death without CTRCD is a competing event",
        prediction_time="start of therapy (index date); ECG at most 90 days before",
        cohort="Synthetic cohort, 3,000 patients with planted signal",
        synthetic=True,
        model="Residual 1-D CNN (width 32, depth 4) on 8 leads, late fusion with tabular features",
        evaluated_on="held-out test split, opened once",
        splits=(
            SplitCount(name="train", records=4205, patients=2100, events=252, prevalence=0.12),
            SplitCount(name="validation", records=903, patients=450, events=54, prevalence=0.12),
            SplitCount(
                name="test",
                records=patients,
                patients=patients,
                events=events,
                prevalence=events / patients,
                evaluated=True,
            ),
        ),
        figures=figures,
        baselines=(Baseline(name="logistic regression", figures=base, difference=difference),),
        per_fold=_folds(y, raw, ids, seed=seed),
        oracle=oracle["oracle_auroc"],
        share=oracle["oracle_share"],
        threshold=Threshold(
            value=cut,
            scale="calibrated probability",
            rule="Youden's J",
            chosen_on="validation (450 patients, 54 events)",
        ),
        calibration=CalibrationPair(
            method="Platt scaling, fitted on validation",
            before=bootstrap(y, prob_raw, ids, metrics=ERRORS, plan=PLAN),
            after={name: figures[name] for name in ERRORS},
        ),
        audit=(
            AuditCheck(name="patient_overlap", status="ok", sentence="no patient in two splits"),
            AuditCheck(
                name="identical_waveforms",
                status="waived",
                sentence="2 identical recordings in train and test",
                waiver="re-exported ECGs of consenting staff, <confirmed> by the data manager",
            ),
            AuditCheck(name="looks", status="info", sentence="the test split was opened once"),
        ),
        provenance=Provenance(
            fingerprint="3f9ac1d27be04188",
            commit="77612a5",
            dirty=True,
            created="2025-11-21T02:30:00+00:00",
            run_id="b6c1e0",
            versions={"python": "3.11", "torch": "2.13.0", "numpy": "2.4.6"},
        ),
        config={"task": "ctrcd", "fit": {"lr": 1e-3, "aug": ["noise", "scale"]}, "extra": {}},
        notices=("ECGs with pacing spikes were kept.",),
        statements={"17": "Not needed: no data of persons.", "26": "One simulated centre."},
    )
    if not drawn:
        return data
    points = _points(y, prob, cut)
    return replace(data, plots=_plots(data, y, prob, prob_raw), sections=(points,))


def tiny() -> ReportData:
    """An evaluation with too few events, no baseline, no audit and no recalibration."""
    data = example(patients=90, seed=3, drawn=False)
    return replace(
        data,
        baselines=(),
        audit=(),
        calibration=None,
        per_fold=(),
        oracle=None,
        share=None,
        threshold=None,
        synthetic=False,
        config={},
        statements={},
        notices=(),
        provenance=replace(data.provenance, dirty=False, run_id=""),
    )


def _points(y: np.ndarray, prob: np.ndarray, cut: float) -> Section:
    frame = pd.DataFrame(
        {
            "patient_id": np.arange(y.size), "label": y, "weight": 1.0,
            "calibrated_logit": logit(prob), "margin": prob - cut,
        }
    )  # fmt: skip
    tables = PatientTables(each=frame, pooled=frame, folded=False)
    own = SimpleNamespace(threshold=logit(cut), recalibrator=Identity())
    tests = [SimpleNamespace(calibration=own)]
    context = cast(Context, SimpleNamespace(tables=tables, plan=PLAN, tests=tests))
    return operating_points.analyse(context)


def _folds(y: np.ndarray, raw: np.ndarray, ids: np.ndarray, *, seed: int) -> tuple[FoldRow, ...]:
    rng = np.random.default_rng(seed)
    fold = np.concatenate([rng.permutation(ids.size) % 5 for _ in range(3)])
    table = FoldTable(
        patient=np.tile(ids, 3),
        repeat=np.repeat(np.arange(3), ids.size),
        fold=fold,
        y=np.tile(y, 3),
        score=np.tile(raw, 3) + rng.normal(0, 0.4, fold.size),
    )
    return tuple(per_fold(table))


def _plots(data: ReportData, y: np.ndarray, prob: np.ndarray, raw: np.ndarray) -> dict[str, str]:
    rows = plots.Predictions(y=y, prob=prob, patient=np.arange(y.size))
    point = data.figures["sensitivity"], data.figures["specificity"]
    models = [("this model", data.figures["auroc"])]
    models += [(baseline.name, baseline.figures["auroc"]) for baseline in data.baselines]
    models += [("best possible (planted truth)", data.oracle)] if data.oracle else []
    drawn = {
        "roc": plots.roc_plot(rows, data.figures["auroc"], point=point),
        "pr": plots.pr_plot(rows, data.figures["auprc"]),
        "calibration": plots.calibration_plot(rows, raw),
        "comparison": plots.comparison_plot(models, title="AUROC with 95 % interval"),
    }
    return {name: plots.render(figure).decode() for name, figure in drawn.items()}
