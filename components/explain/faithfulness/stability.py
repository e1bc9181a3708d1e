"""Does the explanation bear noise that the answer bears?

White noise of a small share of each lead's SD is added to the real samples of the ECG.
Alvarez-Melis and Jaakkola (2018), On the robustness of interpretability methods, ICML workshop WHI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch, real_mask
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.agreement import row_mean, spearman
from components.explain.faithfulness.means import Floats, Ids, means, ratios
from components.explain.method import Method
from components.explain.subject import Subject


@dataclass(frozen=True, kw_only=True, eq=False)
class Stability:
    """How attributions change with noise, mean over noisy copies.

    Attributes:
        agreement: `[n]` Spearman over groups with the record as it is.
        change: `[n]` Euclidean length of the change over groups, log-odds.
        size: `[n]` of the attributions themselves.
        patients: `[n]` ids.
    """

    agreement: Floats
    change: Floats
    size: Floats
    patients: Ids


def noisy(subject: Subject, copy: int, config: ExplainConfig) -> Subject:
    """Return the same records with noise on the real samples of their ECG.

    Each record's noise depends on the seed, the copy and its number alone.
    """

    def altered(batch: Batch, index: npt.NDArray[np.int64]) -> Batch:
        shape = tuple(batch["ecg"].shape[1:])
        drawn = [
            np.random.default_rng([config.seed, copy, int(i)]).standard_normal(shape, np.float32)
            for i in index
        ]
        # z-scores: a lead's SD is 1.
        noise = torch.from_numpy(np.stack(drawn)).to(batch["ecg"]) * config.noise_sd
        real = real_mask(batch)
        return {**batch, "ecg": batch["ecg"] + (noise if real is None else noise * real)}

    return replace(subject, altered=altered)


def stability(
    subject: Subject,
    index: npt.NDArray[np.int64],
    *,
    method: Method,
    grouped: Grouped,
    config: ExplainConfig,
) -> Stability | None:
    """Return how a method bears noise on some records; None without an ECG.

    Args: as of `randomisation.randomised`.
    """
    if "ecg" not in subject.inputs:
        return None
    own = grouped.values[index]
    copies = [
        method.explain(noisy(subject, copy, config), index, config).grouped[grouped.kind].values
        for copy in range(config.noisy)
    ]
    return Stability(
        agreement=row_mean(np.stack([spearman(own, each) for each in copies])),
        change=np.mean([_length(each - own) for each in copies], axis=0),
        size=_length(own),
        patients=subject.rows.frame["patient_id"].to_numpy(object)[index],
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
    )


def figures(found: Stability, plan: Plan) -> dict[str, Interval]:
    """Return `stability` (mean Spearman, 1 is best) and `relative_change` (0 is best)."""
    change = {"relative_change": (found.change, found.size)}
    return means({"stability": found.agreement}, found.patients, plan) | ratios(
        change, found.patients, plan
    )
