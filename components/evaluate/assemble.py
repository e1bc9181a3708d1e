"""From figures to the one input of report and model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from components.core.config.task import TaskConfig
from components.core.data.held_out import Opening
from components.core.metrics import recalibrate
from components.core.metrics.delong import DeLong
from components.core.metrics.folds import FoldRow
from components.core.metrics.interval import Interval
from components.core.metrics.tables import Figures, PatientTables, floats, sigmoid
from components.core.report.section import Section
from components.core.schemas import MANIFEST, PART_PREFIX
from components.core.stages import FACTS
from components.core.versions import code_commit, library_versions
from components.evaluate.card_facts import card_facts
from components.evaluate.external import Overlap
from components.evaluate.media_facts import prediction_time
from components.evaluate.oracle import unseen_embeddings
from components.evaluate.predictions import FoldTest
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

if TYPE_CHECKING:
    from components.core.upstream import Upstream

RULES = {"youden": "Youden's J", "f1": "greatest F1"}
OUT_OF_FOLD = "all (out of fold)"


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What an evaluation came to.

    Attributes:
        tests: test predictions per fold.
        tables: the same, patient by patient.
        pooled: every figure over one row per patient.
        before: figures of probability before recalibration.
        headline: AUROC and AUPRC; within folds under cross-validation.
        baselines: name → (figures, difference model − baseline).
        delong: name → DeLong's test of the same difference, or why there is none.
        seeds: AUROC of every seed by itself, where there are several.
        folds: figures of every fold, under cross-validation.
        oracle: (the planted truth's AUROC, share of it), synthetic cohort only.
        sections: what the analyses came to.
    """

    tests: list[FoldTest]
    tables: PatientTables
    pooled: Figures
    before: Figures
    headline: Figures
    baselines: dict[str, tuple[Figures, Figures]]
    delong: dict[str, DeLong | str] = field(default_factory=dict[str, DeLong | str])
    seeds: dict[str, Interval] = field(default_factory=dict[str, Interval])
    folds: list[FoldRow] = field(default_factory=list[FoldRow])
    oracle: tuple[Interval, Interval] | None = None
    sections: tuple[Section, ...] = ()

    def report_figures(self) -> Figures:
        """Return the figures of the report: the headline's over the pooled ones."""
        return self.pooled | self.headline

    def all_figures(self) -> Figures:
        """Return every interval under the name it has in the tracking store."""
        found: Figures = dict(self.pooled)
        if self.tables.folded:
            found |= {f"{name}_within_fold": i for name, i in self.headline.items()}
        for name, (own, difference) in self.baselines.items():
            found |= {f"baseline/{name}/{key}": i for key, i in own.items()}
            found |= {f"baseline/{name}/{key}_diff": i for key, i in difference.items()}
        found |= {f"auroc_{seed}": i for seed, i in self.seeds.items()}
        if self.oracle is not None:
            found |= {"oracle_auroc": self.oracle[0], "oracle_share": self.oracle[1]}
        for section in self.sections:
            found |= section.figures
        return found

    def pictures(self, drawn: Mapping[str, str]) -> dict[str, str]:
        """Return `drawn` and the pictures of the sections, name → SVG."""
        return dict(drawn) | {p.name: p.svg for section in self.sections for p in section.plots}


