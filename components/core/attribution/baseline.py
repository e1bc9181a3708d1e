"""What an input is compared with: an isoelectric trace, the average patient, an empty page."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from components.core.data.arrays import ArrayStats
from components.core.data.batches import Batch, real_mask
from components.core.errors import CardioError
from components.core.modalities import EMBEDDED, EVENTS, ArrayModality
from components.core.signals.normalise import NormStats

# For people, by modality.
STATED = {
    "ecg": "a trace at 0 mV",
    "tabular": "the mean of the training patients",
    "text": "a note without any word",
    "ecg_image": "a page of white paper",
    "pcg": "the mean level of each frequency band over the training part, all along the recording",
    **dict.fromkeys(EMBEDDED, "the mean of each of its entries over the training part"),
    EVENTS: (
        "as many events as the record has, each of no kind, with the mean text and at the mean "
        "time of the training part; how many there are is therefore not attributed"
    ),
}
# As the pixels of a picture are stored.
_WHITE = 255.0


def stated(modality: str, *, unit: str = "mV") -> str:
    """Return a modality's baseline in words.

    Args:
        modality: a key of `STATED`.
        unit: of the ECG tensors; of standardised ones nobody knows where 0 mV was.

    Raises:
        CardioError: the modality has no stated baseline.
    """
    if modality not in STATED:
        raise CardioError(f"the baseline of '{modality}' is not stated; add it to STATED")
    if modality == "ecg" and unit != "mV":
        return "a trace at 0 of the standardised signal, which need not be 0 mV"
    return STATED[modality]


def baselines(
    batch: Batch,
    *,
    norm: NormStats | None,
    tabular: Tensor | None,
    arrays: Mapping[ArrayModality, ArrayStats] | None = None,
) -> Batch:
    """Return modality → baseline in the shape of the finished batch's tensor.

    Args:
        batch: finished: `ecg` `[B, K, L]`, `ecg_image` `[B, C, H, W]` and `pcg` `[B, W, M, T]` as
            z-scores, embeddings `[B, W]` or `[B, P, W]` likewise, `tabular` `[B, F]`, `text`
            `[B, W]`, `events` `[B, S, W]`.
        norm: by which the ECG became z-scores; 0 mV lies at −mean / SD of each lead. Padding and
            missing leads are 0, as in the batch.
        tabular: `[F]` mean of the training part's encoded columns.
        arrays: by which pictures and sounds became z-scores; white paper lies at
            (255 − mean) / SD of each channel, the training mean of a sound or an embedding at 0.
            What a record lacks is 0, as in the batch. A step of a sequence is 0, too: texts and
            times are standardised, and no kind has its 1.
    """
    found: Batch = {}
    if "ecg" in batch and norm is not None:
        level = -torch.tensor(norm.mean) / torch.tensor(norm.sd)
        ecg = level.to(batch["ecg"])[None, :, None].expand_as(batch["ecg"]).clone()
        real = real_mask(batch)
        found["ecg"] = ecg if real is None else ecg.mul_(real)
    if "tabular" in batch and tabular is not None:
        found["tabular"] = tabular.to(batch["tabular"]).expand_as(batch["tabular"]).clone()
    if "text" in batch:
        found["text"] = torch.zeros_like(batch["text"])
    if "ecg_image" in batch and arrays is not None and "ecg_image" in arrays:
        found["ecg_image"] = _paper(batch, arrays["ecg_image"])
    at_mean = [name for name in ("pcg", *EMBEDDED, EVENTS) if name in batch]
    found |= {name: torch.zeros_like(batch[name]) for name in at_mean}
    return found


def _paper(batch: Batch, stats: ArrayStats) -> Tensor:
    """Return `[B, C, H, W]` of white paper."""
    own = batch["ecg_image"]
    level = (_WHITE - torch.tensor(stats.mean)) / torch.tensor(stats.sd)
    shape = [-1 if axis == stats.axis else 1 for axis in range(len(stats.shape))]
    paper = level.to(own).reshape(shape).expand_as(own).clone()
    there = batch.get("ecg_image_mask")
    return paper if there is None else paper.mul_(there[:, None, None, None].to(own.dtype))
