"""Feature ablation: what the log-odds lose without a group of inputs, all else left as it is.

Zeiler and Fergus 2014, ECCV, 818 (occlusion); the groups are cells of lead × segment, leads,
segments, modalities, clinical variables, regions of a picture, patches and bands of a sound,
blocks of an embedding's entries, events by kind and time. An embedding as a whole is hidden, as if
the record lacked it; events are taken out of the sequence, as if they had not happened.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import FeatureAblation
from torch import Tensor

from components.core.attribution.event_groups import NAMES, cells_of, there_of
from components.core.attribution.groups import (
    BLOCKS,
    SEGMENTS,
    Flags,
    Grouped,
    cell_names,
    has_segment,
    variables,
)
from components.core.attribution.of_batch import leads_there, tiles_there
from components.core.attribution.switch import Layout, Switch
from components.core.attribution.target import record_numbers
from components.core.bundle_inputs import tabular_row
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.modalities import ARRAYS, EMBEDDED, EVENTS, SPOKEN, enumerated, told_once
from components.core.models.stand_in import unlearned
from components.explain.joined import joined
from components.explain.lots import (
    Index,
    at_once,
    lots,
    modalities_there,
    segments_of,
    tiles_of,
    variables_of,
)
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "ablation"
TITLE = "Feature ablation"
ORDER = 30
# What takes the place of a modality. An absent ECG is in no training and in no question of
# serving, which refuses without one, so no network has learnt what it means.
WITHOUT = {
    "ecg": "a trace at 0 mV",
    "tabular": "every clinical field missing",
    "text": "no note",
    "ecg_image": "the token of an absent picture",
    "pcg": "the token of an absent sound",
    **dict.fromkeys(EMBEDDED, "what the networks make of its absence"),
    EVENTS: "no event at all",
}
# What of a modality is set to the baseline by itself, by kinds that a reader knows apart.
_APART = {
    "lead": "leads",
    "segment": "segments",
    "region": "regions",
    "patch": "patches",
    "band": "bands",
    "variable": "single variables",
    **dict.fromkeys(BLOCKS.values(), "blocks of entries"),
}
_EVENTS_OUT = "Events are taken out of the sequence, the others keeping their places. "
# What takes the place of clinical fields where networks have learnt to go without them.
_NO_FIELDS = "the token of absent fields"


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where the networks have any input."""
    return "" if subject.inputs else "it has no input"


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: a pass per group, and one with everything."""
    del config
    return layout(subject).width + 1.0


def layout(subject: Subject) -> Layout:
    """Return the groups that are taken away one by one."""
    names: dict[str, tuple[str, ...]] = {}
    if "ecg" in subject.inputs:
        names |= {"lead_segment": cell_names(subject.leads), "lead": subject.leads}
        names["segment"] = SEGMENTS
    names["modality"] = subject.inputs
    if "tabular" in subject.inputs:
        names["variable"] = variables(subject.rows.stats.tabular)[0]
    names |= {kind: tiles.names for kind, tiles in tiles_of(subject).items()}
    if EVENTS in subject.inputs:
        names |= NAMES
    return Layout(names=names)


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return log-odds − log-odds without the group, of every group."""
    del config
    return joined([_lot(subject, lot) for lot in lots(subject, index)])


def _lot(subject: Subject, lot: Index) -> Attributed:
    batch, own = subject.batch(lot), layout(subject)
    ablation = FeatureAblation(_switch(subject, lot, batch, own))
    lost = ablation.attribute(
        torch.ones(len(lot), own.width, device=subject.place.device),
        baselines=0,
        additional_forward_args=(record_numbers(batch),),
        perturbations_per_eval=at_once(batch),
    )
    values = np.where(_there(subject, lot, batch, own), lost.double().cpu().numpy(), np.nan)
    grouped = {
        kind: Grouped(kind=kind, names=names, values=values[:, own.columns(kind)])
        for kind, names in own.names.items()
    }
    return Attributed(grouped=grouped, remark=_remark(subject, batch))


