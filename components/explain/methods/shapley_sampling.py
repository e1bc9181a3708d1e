"""Shapley values by sampled orders (Štrumbelj and Kononenko 2010, JMLR, 11:1).

Groups enter one by one, in a drawn order, and each is credited with what it adds. Every second
order is the one before read backwards, which cancels the error of interactions of two (Mitchell et
al. 2022, JMLR, 23:43); few groups are let in by every order there is, and the values are exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import ShapleyValueSampling

from components.core.attribution.groups import (
    SEGMENTS,
    Floats,
    Grouped,
    has_segment,
    of_modalities,
    variables,
)
from components.core.attribution.switch import Layout, Switch
from components.core.attribution.target import record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.explain.joined import joined
from components.explain.lots import (
    Index,
    at_once,
    leads_there,
    lots,
    modalities_there,
    segments_of,
    variables_of,
)
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "shapley"
TITLE = "Shapley sampling"
ORDER = 40
_REMARK = (
    "Shapley values of segments over all leads, clinical variables and the note; what is not let "
    "in yet is at its baseline, and they add up to log-odds − log-odds of the baseline."
)


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where the networks have any input."""
    return "" if subject.inputs else "it has no input"


def layout(subject: Subject) -> Layout:
    """Return the groups that are let in; single leads would be too many."""
    names: dict[str, tuple[str, ...]] = {}
    if "ecg" in subject.inputs:
        names["segment"] = SEGMENTS
    if "tabular" in subject.inputs:
        names["variable"] = variables(subject.rows.stats.tabular)[0]
    if "text" in subject.inputs:
        names["modality"] = ("text",)
    return Layout(names=names)


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: a pass per order and group, and three of the two ends."""
    groups = layout(subject).width
    return 3.0 + groups * min(math.factorial(groups), config.permutations)


def orders(groups: int, permutations: int, *, seed: int) -> Iterator[list[int]]:
    """Yield the orders in which groups are let in, the same for every record.

    Args:
        groups: how many there are.
        permutations: so many orders at most.
        seed: of the draws.
    """
    if math.factorial(groups) <= permutations:
        yield from map(list, itertools.permutations(range(groups)))
        return
    rng = np.random.default_rng(seed)
    for number in range(0, permutations, 2):
        drawn = rng.permutation(groups).tolist()
        yield from (drawn, drawn[::-1])[: permutations - number]


def _orders(num_features: int, num_samples: int, *, seed: int) -> Iterator[list[int]]:
    """Return `orders` under the names by which Captum knows them."""
    return orders(num_features, num_samples, seed=seed)


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return Shapley values of segments, variables and modalities."""
    return joined([_lot(subject, lot, config) for lot in lots(index)])


def _lot(subject: Subject, lot: Index, config: ExplainConfig) -> Attributed:
    batch, own = subject.batch(lot), layout(subject)
    switch = _switch(subject, lot, batch, own)
    record = record_numbers(batch)
    gates = torch.ones(len(lot), own.width, device=record.device)
    sampling = ShapleyValueSampling(switch)
    sampling.permutation_generator = partial(_orders, seed=config.seed)
    found = sampling.attribute(
        gates,
        baselines=0,
        additional_forward_args=(record,),
        n_samples=config.permutations,
        perturbations_per_eval=at_once(batch),
    )
    values = found.double().cpu().numpy()
    with torch.no_grad():
        gain = (switch(gates, record) - switch(torch.zeros_like(gates), record)).double().cpu()
    return Attributed(
        grouped=_grouped(subject, lot, batch, values),
        error=values.sum(axis=1) - gain.numpy(),
        remark=_REMARK,
    )


def _switch(subject: Subject, lot: Index, batch: Batch, own: Layout) -> Switch:
    device, baselines = subject.place.device, subject.baselines(batch)
    segments = None
    if "ecg" in subject.inputs:
        # A record in which no beat is found is let in as a whole, under the last gate.
        known = segments_of(subject, lot)
        whole = np.where(known < 0, len(SEGMENTS) - 1, known)
        segments = torch.from_numpy(whole).to(device)
    return Switch(
        target=subject.target,
        batch=batch,
        layout=own,
        baselines=baselines,
        gone={"text": {"text": baselines["text"]}} if "text" in baselines else {},
        segments=segments,
        variables=variables_of(subject),
    )


def _grouped(subject: Subject, lot: Index, batch: Batch, values: Floats) -> dict[str, Grouped]:
    own = layout(subject)
    kinds = {"ecg": "segment", "tabular": "variable", "text": "modality"}
    parts = {name: values[:, own.columns(kinds[name])] for name in subject.inputs}
    sums = {name: part.sum(axis=1) for name, part in parts.items()}
    found = {"modality": of_modalities(sums, there=modalities_there(subject, batch))}
    if "ecg" in parts:
        there = has_segment(segments_of(subject, lot)) & leads_there(batch).any(1, keepdims=True)
        own_values = np.where(there, parts["ecg"], np.nan)
        found["segment"] = Grouped(kind="segment", names=SEGMENTS, values=own_values)
    if "tabular" in parts:
        names = own.names["variable"]
        found["variable"] = Grouped(kind="variable", names=names, values=parts["tabular"])
    return found
