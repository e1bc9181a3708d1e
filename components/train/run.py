"""Train every fold and seed, and the refit. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from components.core.config.heads import ClassesHead, ConfidenceHead, HeadMap
from components.core.config.sections import FitConfig
from components.core.config.task import TaskConfig
from components.core.data import foldstats
from components.core.data.cohort import Known, Rows, folds, read_everyone, read_part
from components.core.data.foldstats import FoldStats
from components.core.device import Place, resolve
from components.core.errors import RefusedError
from components.core.heads.known import known_columns, truth_column
from components.core.heads.registry import View, head_file, outputs_of, to_json
from components.core.heads.weights import evened_out
from components.core.members import REFIT, STATS, WEIGHTS, Member, data_spec, load_model
from components.core.models.blocks.mlp import Heads
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.predict import predict
from components.core.pretrained import Pretrained, open_trunk
from components.core.progress import say
from components.core.store import Stage, Workspace, read_stage
from components.train import pretrained
from components.train.checklist import check
from components.train.confidence import Fit, Floats, with_truth
from components.train.fit import FitJob, FitResult, fit, median_epochs
from components.train.variants import Variant, variants

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
    shares: dict[str, dict[str, tuple[float, ...]]]
    members: list[Member]
    trunk: Pretrained | None

    @property
    def known(self) -> Known:
        return known_columns(self.task.all_heads())

    def spec(self, rows: Rows, heads: HeadMap) -> DataSpec:
        ecg = self.stage.facts["ecg"]
        return data_spec(
            rows,
            leads=len(ecg["leads"]),
            length=int(ecg["length"]),
            heads=outputs_of(heads),
        )

    def member(
        self, variant: Variant, train: Rows, val: Rows | None, config: FitConfig, seed: int
    ) -> FitResult:
        """Train one network and keep it as a member."""
        fold = train.stats.fold
        train, val = variant.seen(train), None if val is None else variant.seen(val)
        leads = tuple(self.stage.facts["ecg"]["leads"])
        key = f"{variant.name}/{fold}" if variant.name else fold
        self.checks[key] = check(train, val, config, leads, variant.heads)
        self.specs[key] = self.spec(train, variant.heads)
        self.shares[key] = class_shares(variant.heads, train, config)
        folder = member_folder(self.work.folder, fold, seed, variant.name)
        name = key if len(self.task.fit.seeds) == 1 or variant.name else f"{fold}/seed{seed}"
        result = self.one(variant.heads, train, val, config, seed, folder, name)
        foldstats.save(train.stats, folder / STATS)
        self.members.append(
            Member(
                fold=fold,
                variant=variant.name,
                seed=seed,
                folder=folder.relative_to(self.work.folder).as_posix(),
                best_epoch=result.best_epoch,
            )
        )
        return result

    def one(
        self,
        heads: HeadMap,
        train: Rows,
        val: Rows | None,
        config: FitConfig,
        seed: int,
        folder: Path,
        name: str,
    ) -> FitResult:
        """Train one network."""
        torch.manual_seed(seed)
        model = started(build_model(self.task.model, self.spec(train, heads)), heads, train)
        if self.trunk is not None:
            pretrained.take_over(model, self.trunk)
        job = FitJob(
            train=train,
            val=val,
            config=config,
            heads=heads,
            place=self.place,
            seed=seed,
            folder=folder,
            name=f"train {name}",
            on_epoch=lambda epoch, figures: self.on_epoch(name, epoch, figures),
        )
        return fit(model, job)

    def stats(self, fold: str) -> FoldStats | None:
        """Return what a fold's records are encoded by, where that is not its own training part."""
        return None if self.trunk is None else pretrained.stats_for(self.trunk, fold)

    def judged(self, train: Rows, val: Rows | None, config: FitConfig) -> tuple[Rows, Rows | None]:
        """Return both parts with the truths of the confidence heads."""
        for name, head in self.task.all_heads().items():
            if isinstance(head, ConfidenceHead):
                inner = self._inner(head, train.stats.fold, val, config)
                train, val = with_truth(
                    name, head, train, val, fit=inner, seed=self.task.fit.seeds[0]
                )
        return train, val

    def _inner(self, head: ConfidenceHead, fold: str, val: Rows | None, config: FitConfig) -> Fit:
        """Return what trains the judged head alone, for `with_truth`."""
        heads = {head.of: self.task.all_heads()[head.of]}
        judged = View(name=head.of, head=heads[head.of])

        def inner(rows: Rows, name: str, place: int) -> Callable[[Rows], Floats]:
            seed = self.task.fit.seeds[0] + place
            folder = member_folder(self.work.folder, fold, seed, f"{name}:{head.of}")
            label = f"{name} of {fold}"
            done = self.one(heads, rows, val, config, seed, folder, label)
            spec = self.spec(rows, heads)
            model = load_model(self.task.model, spec, done.folder / WEIGHTS)
            return lambda asked: predict(model, asked, head=judged, place=self.place)

        return inner


