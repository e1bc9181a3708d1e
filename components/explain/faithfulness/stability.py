"""Does the explanation bear noise that the answer bears?

White noise of a small share of each lead's SD is added to the real samples of the ECG, of each
channel's to the pixels of a picture, to the windows of a heart sound, to embeddings, and to texts
and times of events, which stay of their kinds.
Alvarez-Melis and Jaakkola (2018), On the robustness of interpretability methods, ICML workshop WHI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch, real_mask
from components.core.data.event_stats import KINDS
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.modalities import ARRAYS, EVENTS, Modality
from components.explain.faithfulness.agreement import row_mean, spearman
from components.explain.faithfulness.means import Floats, Ids, means, ratios
from components.explain.faithfulness.parts import of_kind
from components.explain.method import Method
from components.explain.subject import Subject

_STREAMS: tuple[Modality, ...] = (*ARRAYS, "events")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stability:
    """How attributions change with noise, mean over noisy copies.

    Attributes:
        agreement: `[n]` Spearman over groups with the record as it is.
        change: `[n]` Euclidean length of the change over groups, log-odds.
        size: `[n]` of the attributions themselves.
        patients: `[n]` ids.
        inputs: that the noise was on.
    """

    agreement: Floats
    change: Floats
    size: Floats
    patients: Ids
    inputs: tuple[Modality, ...]


def noisy(subject: Subject, copy: int, config: ExplainConfig) -> Subject:
    """Return the same records with noise on what there is of every input but table and notes.

    Each record's noise depends on the seed, the copy and its number alone.
    """
    names = shaken(subject)

    def altered(batch: Batch, index: npt.NDArray[np.int64]) -> Batch:
        changed: Batch = {}
        for name in names:
            # Pictures and sounds have streams of their own, whatever else a record holds.
            stream = [1 + _STREAMS.index(name)] if name in _STREAMS else []
            seeds = [[config.seed, copy, int(i), *stream] for i in index]
            real = _recorded(batch, name)
            noise = _drawn(batch[name], seeds) * config.noise_sd
            changed[name] = batch[name] + (noise if real is None else noise * real)
        return {**batch, **changed}

    return replace(subject, altered=altered)


def shaken(subject: Subject) -> tuple[Modality, ...]:
    """Return the inputs that noise is added to."""
    return tuple(name for name in ("ecg", *_STREAMS) if subject.inputs.count(name))


def _drawn(like: Tensor, seeds: Sequence[Sequence[int]]) -> Tensor:
    """Return white noise of SD 1, as the z-scores of a lead or channel, in the shape of `like`."""
    shape = tuple(like.shape[1:])
    drawn = [np.random.default_rng(each).standard_normal(shape, np.float32) for each in seeds]
    return torch.from_numpy(np.stack(drawn)).to(like)


def _recorded(batch: Batch, name: str) -> Tensor | None:
    """Return 1 where an input was recorded, broadcasting over it; None when everything was."""
    if name == "ecg":
        return real_mask(batch)
    own = batch[name]
    there = batch[f"{name}_mask"].reshape(-1, *[1] * (own.dim() - 1))
    valid = batch.get(f"{name}_valid")
    if valid is None:
        return there
    real = there * valid.reshape(*valid.shape, *[1] * (own.dim() - valid.dim()))
    if name != EVENTS:
        return real
    return real * (torch.arange(own.shape[-1], device=own.device) >= KINDS)


def stability(
    subject: Subject,
    index: npt.NDArray[np.int64],
    *,
    method: Method,
    grouped: Grouped,
    config: ExplainConfig,
) -> Stability | None:
    """Return how a method bears noise on some records; None where no input is shaken.

    Args: as of `randomisation.randomised`.
    """
    if not shaken(subject):
        return None
    own = grouped.values[index]
    copies = [
        of_kind(
            method.explain(noisy(subject, copy, config), index, config).grouped, grouped.kind
        ).values
        for copy in range(config.noisy)
    ]
    return Stability(
        agreement=row_mean(np.stack([spearman(own, each) for each in copies])),
        change=np.mean([_length(each - own) for each in copies], axis=0),
        size=_length(own),
        patients=subject.rows.frame["patient_id"].to_numpy(object)[index],
        inputs=shaken(subject),
    )


def _length(values: Floats) -> Floats:
    """Return `[n]` Euclidean length over the groups that are there; NaN without any."""
    there = np.isfinite(values)
    length = np.sqrt((np.where(there, values, 0.0) ** 2).sum(axis=1))
    return np.where(there.any(axis=1), length, np.nan)


def pooled(found: Sequence[Stability]) -> Stability:
    """Return several folds' records as one set."""
    return Stability(
        agreement=np.concatenate([each.agreement for each in found]),
        change=np.concatenate([each.change for each in found]),
        size=np.concatenate([each.size for each in found]),
        patients=np.concatenate([each.patients for each in found]),
        inputs=found[0].inputs,
    )


def figures(found: Stability, plan: Plan) -> dict[str, Interval]:
    """Return `stability` (mean Spearman, 1 is best) and `relative_change` (0 is best)."""
    change = {"relative_change": (found.change, found.size)}
    return means({"stability": found.agreement}, found.patients, plan) | ratios(
        change, found.patients, plan
    )
