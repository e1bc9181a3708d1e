"""What is registered: weights, preprocessing, calibration and signature in one folder.

`bundle.json` names everything; weights are safetensors; nothing is pickled. `Predictor` takes raw
files, as a hospital has them, through the same readers and the same preparation as training did.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from safetensors import SafetensorError

from components.core.config.base import Frozen
from components.core.data import foldstats
from components.core.data.batches import Batch, Normaliser
from components.core.data.foldstats import FoldStats
from components.core.errors import InputError, RecordError, UserError, shorten
from components.core.members import load_model
from components.core.metrics import recalibrate
from components.core.models.spec import DataSpec
from components.core.readers.rawfile import DiskFile, MemoryFile, RawFile
from components.core.readers.registry import Declared, read_signal
from components.core.readers.zipped import memory_file_from_zip
from components.core.signals.prepare import Prepared, prepare
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.quality import Quality, refuse
from components.core.signals.quantise import quantise

MANIFEST = "bundle.json"
INPUTS = ("ecg_path", "ecg_base64", "ecg_fs", "ecg_unit", "ecg_leads")
_ZIP = b"PK\x03\x04"


class BundleFacts(Frozen):
    """What a bundle says of itself.

    Attributes:
        task: the task it was trained for.
        label: definition of the positive class.
        head: name of the model's head.
        model: name and settings of the network.
        ecg: how an ECG is prepared; None without ECG.
        reject: quality flags that training refused, so that the model refuses them too.
        min_quality: lowest quality score that training took.
        features: tabular feature → `numeric` or `categorical`.
        members: folders of the ensemble's networks within the bundle.
        calibration: the recalibration, as its `to_json` writes it.
        threshold: on the mean logit.
        version: fingerprint of the evaluation that it was made in.
        cohort: counts of what it was trained on.
    """

    task: str
    label: str
    head: str
    model: dict[str, Any]
    ecg: PrepareConfig | None
    reject: tuple[str, ...] = ()
    min_quality: float = 0.0
    features: dict[str, str]
    members: tuple[str, ...] = Field(min_length=1)
    calibration: dict[str, Any]
    threshold: float
    version: str
    cohort: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class MemberFiles:
    """One network to be put into a bundle."""

    weights: Path
    stats: Path
    spec: DataSpec


def write_bundle(folder: Path, facts: BundleFacts, members: list[MemberFiles]) -> None:
    """Write a bundle into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, member in zip(facts.members, members, strict=True):
        target = folder / name
        target.mkdir(exist_ok=True)
        shutil.copyfile(member.weights, target / "weights.safetensors")
        shutil.copyfile(member.stats, target / "norm_stats.json")
        (target / "spec.json").write_text(member.spec.model_dump_json(), encoding="utf-8")
    text = json.dumps(facts.model_dump(mode="json"), indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one patient's recording.

    Attributes:
        logit: mean over the members, before calibration; NaN when `error` is set.
        probability: calibrated, of the positive class.
        error: why there is no answer; empty otherwise.
        quality: score of the ECG in [0, 1]; NaN where there is none.
        flags: quality flags that it raises, as in `components.core.signals.quality.FLAGS`.
    """

    logit: float
    probability: float
    error: str = ""
    quality: float = float("nan")
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Member:
    model: torch.nn.Module
    stats: FoldStats
    normalise: Normaliser | None


class Predictor:
    """A loaded bundle.

    Args:
        folder: of the bundle.

    Raises:
        InputError: a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            text = (folder / MANIFEST).read_text(encoding="utf-8")
            self.facts = BundleFacts.model_validate_json(text)
        except (OSError, ValueError) as error:
            raise InputError(f"'{folder}' is no model bundle: {error}") from error
        self._recalibrator = recalibrate.from_json(json.dumps(self.facts.calibration))
        self._members = [self._loaded(folder / name) for name in self.facts.members]

    def _loaded(self, folder: Path) -> _Member:
        try:
            return self._load(folder)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"'{folder.name}' of the model bundle is damaged ({shorten(error)}); write the "
                "bundle again"
            ) from error

    def _load(self, folder: Path) -> _Member:
        spec = DataSpec.model_validate_json((folder / "spec.json").read_text(encoding="utf-8"))
        stats = foldstats.load(folder / "norm_stats.json")
        norm = stats.norm()
        return _Member(
            model=load_model(self.facts.model, spec, folder / "weights.safetensors"),
            stats=stats,
            normalise=None if norm is None else Normaliser(norm),
        )

    def predict(self, inputs: pd.DataFrame) -> list[Prediction]:
        """Return an answer per row; a row that cannot be answered says why in `error`.

        Args:
            inputs: `ecg_path` or `ecg_base64` (with `ecg_fs`, `ecg_unit`, `ecg_leads` for formats
                that cannot say them), and the tabular features by name.
        """
        return [self._row(dict(row)) for row in inputs.to_dict("records")]

    def _row(self, row: dict[Any, Any]) -> Prediction:
        answer = Prediction(logit=float("nan"), probability=float("nan"))
        ecg: Batch = {}
        try:
            if self.facts.ecg is not None:
                prepared = prepare(read_signal(_raw_file(row), _declared(row)), self.facts.ecg)
                answer, ecg = _with_quality(answer, prepared.quality), _ecg_batch(prepared)
                self._check_quality(prepared.quality)
            logits = [
                self._logit(member, self._batch(member, row, ecg)) for member in self._members
            ]
        except UserError as error:
            return replace(answer, error=str(error))
        mean = np.array([float(np.mean(logits))])
        risk = float(self._recalibrator.apply(mean)[0])
        return replace(answer, logit=float(mean[0]), probability=risk)

    def _check_quality(self, quality: Quality) -> None:
        refuse(quality, reject=self.facts.reject, min_quality=self.facts.min_quality)

    def _batch(self, member: _Member, row: dict[Any, Any], ecg: Batch) -> Batch:
        batch = dict(ecg)
        if member.stats.tabular.features:
            frame = tabular_row(row, self.facts.features)
            batch["tabular"] = torch.from_numpy(member.stats.tabular.transform(frame))
        return batch

    def _logit(self, member: _Member, batch: Batch) -> float:
        ready = batch if member.normalise is None else member.normalise(batch)
        with torch.no_grad():
            logits: npt.NDArray[np.float32] = member.model(ready)[self.facts.head].numpy()
        return float(logits[0, 1]) - float(logits[0, 0])


