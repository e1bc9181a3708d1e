"""Shapley values by sampled orders (Štrumbelj and Kononenko 2010, JMLR, 11:1).

Groups enter one by one, in a drawn order, and each is credited with what it adds. Every second
order is the one before read backwards, which cancels the error of interactions of two (Mitchell et
al. 2022, JMLR, 23:43); few groups are let in by every order there is, and the values are exact.

Beside pictures, sounds and events the clinical variables enter together, whatever the order of the
modalities, and every order of the modalities is taken: what a modality gets is then its exact
Shapley value, what a variable gets its share of it (Owen 1977, Values of games with a priori
unions). Events enter by windows of time before the prediction; what is not let in yet is not in the
sequence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import ShapleyValueSampling

from components.core.attribution.event_groups import WINDOWS, cells_of, there_of
from components.core.attribution.groups import (
    SEGMENTS,
    Floats,
    Grouped,
    has_segment,
    of_modalities,
    variables,
)
from components.core.attribution.of_batch import leads_there, where_there
from components.core.attribution.switch import Layout, Switch
from components.core.attribution.target import record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.modalities import ARRAYS, EVENTS
from components.explain.joined import joined
from components.explain.lots import (
    Index,
    at_once,
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
_WHOLE = "Shapley values of modalities, {how}"
_WITHIN = ", and of clinical variables, by sampled orders within theirs"
_END = (
    "; what is not let in yet is at its baseline, and they add up to log-odds − log-odds of the "
    "baseline."
)
_WINDOWS = ", of events by windows of time within the sequence"
_EVENTS_END = (
    "; what is not let in yet is at its baseline, events out of the sequence, and they add up to "
    "log-odds − log-odds of the baseline without any event."
)
# Orders of more modalities are drawn: there would be 120 of five.
_EVERY_ORDER = 4


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where the networks have any input."""
    return "" if subject.inputs else "it has no input"


def layout(subject: Subject) -> Layout:
    """Return the groups that are let in; single leads and regions would be too many."""
    names: dict[str, tuple[str, ...]] = {}
    if "ecg" in subject.inputs:
        names["segment"] = SEGMENTS
    if "tabular" in subject.inputs:
        names["variable"] = variables(subject.rows.stats.tabular)[0]
    if EVENTS in subject.inputs:
        names["event_window"] = WINDOWS
    whole = tuple(name for name in ("text", *ARRAYS) if name in subject.inputs)
    if whole:
        names["modality"] = whole
    return Layout(names=names)


def unions(subject: Subject) -> list[list[int]]:
    """Return the groups of each modality where they enter together; none where each by itself."""
    if not subject.arrays and EVENTS not in subject.inputs:
        return []
    own = layout(subject)
    every = list(range(own.width))
    apart = ("segment", "variable", "event_window")
    kinds = [every[own.columns(kind)] for kind in apart if kind in own.names]
    return [*(each for each in kinds if each), *([each] for each in every[own.columns("modality")])]


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: a pass per order and group, and three of the two ends."""
    groups, together = layout(subject).width, unions(subject)
    if together:
        return 3.0 + groups * sum(1 for _ in union_orders(together, config.permutations, seed=0))
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


def union_orders(
    together: Sequence[Sequence[int]], permutations: int, *, seed: int
) -> Iterator[list[int]]:
    """Yield orders in which the groups of a union follow each other, the same for every record.

    Up to `_EVERY_ORDER` unions enter in every order, as often as `permutations` allow and at least
    once; of more, orders are drawn. Within a union the order is drawn. Every second order is the
    one before read backwards.

    Args:
        together: the groups of each union.
        permutations: so many orders at most, where they hold every order of the unions.
        seed: of the draws.
    """
    rng, count = np.random.default_rng(seed), len(together)
    every = list(itertools.permutations(range(count)))
    half = [order for order in every if order <= order[::-1]]
    drawn = count > _EVERY_ORDER
    pairs = permutations // 2 if drawn else len(half) * max(1, permutations // len(every))
    for number in range(max(1, pairs)):
        turn = rng.permutation(count) if drawn else half[number % len(half)]
        order = [group for own in turn for group in rng.permutation(together[own]).tolist()]
        yield order
        if count > 1 or len(order) > 1:
            yield order[::-1]


def _orders(num_features: int, num_samples: int, *, seed: int) -> Iterator[list[int]]:
    """Return `orders` under the names by which Captum knows them."""
    return orders(num_features, num_samples, seed=seed)


def _of_unions(
    num_features: int, num_samples: int, *, together: Sequence[Sequence[int]], seed: int
) -> Iterator[list[int]]:
    """Return `union_orders` under the names by which Captum knows them."""
    del num_features
    return union_orders(together, num_samples, seed=seed)


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return Shapley values of segments, variables and modalities."""
    return joined([_lot(subject, lot, config) for lot in lots(subject, index)])