def report_data(
    stages: Upstream,
    task: TaskConfig,
    done: Evaluated,
    opening: Opening,
    *,
    run_id: str,
    overlap: Overlap | None = None,
) -> ReportData:
    """Return everything that report and model card say."""
    label = task.label
    synthetic = stages.ingest.facts["source"] == "synthetic"
    return ReportData(
        task=task.task,
        title=task.title,
        label_definition=label.definition,
        negative_definition=label.negative,
        prediction_time=prediction_time(label.prediction_time, stages.cohort.facts["modalities"]),
        cohort=_cohort(stages),
        synthetic=synthetic,
        model=_model(stages),
        evaluated_on=_evaluated_on(done, overlap),
        external=overlap is not None,
        splits=tuple(_splits(stages, done)),
        figures=done.report_figures(),
        baselines=tuple(
            Baseline(
                name=name.replace("_", " "),
                figures=own,
                difference=difference,
                delong=done.delong.get(name),
            )
            for name, (own, difference) in done.baselines.items()
        ),
        per_fold=tuple(done.folds),
        pooled={k: done.pooled[k] for k in done.headline} if done.tables.folded else {},
        oracle=done.oracle[0] if done.oracle else None,
        share=done.oracle[1] if done.oracle else None,
        threshold=_threshold(task, done),
        calibration=CalibrationPair(
            method=recalibrate.describe(task.evaluate.recalibrate),
            before=done.before,
            after={k: done.pooled[k] for k in done.before},
        ),
        audit=tuple(
            AuditCheck(
                name=f["check"], status=f["status"], sentence=f["sentence"], waiver=f["waiver"]
            )
            for f in stages.audit.facts["findings"]
        ),
        provenance=_provenance(stages, run_id),
        config=task.model_dump(mode="json"),
        plots=drawn_plots(done),
        sections=done.sections,
        notices=(
            *_external(overlap),
            *_notices(stages, done, opening),
            *_cautions(task, done),
        ),
        known=card_facts(stages, task),
        statements=task.card,
    )


def _evaluated_on(done: Evaluated, overlap: Overlap | None) -> str:
    if overlap is not None:
        return "another cohort than the model was trained on (external validation)"
    return "out-of-fold predictions" if done.tables.folded else "the held-out test split"


def _external(overlap: Overlap | None) -> tuple[str, ...]:
    if overlap is None:
        return ()
    return (
        f"External validation: {overlap.sentence()}",
        "Normalisation, threshold and recalibration are those of the training; the audit is of the "
        "training's cohort, not of this one.",
    )


def _cohort(stages: Upstream) -> str:
    counts, source = stages.ingest.counts, stages.ingest.facts["source"]
    unit = "patients" if stages.cohort.facts["patients_known"] else "recordings (patients unknown)"
    return (
        f"source '{source}': {counts['records']:,.0f} records of {counts['patients']:,.0f} {unit}; "
        f"{counts['rejects']:,.0f} records or files refused at ingest"
    )


def _model(stages: Upstream) -> str:
    facts, counts = stages.train.facts, stages.train.counts
    device, precision, name = facts["place"]
    own = sum(not member.get("variant") for member in facts["members"])
    beside = len(facts["members"]) - own
    return (
        f"{facts['model']['name']}, {counts['parameters']:,.0f} parameters, "
        f"{own} network(s) trained on {device} ({name}) in {precision}"
        + (f", {beside} more beside it for comparison" if beside else "")
        + _trunk(facts.get("trunk"))
    )


def _trunk(trunk: dict[str, Any] | None) -> str:
    """Return whose trunk the model started from."""
    if trunk is None:
        return ""
    how = "frozen" if trunk["frozen"] else "trained on"
    return (
        f"; its trunk, {how}, is that of the task '{trunk['task']}', trained on "
        f"{trunk['trained_on']}"
    )


def _splits(stages: Upstream, done: Evaluated) -> list[SplitCount]:
    frame = pd.read_parquet(stages.cohort.folder / MANIFEST)
    # Records that only another head has a truth of are none of this label's.
    frame = frame[frame["label"].notna() | frame["censored"]]
    tested = done.tables.pooled
    prevalence = float(np.average(floats(tested, "label"), weights=floats(tested, "weight")))
    if done.tables.folded:
        return [_count(frame, OUT_OF_FOLD, prevalence)]
    if stages.home is not None:
        rows = frame[frame["patient_id"].isin(tested["patient_id"])]
        return [_count(rows, "external cohort", prevalence)]
    fold = f"{PART_PREFIX}{done.tests[0].fold}"
    names = {"train": "train", "val": "validation", "test": "test"}
    found: list[SplitCount] = []
    for part, name in names.items():
        rows = frame[frame[fold] == part]
        found.append(_count(rows, name, prevalence if part == "test" else None))
    return found


