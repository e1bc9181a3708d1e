"""Train every fold and seed, and the refit. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from components.core.config.sections import FitConfig
from components.core.config.task import TaskConfig
from components.core.data import foldstats
from components.core.data.cohort import Rows, folds, read_everyone, read_part
from components.core.device import Place, resolve
from components.core.errors import RefusedError
from components.core.members import REFIT, Member, data_spec
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.progress import say
from components.core.store import Stage, Workspace, read_stage
from components.train.checklist import check
from components.train.fit import FitJob, FitResult, fit, median_epochs

OnEpoch = Callable[[str, int, dict[str, float]], None]


def prepared_cohort(audit: Stage) -> Stage:
    """Return the prepared cohort that an audit looked at.

    Raises:
        RefusedError: the audit did not pass.
    """
    if audit.facts.get("refused"):
        raise RefusedError(f"the audit did not pass: {audit.facts['refused']}")
    return read_stage(audit.input_folder("preprocess"))


@dataclass(kw_only=True)
class _Training:
    """What the fits of one training have in common."""

    work: Workspace
    stage: Stage
    task: TaskConfig
    place: Place
    on_epoch: OnEpoch
    checks: dict[str, list[str]]
    specs: dict[str, DataSpec]

    def spec(self, rows: Rows) -> DataSpec:
        ecg = self.stage.facts["ecg"]
        head = self.task.label.name
        return data_spec(rows, leads=len(ecg["leads"]), length=int(ecg["length"]), head=head)

    def one(self, train: Rows, val: Rows | None, config: FitConfig, seed: int) -> FitResult:
        fold = train.stats.fold
        leads = tuple(self.stage.facts["ecg"]["leads"])
        self.checks[fold] = check(train, val, config, leads)
        self.specs[fold] = self.spec(train)
        folder = member_folder(self.work.folder, fold, seed)
        name = fold if len(self.task.fit.seeds) == 1 else f"{fold}/seed{seed}"
        torch.manual_seed(seed)
        model = build_model(self.task.model, self.specs[fold])
        job = FitJob(
            train=train,
            val=val,
            config=config,
            head=self.task.label.name,
            place=self.place,
            seed=seed,
            folder=folder,
            name=f"train {name}",
            on_epoch=lambda epoch, figures: self.on_epoch(name, epoch, figures),
        )
        result = fit(model, job)
        foldstats.save(train.stats, folder / "norm_stats.json")
        return result


def member_folder(root: Path, fold: str, seed: int) -> Path:
    """Return where a member's files lie."""
    return root / "members" / fold / f"seed{seed}"


def train(work: Workspace, audit: Stage, task: TaskConfig, on_epoch: OnEpoch) -> None:
    """Fill the workspace with the weights of every fold, seed and refit.

    Args:
        work: receives the files, counts and facts.
        audit: of the prepared cohort; must have passed.
        task: the resolved configuration.
        on_epoch: told member, epoch and figures.

    Raises:
        RefusedError: the audit did not pass, or the sanity checklist failed.
    """
    stage = prepared_cohort(audit)
    place = resolve(task.fit.device, task.fit.precision)
    torch.set_num_threads(torch.get_num_threads() if place.device == "cuda" else _cores())
    say(f"train: {task.model['name']} on {place.name}, {place.precision}")
    common = _Training(
        work=work, stage=stage, task=task, place=place, on_epoch=on_epoch, checks={}, specs={}
    )
    results = {
        (fold, seed): common.one(
            read_part(stage, fold, "train"), read_part(stage, fold, "val"), task.fit, seed
        )
        for fold in folds(stage)
        for seed in task.fit.seeds
    }
    if task.fit.refit and len(folds(stage)) > 1:
        epochs = median_epochs(list(results.values()))
        everyone = read_everyone(stage, REFIT)
        alone = task.fit.model_copy(update={"epochs": epochs})
        for seed in task.fit.seeds:
            results[(REFIT, seed)] = common.one(everyone, None, alone, seed)
    _facts(common, results)


def _cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or 1


def _facts(common: _Training, results: dict[tuple[str, int], FitResult]) -> None:
    work, stage = common.work, common.stage
    members = [
        Member(
            fold=fold,
            seed=seed,
            folder=result.folder.relative_to(work.folder).as_posix(),
            best_epoch=result.best_epoch,
        )
        for (fold, seed), result in results.items()
    ]
    work.path("checklist.json").write_text(json.dumps(common.checks, indent=1), encoding="utf-8")
    work.path("config.yaml").write_text(common.task.to_yaml(), encoding="utf-8")
    spec = common.specs[next(iter(common.specs))]
    model = build_model(common.task.model, spec)
    work.facts |= {
        "members": [m.model_dump(mode="json") for m in members],
        "specs": {fold: found.model_dump(mode="json") for fold, found in common.specs.items()},
        "model": common.task.model,
        "head": common.task.label.name,
        "preprocess": stage.fingerprint,
        "place": [common.place.device, common.place.precision, common.place.name],
    }
    work.counts |= {
        "members": len(members),
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": sum(len(r.history) for r in results.values()),
    }
