"""The fits of one training: the model itself, its variants, the networks of inner folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from components.core.config.fit import FitConfig
from components.core.config.heads import ClassesHead, ConfidenceHead, HeadMap
from components.core.config.task import TaskConfig
from components.core.contribution_facts import Network
from components.core.data import foldstats
from components.core.data.cohort import Known, Rows
from components.core.data.foldstats import FoldStats
from components.core.device import Place
from components.core.heads.known import known_columns, truth_column
from components.core.heads.registry import View, head_file, outputs_of
from components.core.heads.weights import evened_out
from components.core.image_weights import image_weights
from components.core.members import STATS, WEIGHTS, Member, data_spec, load_model
from components.core.models.blocks.mlp import Heads
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.predict import predict
from components.core.pretrained import Pretrained
from components.core.store import Stage, Workspace
from components.train import contributed, pretrained
from components.train.balance import balance_of
from components.train.checklist import check
from components.train.confidence import Fit, Floats, with_truth
from components.train.fit import FitJob, FitResult, fit
from components.train.image_weights import start_image_branch
from components.train.variants import Variant

OnEpoch = Callable[[str, int, dict[str, float]], None]
OnPicture = Callable[[str, int, Path], None]
# Head of several classes → share of each.
Shares = dict[str, tuple[float, ...]]


@dataclass(kw_only=True)
class Training:
    """What the fits of one training have in common, and what they came to.

    Attributes:
        work: receives the files.
        stage: the prepared cohort.
        task: the resolved configuration.
        place: device and precision.
        on_epoch: told member, epoch and figures of the model itself, not of what stands beside it.
        trunk: what is taken over from another model; None for none.
        on_picture: told member, epoch and picture of attention, of the model itself.
        quiet: say no progress lines.
        own_model: settings of the network where a search chose them for this fold alone.
        checks: network → what the checklist found.
        specs: network → shapes of its batches.
        shares: network → head → class shares that its loss evened out.
        balance: network → how its primary head's classes were distributed and balanced.
        members: the trained networks.
        contributions: of the modalities to the networks of the model itself, where it has several.
    """

    work: Workspace
    stage: Stage
    task: TaskConfig
    place: Place
    on_epoch: OnEpoch
    trunk: Pretrained | None
    on_picture: OnPicture | None = None
    quiet: bool = False
    own_model: dict[str, Any] = field(default_factory=dict[str, Any])
    checks: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    specs: dict[str, DataSpec] = field(default_factory=dict[str, DataSpec])
    shares: dict[str, Shares] = field(default_factory=dict[str, Shares])
    balance: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    members: list[Member] = field(default_factory=list[Member])
    contributions: list[Network] = field(default_factory=list[Network])

    def for_fold(self, fold: str) -> Training:
        """Return the same training under a fold's own settings; what comes of it is kept here."""
        task = self.task.for_fold(fold)
        own = {} if task.model == self.task.model else task.model
        return replace(self, task=task, own_model=own)

    @property
    def known(self) -> Known:
        """Return the columns one of which must be known for a record to be trained on."""
        return known_columns(self.task.all_heads())

    def spec(self, rows: Rows, heads: HeadMap) -> DataSpec:
        """Return the shapes of batches of `rows` for a network with `heads`."""
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
        config = variant.settings(config, train)
        leads = tuple(self.stage.facts["ecg"]["leads"])
        key = f"{variant.name}/{fold}" if variant.name else fold
        self.checks[key] = check(train, val, config, leads, variant.heads)
        self.specs[key] = self.spec(train, variant.heads)
        self.shares[key] = class_shares(variant.heads, train, config)
        self.balance[key] = balance_of(variant.heads, train, config)
        folder = member_folder(self.work.folder, fold, seed, variant.name)
        name = key if len(self.task.fit.seeds) == 1 or variant.name else f"{fold}/seed{seed}"
        job = self.job(variant.heads, train, val, config, seed, folder, name)
        result = self.one(job if variant.name else self._watched(job, name, config))
        foldstats.save(train.stats, folder / STATS)
        if not variant.name and val is not None and contributed.was_watched(result):
            self._contributed(val, result, key, seed)
        elif not variant.name and seed == self.task.fit.seeds[0]:
            contributed.draw_pretrained(result.folder, result)
        self.members.append(
            Member(
                fold=fold,
                variant=variant.name,
                seed=seed,
                folder=folder.relative_to(self.work.folder).as_posix(),
                best_epoch=result.best_epoch,
                model=self.own_model,
            )
        )
        return result

    def _watched(self, job: FitJob, name: str, config: FitConfig) -> FitJob:
        """Return the job of the model itself: its epochs are told, its attention is recorded."""
        shown = self.on_picture
        return replace(
            job, config=config, on_epoch=lambda e, figures: self.on_epoch(name, e, figures),
            on_picture=None if shown is None else lambda e, file: shown(name, e, file),
        )  # fmt: skip

    def _contributed(self, val: Rows, result: FitResult, key: str, seed: int) -> None:
        """Note what the modalities contribute; of a fold's first seed a picture, too."""
        heads = self.task.all_heads()
        view = View(name=next(iter(heads)), head=heads[next(iter(heads))])
        model = load_model(self.task.model, self.specs[key], result.folder / WEIGHTS)
        found = contributed.at_best(model, result, val, view=view, place=self.place, seed=seed)
        self.contributions.append(found)
        if seed == self.task.fit.seeds[0]:
            contributed.draw(result.folder, result.history, found)

    def job(
        self,
        heads: HeadMap,
        train: Rows,
        val: Rows | None,
        config: FitConfig,
        seed: int,
        folder: Path,
        name: str,
    ) -> FitJob:
        """Return what is to be trained, on what, where; no attention is recorded."""
        return FitJob(
            train=train,
            val=val,
            config=config.model_copy(update={"save_attention_every": 0}),
            heads=heads,
            place=self.place,
            seed=seed,
            folder=folder,
            name="" if self.quiet else f"train {name}",
        )

    def one(self, job: FitJob) -> FitResult:
        """Train one network."""
        torch.manual_seed(job.seed)
        plain = build_model(self.task.model, self.spec(job.train, job.heads))
        model = started(plain, job.heads, job.train)
        if self.trunk is not None:
            pretrained.take_over(model, self.trunk)
        file = image_weights(self.task.model)
        if file is not None:
            start_image_branch(model, file)
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
            done = self.one(self.job(heads, rows, val, config, seed, folder, label))
            spec = self.spec(rows, heads)
            model = load_model(self.task.model, spec, done.folder / WEIGHTS)
            return lambda asked: predict(model, asked, head=judged, place=self.place)

        return inner


def class_shares(heads: HeadMap, train: Rows, config: FitConfig) -> Shares:
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
