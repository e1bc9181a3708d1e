"""Train every fold and seed, and the refit. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import json

import torch

from components.core.config.task import TaskConfig
from components.core.data.cohort import folds, read_everyone, read_part
from components.core.device import Place, resolve
from components.core.errors import ConfigError, RefusedError
from components.core.files import file_hash
from components.core.heads.registry import to_json
from components.core.image_weights import image_weights
from components.core.members import REFIT
from components.core.models.registry import build_model, model_file
from components.core.pretrained import open_trunk
from components.core.progress import say
from components.core.searched import search_of
from components.core.store import Stage, Workspace, read_stage
from components.train import contributed, pretrained
from components.train.fit import FitResult, median_epochs, median_pretrained
from components.train.summary import write_summary
from components.train.training import OnEpoch, OnPicture, Training
from components.train.variants import Variant, variants


def prepared_cohort(audit: Stage) -> Stage:
    """Return the prepared cohort that an audit looked at.

    Raises:
        RefusedError: the audit did not pass.
    """
    if audit.facts.get("refused"):
        raise RefusedError(f"the audit did not pass: {audit.facts['refused']}")
    return read_stage(audit.input_folder("preprocess"))


def train(
    work: Workspace,
    audit: Stage,
    task: TaskConfig,
    on_epoch: OnEpoch,
    on_picture: OnPicture | None = None,
) -> None:
    """Fill the workspace with the weights of every fold, seed and refit.

    Args:
        work: receives the files, counts and facts.
        audit: of the prepared cohort; must have passed.
        task: the resolved configuration.
        on_epoch: told member, epoch and figures.
        on_picture: told member, epoch and picture of attention, where attention is recorded.

    Raises:
        RefusedError: the audit did not pass, or the sanity checklist failed.
        InputError: the cohort is not what the pretrained trunk was trained on, or not what the
            settings were searched for on.
        ConfigError: the settings are of folds that the cohort lacks, or make no candidate.
    """
    check_tuned(task, audit)
    stage, trunk = prepared_cohort(audit), open_trunk(task.model)
    if trunk is not None:
        pretrained.check_fits(trunk, stage)
        pretrained.keep_patients(trunk, work)
        say(pretrained.said_of(trunk, task))
    _check_image_weights(task, stage)
    place = resolve(task.fit.device, task.fit.precision)
    set_threads(place)
    say(f"train: {task.model['name']} on {place.name}, {place.precision}")
    common = Training(
        work=work, stage=stage, task=task, place=place, on_epoch=on_epoch, trunk=trunk,
        on_picture=on_picture,
    )  # fmt: skip
    results = [result for fold in folds(stage) for result in _fold(common.for_fold(fold), fold)]
    if task.fit.refit and len(folds(stage)) > 1:
        searched = None if task.tuned is None else task.tuned.refit_epochs
        epochs = searched or median_epochs(results)
        first = median_pretrained(results, epochs)
        alone = task.fit.model_copy(update={"epochs": epochs, "pretrain_epochs": first})
        rows = read_everyone(stage, REFIT, known=common.known, stats=common.stats(REFIT))
        everyone, _ = common.judged(rows, None, alone)
        whole = Variant(name="", heads=task.all_heads())
        for seed in task.fit.seeds:
            results.append(common.member(whole, everyone, None, alone, seed))
    _facts(common, results)


def _check_image_weights(task: TaskConfig, stage: Stage) -> None:
    if image_weights(task.model) is not None and "ecg_image" not in stage.facts["modalities"]:
        raise ConfigError(
            "model.image_weights is set, but the cohort holds no ECG image; leave it out"
        )


def check_tuned(task: TaskConfig, audit: Stage) -> None:
    """Refuse settings that were searched for on another split or would make no one model.

    Raises:
        RefusedError: the audit did not pass.
        InputError: the search is not there, was made on another split, or has been cut down.
        ConfigError: naming a fold that the cohort lacks, or what to set.
    """
    if task.tuned is None:
        return
    own, names = task.tuned.folds, folds(prepared_cohort(audit))
    foreign = [fold for fold in own if fold not in names]
    if foreign:
        raise ConfigError(
            f"tuned.folds has settings of the fold '{foreign[0]}', which the cohort lacks; it has "
            f"{', '.join(names)}: search again on this cohort"
        )
    search_of(task.tuned, audit)
    if own and not task.fit.refit:
        raise ConfigError(
            f"tuned.folds has {len(own)} fold(s) with settings of their own and fit.refit is "
            "false; networks of different settings make no one model: set fit.refit=true, or "
            "search with tune.nested=false"
        )


def _fold(common: Training, fold: str) -> list[FitResult]:
    """Train a fold's seeds and variants; return the results of the model itself."""
    task, known, stats = common.task, common.known, common.stats(fold)
    seen, checked = (
        read_part(common.stage, fold, part, known=known, stats=stats) for part in ("train", "val")
    )
    own, val = common.judged(seen, checked, task.fit)
    wanted = variants(
        task.all_heads(), own, task.fit, pretrained=common.trunk is not None,
        inputs=model_file(task.model["name"]).INPUTS,
    )  # fmt: skip
    results = [common.member(wanted[0], own, val, task.fit, seed) for seed in task.fit.seeds]
    for other in wanted[1:]:
        common.member(other, own, val, task.fit, task.fit.seeds[0])
    return results


def set_threads(place: Place) -> None:
    """Let a CPU's physical cores each have one thread; more wait for each other."""
    if place.device != "cuda":
        torch.set_num_threads(_cores())


def _cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or 1


def _facts(common: Training, results: list[FitResult]) -> None:
    work, stage, task = common.work, common.stage, common.task
    work.path("checklist.json").write_text(json.dumps(common.checks, indent=1), encoding="utf-8")
    write_summary(work, task, common.members)
    work.path("config.yaml").write_text(task.to_yaml(), encoding="utf-8")
    spec = common.specs[next(iter(common.specs))]
    model = build_model(task.model, spec)
    work.facts |= {
        "members": [m.model_dump(mode="json") for m in common.members],
        "specs": {key: found.model_dump(mode="json") for key, found in common.specs.items()},
        "class_shares": common.shares,
        "balance": common.balance,
        "model": task.model,
        "head": task.label.name,
        "heads": to_json(task.all_heads()),
        "preprocess": stage.fingerprint,
        "place": [common.place.device, common.place.precision, common.place.name],
    }
    work.facts |= contributed.tell(common.contributions)
    work.counts |= {
        "members": len(common.members),
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": sum(len(r.history) for r in results),
    }
    weights = image_weights(task.model)
    if weights is not None:
        work.facts["image_weights"] = {"sha256": file_hash(weights)}
    if common.trunk is not None:
        work.facts["trunk"] = pretrained.facts_of(common.trunk, task)
        learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
        work.counts["parameters_trained"] = learned
