"""A trial: the networks of some settings, trained on every part in question, and their score."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.core.config.base import canonical_json
from components.core.config.task import TaskConfig
from components.core.device import resolve
from components.core.errors import ConfigError
from components.core.metrics.discrimination import auprc, auroc
from components.core.metrics.patients import by_patient
from components.core.pretrained import open_trunk
from components.core.store import Stage, Workspace, data_root, read_stage
from components.train import pretrained
from components.train.checklist import check
from components.train.figures import MEAN
from components.train.fit import FitJob, FitResult, OnEpoch
from components.train.run import prepared_cohort
from components.train.training import Training, member_folder
from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.parts import Part, parts_of

# What a trial may change: the network and how it is trained, never the data or how it is judged.
_SECTIONS = ("model.", "fit.")
_KEPT = ["patient_id", "label", "weight", "logit"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one fit of a trial came to.

    Attributes:
        figures: `val/auroc`, `val/auprc` and `val/loss` at the epoch whose weights were kept; of
            several heads also the objective's mean over them (`val/auroc_mean`).
        epochs: up to and with that epoch.
        predictions: `patient_id, label, weight, logit` and `part`, one row per validation patient
            of known label.
    """

    figures: dict[str, float]
    epochs: int
    predictions: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class TrainedTrials:
    """The objective of a study (`components.train.tuning.objective`).

    The rows are read once per process, at the first trial or by `ready`, and kept.

    Attributes:
        cohort: the prepared cohort.
        task: the resolved configuration; the untuned settings.
        fold: empty, an outer fold, or `refit`; see `parts_of`.
    """

    cohort: Stage
    task: TaskConfig
    fold: str = ""

    @cached_property
    def parts(self) -> list[Part]:
        """Return the fits of every trial."""
        trunk = open_trunk(self.task.model)
        if trunk is not None:
            pretrained.check_fits(trunk, self.cohort)
        return parts_of(self.cohort, self.task, self.fold, trunk=trunk)

    def ready(self) -> None:
        """Read the rows and run the sanity checklist on them.

        Raises:
            InputError: a part in which no trial could be judged.
            RefusedError: the checklist failed.
        """
        leads = tuple(self.cohort.facts["ecg"]["leads"])
        for part in self.parts:
            check(part.train, part.val, self.task.fit, leads, self.task.all_heads())

    def __call__(self, settings: Settings, number: int, report: Report) -> Score:
        """Return the mean score over the parts, of one network each (`fit.seeds[0]`).

        Told on the way: for a single part the figure after each epoch in which the heads learn,
        for several the mean over the parts so far after each.
        """
        done = self.outcomes(settings, number, report)
        means = {name: float(np.mean([o.figures[name] for o in done])) for name in done[0].figures}
        epochs = float(np.median([o.epochs for o in done]))
        return Score(value=means[self.figure], figures=means | {"epochs": epochs})

    @property
    def figure(self) -> str:
        """Return the name of the objective among the figures of an outcome."""
        tune = self.task.tune
        of_all = tune.heads == "mean" and len(self.task.all_heads()) > 1
        return f"val/{tune.objective}_{MEAN}" if of_all else f"val/{tune.objective}"

    def outcomes(
        self, settings: Settings, number: int, report: Report | None = None
    ) -> list[Outcome]:
        """Return what each part's fit came to; what was written for it is gone again."""
        task, done = self._settled(settings), list[Outcome]()
        single = report if len(self.parts) == 1 else None
        with _scratch(number) as folder:
            training = Training(
                work=Workspace(folder=folder), stage=self.cohort, task=task, quiet=True,
                place=resolve(task.fit.device, task.fit.precision), trunk=open_trunk(task.model),
                on_epoch=_nobody,
            )  # fmt: skip
            for place, part in enumerate(self.parts):
                done.append(_outcome(part, _fitted(training, part, self._told(single))))
                if report is not None and single is None:
                    report(place, float(np.mean([each.figures[self.figure] for each in done])))
        return done

    def _told(self, report: Report | None) -> OnEpoch | None:
        if report is None:
            return None
        steps = count()

        def told(epoch: int, figures: dict[str, float]) -> None:
            # While a model is pretrained its heads know nothing: trials are compared by how long
            # the heads have learned.
            del epoch
            if not figures.get("train/pretraining"):
                report(next(steps), figures[self.figure])

        return told

    def _settled(self, settings: Settings) -> TaskConfig:
        foreign = [name for name in settings if not name.startswith(_SECTIONS)]
        if foreign:
            raise ConfigError(
                f"a trial sets '{foreign[0]}'; only settings of model and fit are searched, since "
                "the data and how a model is judged must be the same for every trial"
            )
        return self.task.with_settings(settings)


