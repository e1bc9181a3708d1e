"""What a bundle's networks rest one answer on: each by itself, then their mean.

Shapes: `G` groups, `K` leads, `L` samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from components.core.attribution.baseline import baselines
from components.core.attribution.fast.integrate import integrated_gradients
from components.core.attribution.groups import KINDS, Grouped
from components.core.attribution.of_batch import Grouping, grouped
from components.core.attribution.target import Target
from components.core.bundle_files import BundleFacts
from components.core.bundle_member import BundleMember
from components.core.data.batches import Batch
from components.core.errors import InputError
from components.core.heads.registry import View
from components.core.modalities import EVENTS, MEDIA, MODALITIES
from components.core.models.registry import model_file
from components.core.signals.delineate import segments

Floats = npt.NDArray[np.float64]
# Modalities that are drawn; all networks take them in one shape.
_DRAWN = ("ecg", *MEDIA)
# Points of a path that a network is asked about at once.
POINTS = 8
# Steps of event sequences that are asked about at once. Of 1,000 events by the default network
# 16,384 took 280 MB more than these, and no less time.
TOKENS = 4_096


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributed:
    """What a network, or the mean of several, says of one record, in log-odds.

    Attributes:
        log_odds: of the record.
        baseline: of the baseline.
        grouped: kind → group → attribution, of the groups that the record has.
        dense: of an ECG, a picture and a sound, attributions in the shape of the record's tensor.
    """

    log_odds: float
    baseline: float
    grouped: dict[str, dict[str, float]]
    dense: dict[str, Floats]


def attributed(
    member: BundleMember,
    raw: Batch,
    facts: BundleFacts,
    head: View,
    *,
    beats: npt.NDArray[np.int8] | None,
    steps: int,
) -> Attributed:
    """Return what one network says.

    Args:
        member: the network.
        raw: batch of one record.
        facts: of the bundle.
        head: whose log-odds are attributed.
        beats: `[L]` as of `beats_of`.
        steps: of the path.

    Raises:
        InputError: the bundle is from before references were kept.
        ConfigError: `steps` is below 1.
    """
    batch, target = member.finish(raw), Target([member.model], head)
    grouping = _grouping(member, batch, facts)
    base = _baselines(member, batch, grouping.inputs)
    found, _ = integrated_gradients(target, batch, base, steps=steps, internal_batch=_points(batch))
    values = {name: own.numpy() for name, own in found.items()}
    with torch.no_grad():
        ends = [float(target(each)) for each in (batch, {**batch, **base})]
    parts = grouped(grouping, batch, values, None if beats is None else beats[None])
    return Attributed(
        log_odds=ends[0],
        baseline=ends[1],
        grouped={kind: _there(parts[kind]) for kind in KINDS if kind in parts},
        dense={name: values[name][0].astype(np.float64) for name in _DRAWN if name in values},
    )


def mean_of(each: Sequence[Attributed]) -> Attributed:
    """Return the mean over networks.

    A group that one of them does not know moves nothing in it: a field that its fold's encoder
    left out.
    """
    first = each[0]
    return Attributed(
        log_odds=float(np.mean([own.log_odds for own in each])),
        baseline=float(np.mean([own.baseline for own in each])),
        grouped={kind: _mean([own.grouped[kind] for own in each]) for kind in first.grouped},
        dense={name: np.mean([own.dense[name] for own in each], axis=0) for name in first.dense},
    )


def beats_of(raw: Batch, facts: BundleFacts) -> npt.NDArray[np.int8] | None:
    """Return `[L]` index into `core.attribution.groups.SEGMENTS`; None of models without an ECG.

    As the cohort's records are delineated: from the values as they are stored.
    """
    if facts.ecg is None:
        return None
    valid = raw.get("ecg_valid")
    return segments(
        millivolts(raw),
        facts.ecg.fs,
        lead_mask=raw["ecg_lead_mask"][0].numpy() > 0,
        valid=None if valid is None else (int(valid[0, 0]), int(valid[0, 1])),
    )


def millivolts(raw: Batch) -> npt.NDArray[np.float32]:
    """Return `[K, L]` of a raw batch of one record, in the unit that the ECG was prepared in."""
    return (raw["ecg"][0] * raw["ecg_scale"][0][:, None]).numpy()


def _grouping(member: BundleMember, batch: Batch, facts: BundleFacts) -> Grouping:
    takes = model_file(str(facts.model["name"])).INPUTS
    return Grouping(
        inputs=tuple(name for name in MODALITIES if name in takes and name in batch),
        stats=member.stats,
        leads=() if facts.ecg is None else facts.ecg.leads,
        sound=facts.sound,
    )


def _baselines(member: BundleMember, batch: Batch, inputs: tuple[str, ...]) -> Batch:
    if member.reference is None:
        raise InputError(
            "the model bundle was written before explanations of single answers, and does not "
            "hold what a patient is compared with; evaluate again and register the new bundle"
        )
    stats = member.stats
    mean = torch.tensor(member.reference.tabular)
    found = baselines(batch, norm=stats.norm(), tabular=mean, arrays=stats.arrays)
    return {name: found[name] for name in inputs}


def _points(batch: Batch) -> int:
    """Return how many points of a path fit into memory at once."""
    if EVENTS not in batch:
        return POINTS
    return max(1, min(POINTS, TOKENS // batch["events_valid"].numel()))


def _there(own: Grouped) -> dict[str, float]:
    """Return group → attribution, of the groups that the record has."""
    row = own.values[0]
    pairs = zip(own.names, row.tolist(), strict=True)
    return {name: value for name, value in pairs if np.isfinite(value)}


def _mean(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for own in each for name in own)
    return {name: float(np.mean([own.get(name, 0.0) for own in each])) for name in names}
