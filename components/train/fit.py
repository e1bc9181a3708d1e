"""The one `fit()`: any model, any heads, one fold, on Lightning."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor, nn

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.batches import by_length, loader
from components.core.data.cohort import Rows
from components.core.device import Place
from components.core.errors import ConfigError
from components.core.files import write_atomic
from components.core.heads.censoring import endpoint_of, view_weights
from components.core.heads.known import binary_truth
from components.core.heads.registry import View
from components.core.members import WEIGHTS as BEST
from components.core.predict import predict_logits
from components.core.progress import say
from components.train.attention_monitor import attention_monitors
from components.train.callbacks import EpochReport
from components.train.checkpoints import AtomicCheckpoints
from components.train.contributions_monitor import monitors
from components.train.kept import (
    Keeper,
    every_state,
    keeper,
    read_state,
    state_of,
    told,
    write_weights,
)
from components.train.module import Module
from components.train.prior import chances

PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
HISTORY, VAL, DONE = "history.parquet", "val_predictions.parquet", "fit.json"
OnEpoch = Callable[[int, dict[str, float]], None]
OnPicture = Callable[[int, Path], None]


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """What is to be trained, on what, where.

    Attributes:
        train: training rows.
        val: validation rows for early stopping and the best epoch; None trains `config.epochs`
            epochs and keeps the last.
        config: all settings.
        heads: what is trained, the primary head first.
        place: device and arithmetic.
        seed: of order, augmentation and dropout.
        folder: receives checkpoints, weights, history and validation predictions.
        name: shown in the progress lines; empty says none.
        on_epoch: told each epoch's number and figures.
        on_picture: told each recorded epoch's number and its picture of attention, a PNG.
    """

    train: Rows
    val: Rows | None
    config: FitConfig
    heads: HeadMap
    place: Place
    seed: int
    folder: Path
    name: str = "fit"
    on_epoch: OnEpoch | None = None
    on_picture: OnPicture | None = None


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit came to.

    Attributes:
        folder: holds `best.safetensors` and the files below.
        best_epoch: number of the epoch whose weights were kept, from 0.
        history: one row per epoch.
        val: `sample_id, patient_id, label, weight, logit` of the validation part, or None.
        pretrained: epochs before the heads learned.
        checkpoints: `kept`, `final`, and with a validation part each head and `mean` → `epoch`
            from 0, `file` (empty where its weights were not kept) and `figures` of validation.
    """

    folder: Path
    best_epoch: int
    history: pd.DataFrame
    val: pd.DataFrame | None
    pretrained: int = 0
    checkpoints: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def fit(model: nn.Module, job: FitJob) -> FitResult:
    """Train `model`, freshly initialised, and return where its best weights lie.

    A network that diverges ends with its best epoch before that.

    A fit that ended before is not done again. One that was killed resumes from its last whole
    epoch, with the losses an uninterrupted run would have had: the order of records, augmentation
    and dropout depend on (seed, epoch) alone.

    Raises:
        ConfigError: a setting needs branches, losses, heads or attention that the model lacks, or
            the figures were not finite from the first epoch on.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    if (job.folder / DONE).exists():
        return _read(job.folder)
    module = Module(model, job.train, config=job.config, heads=job.heads, seed=job.seed)
    report = EpochReport(job.name, job.config.epochs, len(job.train), job.on_epoch)
    keeping, checks = None, None
    if job.val is not None:
        val = job.val if job.val.events is None else job.val.take(by_length(job.val))
        keeping = keeper(job.folder, module.validate_on(val), job.heads, job.config)
        checks = loader(val, batch=4 * job.config.batch)  # no gradients: more records fit
    last = job.folder / "last.ckpt"
    batches = loader(
        job.train, batch=job.config.batch, tokens=job.config.tokens, seed=job.seed, shuffle=True,
        chances=_chances(job),
    )  # fmt: skip
    module.count_steps(len(batches))
    with _quiet(), _stopped_by_signals():
        watching = [*monitors(model, job), *attention_monitors(model, job)]
        _trainer(job, [report, *watching, *_keeping(keeping)]).fit(
            module, batches, checks,
            ckpt_path=str(last) if last.exists() else None, weights_only=True,
        )  # fmt: skip
    return _finish(module, report, keeping, job)


def _chances(job: FitJob) -> npt.NDArray[np.float64] | None:
    """Return with which chances records are drawn; None takes each once an epoch."""
    if job.config.sampler == "none":
        return None
    name, head = next(iter(job.heads.items()))
    return chances(View(name=name, head=head), job.train)


def _keeping(keeping: Keeper | None) -> list[lightning.Callback]:
    return [] if keeping is None else keeping.callbacks()


def _trainer(job: FitJob, callbacks: list[lightning.Callback]) -> lightning.Trainer:
    last = ModelCheckpoint(  # after the others, so that their state of this epoch is in it
        dirpath=job.folder, filename="last", save_top_k=1, monitor=None,
        enable_version_counter=False, every_n_epochs=1, save_on_train_epoch_end=True,
    )  # fmt: skip
    on_gpu = job.place.device == "cuda"
    return lightning.Trainer(
        max_epochs=job.config.epochs,
        accelerator="gpu" if on_gpu else "cpu",
        devices=1,
        precision=PRECISION[job.place.precision],  # pyright: ignore[reportArgumentType]
        deterministic="warn" if on_gpu else True,
        callbacks=[*callbacks, last],
        plugins=[AtomicCheckpoints()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _stopped_by_signals() -> Generator[None]:
    """Let a signal stop the stage: Lightning ends the process at SIGTERM as if all were done."""
    try:
        yield
    except SIGTERMException as error:
        raise KeyboardInterrupt from error


class _quiet:  # noqa: N801 - a context manager used like a function
    """Silence what Lightning says about things chosen on purpose."""

    def __enter__(self) -> None:
        for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        # A batch is one memory copy: worker processes would only cost. Checkpoints of a killed
        # run are in the folder on purpose. MLflow logs the figures, not Lightning.
        for text in (
            ".*does not have many workers.*",
            ".*Checkpoint directory .* exists and is not empty.*",
            ".*number of training batches.*logging interval.*",
            ".*in eval mode at the start of training.*",  # a frozen trunk is
            ".*treespec, LeafSpec.*",
            ".*isinstance\\(treespec.*",
            ".*lr_scheduler.step\\(\\).*",
            ".*You defined a `validation_step` but have no `val_dataloader`.*",
        ):
            warnings.filterwarnings("ignore", message=text)

    def __exit__(self, *error: object) -> None:
        self._caught.__exit__(None, None, None)


def _finish(module: Module, report: EpochReport, keeping: Keeper | None, job: FitJob) -> FitResult:
    history = pd.DataFrame(report.rows)
    files = every_state(module, keeping) if job.config.checkpoints == "all" else {}
    epochs = {"final": len(history) - 1}
    if keeping is not None:
        chosen = read_state(module, keeping.best)
        _check_finite(job, history[keeping.column].to_numpy(np.float64), chosen)
        epochs = {"kept": chosen, **epochs, **keeping.epochs(history, module.phases.since)}
        frame = predictions_of(
            module.model, _required(job.val), job.heads, place=job.place, train=job.train
        )
        write_atomic(job.folder / VAL, lambda p: frame.to_parquet(p, index=False))
    epochs = {"kept": epochs["final"], **epochs}
    state = state_of(module)
    _refuse_diverged(job, *state.values())
    write_weights(job.folder, files | {BEST: state})
    write_atomic(job.folder / HISTORY, lambda p: history.to_parquet(p, index=False))
    done = {
        "best_epoch": epochs["kept"], "epochs": len(history), "seed": job.seed,
        "pretrained": min(module.phases.begin, len(history)),
        "checkpoints": told(history, epochs, files),
    }  # fmt: skip
    write_atomic(job.folder / DONE, lambda p: p.write_text(json.dumps(done)))
    for checkpoint in job.folder.glob("*.ckpt"):
        checkpoint.unlink()
    return _read(job.folder)


def _check_finite(job: FitJob, watched: npt.NDArray[np.float64], chosen: int) -> None:
    _refuse_diverged(job, torch.from_numpy(watched[[chosen]]))
    if job.name and not np.isfinite(watched[-1]):
        say(f"{job.name}: diverged in epoch {len(watched)}, epoch {chosen + 1} is kept")


def _refuse_diverged(job: FitJob, *values: Tensor) -> None:
    if not all(bool(torch.isfinite(each).all()) for each in values):
        raise ConfigError(
            f"the training of fold {job.train.stats.fold} came to figures that are not finite; "
            f"lower fit.lr ({job.config.lr:g}) or set fit.precision=fp32"
        )


def _required(rows: Rows | None) -> Rows:
    if rows is None:
        raise ValueError("a best epoch needs validation rows")
    return rows


def _read(folder: Path) -> FitResult:
    done = json.loads((folder / DONE).read_text())
    val = folder / VAL
    return FitResult(
        folder=folder,
        best_epoch=int(done["best_epoch"]),
        history=pd.read_parquet(folder / HISTORY),
        val=pd.read_parquet(val) if val.exists() else None,
        pretrained=int(done["pretrained"]),
        checkpoints=done["checkpoints"],
    )


def predictions_of(
    model: nn.Module, rows: Rows, heads: HeadMap, *, place: Place, train: Rows
) -> pd.DataFrame:
    """Return `sample_id, patient_id, label, weight, logit` of every row.

    Label and log-odds are those of the primary head's binary view, missing where it is not known;
    those of every head are `truth.<head>` and `logit.<head>`, where there are several, and
    `weight.<head>` that of a head of another endpoint than the label's, whose censoring is
    estimated on the training part.
    """
    frame = rows.frame[["sample_id", "patient_id", "weight"]].copy()
    logits = predict_logits(model, rows, place=place)
    tensors = {name: torch.from_numpy(values) for name, values in logits.items()}
    for place_, (name, head) in enumerate(heads.items()):
        truth = binary_truth(name, head, rows.frame)
        found = View(name=name, head=head).log_odds(tensors).double().numpy()
        if place_ == 0:
            frame.insert(2, "label", truth)
            frame["logit"] = found
        if len(heads) > 1:
            frame = frame.assign(**{f"truth.{name}": truth, f"logit.{name}": found})
        if endpoint_of(head):
            frame[f"weight.{name}"] = view_weights(head, rows.frame, train.frame)
    return frame


def median_epochs(results: list[FitResult]) -> int:
    """Return the median number of epochs up to the best one: how long a refit trains."""
    return round(float(np.median([r.best_epoch + 1 for r in results])))


def median_pretrained(results: list[FitResult], epochs: int) -> int:
    """Return the median number of epochs before the heads learned, below `epochs` in any case."""
    return min(epochs - 1, round(float(np.median([r.pretrained for r in results]))))