def class_shares(heads: HeadMap, train: Rows, config: FitConfig) -> dict[str, tuple[float, ...]]:
    """Return the shares that the loss of each head of several classes has evened out."""
    found = {
        name: evened_out(
            train.frame[truth_column(name, train.frame)].dropna().to_numpy(np.int64),
            len(head.classes),
            config,
        )
        for name, head in heads.items()
        if isinstance(head, ClassesHead)
    }
    return {name: shares for name, shares in found.items() if shares is not None}


def started(model: nn.Module, heads: HeadMap, train: Rows) -> nn.Module:
    """Return the model with those heads whose kind knows where to begin set to it."""
    for name, head in heads.items():
        begin = getattr(head_file(head), "start", None)
        own = getattr(model, "heads", None)
        if begin is not None and isinstance(own, Heads):
            own.start(name, torch.from_numpy(begin(head, train.frame)))
    return model


def member_folder(root: Path, fold: str, seed: int, variant: str = "") -> Path:
    """Return where a member's files lie."""
    inside = root / "members" if not variant else root / "variants" / variant.replace(":", "_")
    return inside / fold / f"seed{seed}"


def train(work: Workspace, audit: Stage, task: TaskConfig, on_epoch: OnEpoch) -> None:
    """Fill the workspace with the weights of every fold, seed and refit.

    Args:
        work: receives the files, counts and facts.
        audit: of the prepared cohort; must have passed.
        task: the resolved configuration.
        on_epoch: told member, epoch and figures.

    Raises:
        RefusedError: the audit did not pass, or the sanity checklist failed.
        InputError: the cohort is not what the pretrained trunk was trained on.
    """
    stage, trunk = prepared_cohort(audit), open_trunk(task.model)
    if trunk is not None:
        pretrained.check_fits(trunk, stage)
        pretrained.keep_patients(trunk, work)
        say(pretrained.said_of(trunk, task))
    place = resolve(task.fit.device, task.fit.precision)
    torch.set_num_threads(torch.get_num_threads() if place.device == "cuda" else _cores())
    say(f"train: {task.model['name']} on {place.name}, {place.precision}")
    common = _Training(
        work=work, stage=stage, task=task, place=place, on_epoch=on_epoch, checks={}, specs={},
        shares={}, members=[], trunk=trunk,
    )  # fmt: skip
    results = [result for fold in folds(stage) for result in _fold(common, fold)]
    if task.fit.refit and len(folds(stage)) > 1:
        epochs = median_epochs(results)
        alone = task.fit.model_copy(update={"epochs": epochs})
        rows = read_everyone(stage, REFIT, known=common.known, stats=common.stats(REFIT))
        everyone, _ = common.judged(rows, None, alone)
        whole = Variant(name="", heads=task.all_heads())
        for seed in task.fit.seeds:
            results.append(common.member(whole, everyone, None, alone, seed))
    _facts(common, results)


def _fold(common: _Training, fold: str) -> list[FitResult]:
    """Train a fold's seeds and variants; return the results of the model itself."""
    task, known, stats = common.task, common.known, common.stats(fold)
    seen, checked = (
        read_part(common.stage, fold, part, known=known, stats=stats) for part in ("train", "val")
    )
    own, val = common.judged(seen, checked, task.fit)
    wanted = variants(task.all_heads(), own, task.fit, pretrained=common.trunk is not None)
    results = [common.member(wanted[0], own, val, task.fit, seed) for seed in task.fit.seeds]
    for other in wanted[1:]:
        common.member(other, own, val, task.fit, task.fit.seeds[0])
    return results


def _cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or 1


def _facts(common: _Training, results: list[FitResult]) -> None:
    work, stage, task = common.work, common.stage, common.task
    work.path("checklist.json").write_text(json.dumps(common.checks, indent=1), encoding="utf-8")
    work.path("config.yaml").write_text(task.to_yaml(), encoding="utf-8")
    spec = common.specs[next(iter(common.specs))]
    model = build_model(task.model, spec)
    work.facts |= {
        "members": [m.model_dump(mode="json") for m in common.members],
        "specs": {key: found.model_dump(mode="json") for key, found in common.specs.items()},
        "class_shares": common.shares,
        "model": task.model,
        "head": task.label.name,
        "heads": to_json(task.all_heads()),
        "preprocess": stage.fingerprint,
        "place": [common.place.device, common.place.precision, common.place.name],
    }
    work.counts |= {
        "members": len(common.members),
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": sum(len(r.history) for r in results),
    }
    if common.trunk is not None:
        work.facts["trunk"] = pretrained.facts_of(common.trunk, task)
        learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
        work.counts["parameters_trained"] = learned