def _lot(subject: Subject, lot: Index, config: ExplainConfig) -> Attributed:
    batch, own = subject.batch(lot), layout(subject)
    switch = _switch(subject, lot, batch, own)
    record = record_numbers(batch)
    gates = torch.ones(len(lot), own.width, device=record.device)
    sampling = ShapleyValueSampling(switch)
    together = unions(subject)
    sampling.permutation_generator = (
        partial(_of_unions, together=together, seed=config.seed)
        if together
        else partial(_orders, seed=config.seed)
    )
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
        taken_out=(EVENTS,) if EVENTS in subject.inputs else (),
        remark=_remark(subject),
    )


def _remark(subject: Subject) -> str:
    together = unions(subject)
    if not together:
        return _REMARK
    how = "by sampled orders" if len(together) > _EVERY_ORDER else "exact"
    within = _WITHIN if "variable" in layout(subject).names else ""
    if EVENTS not in subject.inputs:
        return f"{_WHOLE.format(how=how)}{within}{_END}"
    return f"{_WHOLE.format(how=how)}{within}{_WINDOWS}{_EVENTS_END}"


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
        gone={name: {name: baselines[name]} for name in own.names.get("modality", ())},
        segments=segments,
        variables=variables_of(subject),
        cells=cells_of(batch) if EVENTS in subject.inputs else None,
    )


def _grouped(subject: Subject, lot: Index, batch: Batch, values: Floats) -> dict[str, Grouped]:
    own, has = layout(subject), modalities_there(subject, batch)
    parts = {name: _of_modality(own, name, values) for name in subject.inputs}
    sums = {name: part.sum(axis=1) for name, part in parts.items()}
    found = {"modality": of_modalities(sums, there=has)}
    if "ecg" in parts:
        there = has_segment(segments_of(subject, lot)) & leads_there(batch).any(1, keepdims=True)
        own_values = np.where(there, parts["ecg"], np.nan)
        found["segment"] = Grouped(kind="segment", names=SEGMENTS, values=own_values)
    if EVENTS in parts:
        windows = there_of("event_window", cells_of(batch).cpu().numpy())
        own_values = np.where(windows, parts[EVENTS], np.nan)
        found["event_window"] = Grouped(kind="event_window", names=WINDOWS, values=own_values)
    if "tabular" in parts:
        names = own.names["variable"]
        grouped = Grouped(kind="variable", names=names, values=parts["tabular"])
        found["variable"] = where_there(grouped, has.get("tabular"))
    return found


def _of_modality(own: Layout, name: str, values: Floats) -> Floats:
    """Return `[n, g]` the values of a modality's groups."""
    kinds = {"ecg": "segment", "tabular": "variable", EVENTS: "event_window"}
    if name in kinds:
        return values[:, own.columns(kinds[name])]
    place = own.columns("modality").start + own.names["modality"].index(name)
    return values[:, place : place + 1]