def _nobody(member: str, epoch: int, figures: dict[str, float]) -> None:
    """Told of members' epochs, of which a trial has none."""
    del member, epoch, figures


def _fitted(training: Training, part: Part, on_epoch: OnEpoch | None) -> FitResult:
    fit = training.task.fit
    train, val = training.judged(part.train, part.val, fit)
    seed = fit.seeds[0]
    job: FitJob = training.job(
        training.task.all_heads(), train, val, fit, seed,
        member_folder(training.work.folder, part.name, seed), part.name,
    )  # fmt: skip
    return training.one(replace(job, on_epoch=on_epoch))


def _outcome(part: Part, result: FitResult) -> Outcome:
    if result.val is None:  # every part has validation rows
        raise ValueError(f"the fit of '{part.name}' has no validation predictions")
    own = by_patient(result.val)
    kept = result.history.iloc[result.best_epoch]
    means = {str(name): float(kept[name]) for name in kept.index
             if str(name).startswith("val/") and str(name).endswith(f"_{MEAN}")}  # fmt: skip
    return Outcome(
        figures={
            "val/auroc": auroc(own.label, own.logit, own.weight),
            "val/auprc": auprc(own.label, own.logit, own.weight),
            "val/loss": float(kept["val/loss"]),
            **means,
        },
        epochs=result.best_epoch + 1,
        predictions=pd.DataFrame({name: getattr(own, name) for name in _KEPT}).assign(
            part=part.name
        ),
    )


@contextmanager
def _scratch(number: int) -> Generator[Path]:
    """Yield an empty folder for a trial's files, which goes with it."""
    folder = scratch_root() / f"{socket.gethostname()}-{os.getpid()}-{number}"
    shutil.rmtree(folder, ignore_errors=True)  # of a process of this very number, long dead
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def scratch_root() -> Path:
    """Return where the files of running trials lie."""
    return data_root() / "studies" / "scratch"


def sweep() -> None:
    """Remove what trials of killed processes of this machine have left."""
    import psutil

    for folder in scratch_root().glob(f"{socket.gethostname()}-*-*"):
        if not psutil.pid_exists(int(folder.name.rsplit("-", 2)[1])):
            shutil.rmtree(folder, ignore_errors=True)  # another process may sweep, too


def job_of(audit: Stage, task: TaskConfig, fold: str) -> dict[str, Any]:
    """Return what `from_job` makes the same objective of in another process: JSON values."""
    plain = task.model_copy(update={"tune": task.tune.model_copy(update={"storage": ""})})
    # Without the address of the study, in which a password may stand.
    return {"audit": str(audit.folder), "task": plain.model_dump(mode="json"), "fold": fold}


def from_job(*, audit: str, task: dict[str, Any], fold: str) -> TrainedTrials:
    """Return the objective that `job_of` describes, its rows read and checked once per process.

    Raises:
        InputError: a part in which no trial could be judged.
        RefusedError: the audit did not pass, or the checklist failed.
    """
    return _made(audit, canonical_json(task), fold)


@cache
def _made(audit: str, task: str, fold: str) -> TrainedTrials:
    cohort = prepared_cohort(read_stage(Path(audit)))
    found = TrainedTrials(cohort=cohort, task=TaskConfig.model_validate_json(task), fold=fold)
    found.ready()
    return found