def _with_quality(answer: Prediction, quality: Quality) -> Prediction:
    return replace(answer, quality=quality.score, flags=quality.raised)


def _ecg_batch(prepared: Prepared) -> Batch:
    counts, scale = quantise(prepared)
    batch: Batch = {
        "ecg": torch.from_numpy(counts[None]),
        "ecg_scale": torch.from_numpy(scale[None]),
        "ecg_lead_mask": torch.from_numpy(prepared.lead_mask[None].astype(np.float32)),
    }
    if prepared.flags["padded"]:
        batch["ecg_valid"] = torch.tensor([[prepared.start, prepared.stop]])
    return batch


def tabular_row(row: dict[Any, Any], features: dict[str, str]) -> pd.DataFrame:
    """Return one row of features with the types that training saw.

    Raises:
        InputError: a numeric feature holds no number.
    """
    cells: dict[str, pd.Series] = {}
    for name, kind in features.items():
        value = None if pd.isna(row.get(name)) else row[name]
        if kind == "categorical":
            cells[name] = pd.Series([value], dtype="string")
            continue
        try:
            cells[name] = pd.Series([np.nan if value is None else float(value)])
        except (TypeError, ValueError) as error:
            raise InputError(f"the field '{name}' holds no number; send one or leave it out") from (
                error
            )
    return pd.DataFrame(cells)


def _given(row: dict[Any, Any], name: str) -> str:
    value: Any = row.get(name)
    return "" if pd.isna(value) else str(value)


def _raw_file(row: dict[Any, Any]) -> RawFile:
    path, text = _given(row, "ecg_path"), _given(row, "ecg_base64")
    if bool(path) == bool(text):
        raise InputError("send the ECG as either 'ecg_path' or 'ecg_base64'")
    if path:
        file = Path(path)
        return DiskFile(file, file.parent)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError("not_base64", "the field 'ecg_base64' is not base64") from error
    return memory_file_from_zip(data) if data.startswith(_ZIP) else MemoryFile("upload", data)


def _declared(row: dict[Any, Any]) -> Declared:
    leads = _given(row, "ecg_leads")
    return Declared(
        fs=_rate(_given(row, "ecg_fs")),
        unit=_given(row, "ecg_unit") or None,
        leads=tuple(leads.split(";")) if leads else None,
    )


def _rate(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise InputError(f"the field 'ecg_fs' is '{shorten(text)}', no rate in Hz") from error
