"""Leads × segments as the model's networks see them, and as networks taught nothing see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.metrics.resampling import Plan
from components.core.modalities import EVENTS
from components.core.progress import Advance, progress
from components.core.upstream import Upstream
from components.explain import planted
from components.explain.cohort import whole
from components.explain.control_subjects import control_subjects
from components.explain.explained import Explained
from components.explain.faithfulness.means import Floats, Ids
from components.explain.joined import joined
from components.explain.lots import lots
from components.explain.method import Attributed, Method
from components.explain.subject import Subject

# The methods that speak of leads × segments and are cheap enough to be run again per network.
METHODS = ("ig", "ablation")
# Of sequences, the first of those that speak of single events.
_OF_EVENTS = ("ig",)


def run_again(subject: Subject) -> tuple[str, ...]:
    """Return the methods that networks taught nothing are asked by, too."""
    return _OF_EVENTS if EVENTS in subject.inputs else METHODS


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """What a method says of the same records for the model and for its controls.

    Attributes:
        method: its name.
        title: in print.
        own: `lead_segment` attributions of the model's networks together.
        networks: of each control network by itself.
        patients: `[n]` ids.
        truth: `[n]` 1 with the event, 0 without, NaN where it is not known.
    """

    method: str
    title: str
    own: Grouped
    networks: Sequence[Grouped]
    patients: Ids
    truth: Floats

    def located(self, where: planted.Place, plan: Plan) -> planted.Located:
        """Return how much attribution lies on some cells."""
        return planted.located(
            self.own, self.networks, where=where, patients=self.patients, plan=plan
        )


def compared(
    explained: Explained, behind: Upstream, controls: Sequence[Upstream]
) -> list[Compared]:
    """Return the comparison by each of `METHODS` that was run.

    Args:
        explained: what all methods said of the model.
        behind: the stages behind it.
        controls: those behind trainings on shuffled labels; none leaves `networks` empty.
    """
    methods = [each for each in explained.methods if each.NAME in METHODS]
    taught = [control_subjects(fold.subject, behind, controls) for fold in explained.folds]
    return [_compared(explained, method, taught) for method in methods]


def _compared(
    explained: Explained, method: Method, taught: Sequence[Sequence[Subject]]
) -> Compared:
    said, records = whole(explained, method)
    return Compared(
        method=method.NAME,
        title=method.TITLE,
        own=said.grouped["lead_segment"],
        networks=_networks(taught, method, explained.config),
        patients=records["patient_id"].to_numpy(str),
        truth=records["truth"].to_numpy(np.float64, na_value=np.nan),
    )


def _networks(
    taught: Sequence[Sequence[Subject]], method: Method, config: ExplainConfig
) -> list[Grouped]:
    """Return the cells of each control network, the records of all folds one after the other.

    With folds a control network has a twin in each: together they are one.
    """
    total = sum(len(subject) for own in taught for subject in own)
    if not total:
        return []
    with progress(f"explain: controls by {method.NAME}", total, "records") as advance:
        by_fold = [[cells_of(each, method, config, advance) for each in own] for own in taught]
    return [
        replace(each[0], values=np.concatenate([cells.values for cells in each]))
        for each in zip(*by_fold, strict=True)
    ]


def cells_of(subject: Subject, method: Method, config: ExplainConfig, advance: Advance) -> Grouped:
    """Return the `lead_segment` attributions of all records, `advance` told of each lot."""
    parts: list[Attributed] = []
    for lot in lots(subject, np.arange(len(subject))):
        # Of many networks on many records; what they say of each sample would fill the memory.
        parts.append(replace(method.explain(subject, lot, config), values={}))
        advance(len(lot))
    return joined(parts).grouped["lead_segment"]
