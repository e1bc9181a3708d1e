"""The one input of report and model card: plain values, nothing of files, models or tracking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from components.core.metrics.delong import DeLong
from components.core.metrics.folds import FoldRow
from components.core.metrics.interval import Interval
from components.core.report.section import Section

Figures = Mapping[str, Interval]


@dataclass(frozen=True, kw_only=True)
class SplitCount:
    """Sizes of one part of the cohort.

    Attributes:
        name: `train`, `validation`, `test`, or `all (out of fold)` under cross-validation.
        records: recordings or rows.
        patients: distinct patients.
        events: patients with the event by the horizon.
        censored: patients whose label is unknown (censored before the horizon).
        prevalence: share of patients with the event, weighted for censoring, in [0, 1].
        evaluated: the figures of the report were computed on this part.
    """

    name: str
    records: int
    patients: int
    events: int
    prevalence: float
    censored: int = 0
    evaluated: bool = False

    @property
    def non_events(self) -> int:
        """Return patients known to be without the event."""
        return self.patients - self.events - self.censored


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A simple model on the same patients and folds.

    Attributes:
        name: in words, e.g. `logistic regression`.
        figures: its own figures.
        difference: the model's figure minus the baseline's, paired by patient.
        delong: DeLong's test of the difference in AUROC, or why there is none; None if not asked.
    """

    name: str
    figures: Figures
    difference: Figures
    delong: DeLong | str | None = None


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The operating point.

    Attributes:
        value: at or above it a patient is called positive; NaN where each fold has its own.
        scale: what it is compared with, e.g. `calibrated probability`.
        rule: how it was chosen, e.g. `Youden's J`.
        chosen_on: the data it was chosen on, in words.
    """

    value: float
    scale: str
    rule: str
    chosen_on: str


@dataclass(frozen=True, kw_only=True)
class CalibrationPair:
    """Calibration before and after recalibration.

    Attributes:
        method: e.g. `Platt scaling, fitted on validation`.
        before: figures of the model's own probabilities.
        after: figures of the recalibrated ones.
    """

    method: str
    before: Figures
    after: Figures


@dataclass(frozen=True, kw_only=True)
class AuditCheck:
    """One check of the leakage audit.

    Attributes:
        name: of the check.
        status: `ok`, `info`, `waived` or `refused`.
        sentence: what was found.
        waiver: the reason given, empty unless waived.
    """

    name: str
    status: Literal["ok", "info", "waived", "refused"]
    sentence: str
    waiver: str = ""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the figures come from.

    Attributes:
        fingerprint: of the prepared cohort and all that was computed from it.
        commit: of the code.
        dirty: the tree held changes that are in no commit.
        created: date and time, ISO 8601 with zone.
        run_id: of the tracking server, or empty.
        versions: library → version.
    """

    fingerprint: str
    commit: str
    dirty: bool
    created: str
    run_id: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything that report and model card say.

    Attributes:
        task: its name, e.g. `ctrcd`.
        title: one line in words.
        label_definition: what counts as the event, with horizon.
        negative_definition: what counts as no event.
        prediction_time: when the prediction is made; nothing later is used.
        cohort: where the patients come from, in words.
        synthetic: the cohort is generated; its figures are no clinical skill.
        model: what was trained, in words.
        external: the evaluated patients are of another cohort than the model's own.
        evaluated_on: in words, e.g. `held-out test split` or `out-of-fold predictions`.
        splits: sizes; exactly one is `evaluated`.
        figures: of the recalibrated model on the evaluated part, by registry name.
        headline: the figure on the first line.
        baselines: simple models on the same patients.
        per_fold: figures of each fold under cross-validation, else empty.
        pooled: figures over pooled out-of-fold predictions, given beside the within-fold means.
        oracle: AUROC of the planted truth; synthetic cohort only.
        share: (AUROC − 0.5)/(oracle − 0.5); synthetic cohort only.
        threshold: the operating point.
        calibration: before and after recalibration.
        audit: all checks; empty where no audit was run.
        provenance: code, data and versions.
        config: the resolved configuration, nested.
        plots: name → SVG text; see `plots` for the names.
        sections: what the analyses came to, in the page's order.
        notices: further sentences for the top of the page.
        known: TRIPOD+AI item → what the run knows of it beyond the figures.
        statements: TRIPOD+AI item → answer that only people can give (ethics, funding, …).
    """

    task: str
    title: str
    label_definition: str
    negative_definition: str
    prediction_time: str
    cohort: str
    synthetic: bool
    model: str
    evaluated_on: str
    splits: tuple[SplitCount, ...]
    figures: Figures
    provenance: Provenance
    external: bool = False
    headline: str = "auroc"
    baselines: tuple[Baseline, ...] = ()
    per_fold: tuple[FoldRow, ...] = ()
    pooled: Figures = field(default_factory=dict[str, Interval])
    oracle: Interval | None = None
    share: Interval | None = None
    threshold: Threshold | None = None
    calibration: CalibrationPair | None = None
    audit: tuple[AuditCheck, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    plots: Mapping[str, str] = field(default_factory=dict[str, str])
    sections: tuple[Section, ...] = ()
    notices: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict[str, str])
    statements: Mapping[str, str] = field(default_factory=dict[str, str])