def _remark(subject: Subject, batch: Batch) -> str:
    without = WITHOUT | ({"tabular": _NO_FIELDS} if "tabular_mask" in batch else {})
    for name in unlearned(subject.target.models):
        if f"{name}_mask" in batch:
            without[name] = f"{without[name]} (nothing was learned in its place)"
    said = told_once({name: without[name] for name in subject.inputs}, SPOKEN)
    gone = "; ".join(f"of {name}: {text}" for name, text in said.items())
    return (
        "Log-odds − log-odds without the group; a group that others can stand in for loses "
        f"little, and the values do not add up. {_parts(subject)}What takes the place of a whole "
        f"modality, {gone}."
    )


def _parts(subject: Subject) -> str:
    """Return what is set to the baseline, of inputs that are taken apart."""
    kinds = layout(subject).names
    told = enumerated(dict.fromkeys(words for kind, words in _APART.items() if kind in kinds))
    said = f"{told[0].upper()}{told[1:]} are set to the baseline. " if told else ""
    return f"{said}{_EVENTS_OUT}" if EVENTS in subject.inputs else said


def _switch(subject: Subject, lot: Index, batch: Batch, own: Layout) -> Switch:
    device, baselines = subject.place.device, subject.baselines(batch)
    gone = {name: _gone(name, subject, batch, baselines) for name in subject.inputs}
    return Switch(
        target=subject.target,
        batch=batch,
        layout=own,
        baselines=baselines,
        gone=gone,
        segments=torch.from_numpy(segments_of(subject, lot)).to(device)
        if "ecg" in subject.inputs
        else None,
        variables=variables_of(subject),
        tiles=tiles_of(subject),
        cells=cells_of(batch) if EVENTS in subject.inputs else None,
    )


def _gone(name: str, subject: Subject, batch: Batch, baselines: Batch) -> Batch:
    """Return what takes the place of a whole modality, as `WITHOUT` says."""
    if name == "text":
        return {key: torch.zeros_like(batch[key]) for key in ("text", "text_mask")}
    if name in ARRAYS or (name == "tabular" and "tabular_mask" in batch):
        return {f"{name}_mask": torch.zeros_like(batch[f"{name}_mask"])}
    if name == EVENTS:
        return {key: torch.zeros_like(batch[key]) for key in ("events_valid", "events_mask")}
    if name == "tabular":
        return {"tabular": nothing_known(subject).to(batch["tabular"]).expand_as(batch["tabular"])}
    return {name: baselines[name]}


def nothing_known(subject: Subject) -> Tensor:
    """Return `[F]` what serving encodes of a patient without any clinical field."""
    encoder = subject.rows.stats.tabular
    kinds = {column.name: "numeric" for column in encoder.numeric}
    kinds |= {column.name: "categorical" for column in encoder.categorical}
    return torch.from_numpy(encoder.transform(tabular_row({}, kinds))[0])


def _there(subject: Subject, lot: Index, batch: Batch, own: Layout) -> Flags:
    """Return `[n, G]` whether a record has each group."""
    there = np.ones((len(lot), own.width), np.bool_)
    modality = own.columns("modality").start
    for name, has in modalities_there(subject, batch).items():
        there[:, modality + subject.inputs.index(name)] = has
        if name == "tabular":
            there[:, own.columns("variable")] = has[:, None]
    for kind, tiles in tiles_of(subject).items():
        there[:, own.columns(kind)] = tiles_there(tiles, batch)
    if EVENTS in subject.inputs:
        cells = cells_of(batch).cpu().numpy()
        for kind in NAMES:
            there[:, own.columns(kind)] = there_of(kind, cells)
    if "ecg" in subject.inputs:
        leads, segments = leads_there(batch), has_segment(segments_of(subject, lot))
        cells = leads[:, :, None] & segments[:, None, :]
        there[:, own.columns("lead_segment")] = cells.reshape(len(lot), -1)
        there[:, own.columns("lead")] = leads
        there[:, own.columns("segment")] = segments & leads.any(axis=1, keepdims=True)
    return there