def _count(rows: pd.DataFrame, name: str, prevalence: float | None) -> SplitCount:
    patients = rows.groupby("patient_id")["label"].max()
    known = patients.dropna()
    plain = float(known.mean()) if len(known) else float("nan")
    return SplitCount(
        name=name,
        records=len(rows),
        patients=len(patients),
        events=int((known == 1).sum()),
        censored=int(patients.isna().sum()),
        prevalence=plain if prevalence is None else prevalence,
        evaluated=prevalence is not None,
    )


def _threshold(task: TaskConfig, done: Evaluated) -> Threshold:
    own = done.tests[0].calibration
    several = done.tables.folded
    logit = np.array([own.threshold])
    return Threshold(
        value=float("nan") if several else float(sigmoid(own.recalibrator.logit(logit))[0]),
        scale="calibrated probability",
        rule=RULES[task.evaluate.threshold],
        chosen_on="each fold's own validation patients"
        if several
        else f"{own.patients} validation patients with {own.events} events",
    )


def _provenance(stages: Upstream, run_id: str) -> Provenance:
    commit, dirty = code_commit()
    names = tuple(sorted({n for facts in FACTS.values() for n in facts.libraries}))
    return Provenance(
        fingerprint=stages.train.fingerprint,
        commit=commit,
        dirty=dirty,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        run_id=run_id,
        versions=library_versions(names),
    )


def drawn_plots(done: Evaluated) -> dict[str, str]:
    """Return the page's own plots, name → SVG."""
    frame = done.tables.pooled
    common: dict[str, Any] = {
        "y": floats(frame, "label"),
        "patient": frame["patient_id"].to_numpy(),
        "weight": floats(frame, "weight"),
    }
    ranked = plots.Predictions(prob=sigmoid(floats(frame, "logit")), **common)
    calibrated = plots.Predictions(prob=sigmoid(floats(frame, "calibrated_logit")), **common)
    point = (done.pooled["sensitivity"], done.pooled["specificity"])
    drawn = {
        "roc": plots.roc_plot(ranked, done.pooled["auroc"], point=point),
        "pr": plots.pr_plot(ranked, done.pooled["auprc"]),
        "calibration": plots.calibration_plot(calibrated, ranked.prob),
    }
    if done.baselines:
        rows = [("this model", done.headline["auroc"])]
        rows += [(n.replace("_", " "), own["auroc"]) for n, (own, _) in done.baselines.items()]
        drawn["comparison"] = plots.comparison_plot(rows, title="AUROC", chance=0.5)
    return {name: plots.render(figure).decode() for name, figure in drawn.items()}


def _cautions(task: TaskConfig, done: Evaluated) -> Iterator[str]:
    """Yield what to know of the recalibration: of the smallest validation part, if several."""
    least = min((test.calibration for test in done.tests), key=lambda own: own.patients)
    kind = task.evaluate.recalibrate
    said = recalibrate.caution(kind, patients=least.patients, events=least.events)
    if said:
        yield said


def _notices(stages: Upstream, done: Evaluated, opening: Opening) -> list[str]:
    facts = stages.cohort.facts
    found = [f"This test split has been opened {opening.count} time(s), this time included."]
    if not facts["patients_known"]:
        found.append("Patients are unknown: the unit of split and bootstrap is the recording.")
    if facts.get("split_note"):
        found.append(facts["split_note"])
    if facts["timed"]:
        found.append(
            "Patients censored before the horizon are left out; the others are weighted by the "
            "inverse probability of not being censored, estimated on the training part."
        )
    unseen = unseen_embeddings(stages.cohort) if done.oracle else ""
    if unseen:
        found.append(unseen)
    if done.tables.folded:
        found.append(
            "AUROC and AUPRC are means of within-fold figures; every other figure is over the "
            "pooled out-of-fold predictions. No interval includes the variance of training."
        )
    if done.seeds:
        each = ", ".join(i.text() for i in done.seeds.values())
        mean = float(np.mean([i.value for i in done.seeds.values()]))
        found.append(
            f"Each of the {len(done.seeds)} seeds by itself has AUROC {each}; mean {mean:.3f}. "
            "The figures are those of their mean logit."
        )
    absent = stages.ingest.facts["absent_features"]
    if absent:
        found.append(f"Declared features that the data lack: {', '.join(absent)}.")
    return found
