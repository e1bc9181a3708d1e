"""What the page says of sequences of events: attribution first, then what attention did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.attribution.event_groups import WINDOWS
from components.core.report.section import Notice, Plot, Section, Table
from components.explain.event_values import LEAST_PATIENTS
from components.explain.explained import Explained
from components.explain.sequences import attention_pictures as attention
from components.explain.sequences import attribution_pictures as attribution
from components.explain.sequences import features, heads, over_time, pairs
from components.explain.sequences.critical import critical_windows
from components.explain.sequences.drawing import NEWEST_LAST
from components.explain.sequences.gathered import Sequences
from components.explain.sequences.interactions import passes
from components.explain.sequences.recording import Attended, whole
from components.explain.sequences.single import shown_stays, stay_frame
from components.explain.sequences.tables import Told, grouped

_TIME = (
    "Attribution of events, summed over windows of time before the prediction and over kinds. A "
    "stay's shares sum to 1, so that no stay counts more than another."
)
_PAIRS = (
    "What two groups do together beyond what each does alone: events are taken out of the sequence "
    "one group at a time and both together; a static variable takes its mean over the training "
    "part. A network's answer to what no stay has is an extrapolation."
)
_ATTENTION = (
    "Attention says which events were mixed into which, not what the answer rests on: a network "
    "can attend to an event and make nothing of it (Jain and Wallace 2019, NAACL, 3543).",
    "The rollout (Abnar and Zuidema 2020, ACL, 4190) assumes that half of a step passes by each "
    "layer's attention; that is an assumption, no measurement.",
)
_HEADS = "Weights are measured means over the stays; what a head is for is not said."


@dataclass(frozen=True, kw_only=True, eq=False)
class _Made:
    """Plots, tables and kept rows of a section on their way."""

    plots: list[Plot]
    tables: list[Table]
    kept: dict[str, pd.DataFrame]

    def add(self, name: str, found: Sequence[Told], *, shown: bool = True) -> None:
        """Add tables to the page, where they hold anything, and their rows to a file."""
        self.tables.extend(each.table for each in found if shown and each.table.rows)
        frames = [each.frame for each in found if len(each.frame)]
        if frames:
            self.kept[name] = pd.concat([self.kept.get(name), *frames], ignore_index=True)


def sequence_sections(own: Sequences | None, explained: Explained) -> tuple[Section, ...]:
    """Return the sections; nothing of a model without event sequences.

    Args:
        own: the stays; None of such a model.
        explained: all of it.
    """
    if own is None or not any(len(stay.events.hours) for stay in own.stays):
        return ()
    times = over_time.over_time(own)
    return (
        _attributions(own, explained, times),
        _interactions(own, explained),
        *_attention(own, explained, times),
    )


def _attributions(own: Sequences, explained: Explained, times: dict[str, Told]) -> Section:
    made = _Made(plots=[], tables=[], kept={})
    plots = attribution.pictures(own)
    told_by = next((m for m in ("ig", *own.said) if m in own.said and
                    attribution.KIND in own.said[m].grouped), "")  # fmt: skip
    made.plots.extend([attribution.feature_importance(own, told_by), *plots] if told_by else plots)
    text = [_TIME, grouped(own.of)]
    if own.method:
        critical = critical_windows(own, explained.config)
        made.add("critical_windows", [critical.told])
        text += [] if critical.windows else [critical.none]
    shown = [times[k] for k in (over_time.SHARE, over_time.SIGNED, over_time.EVENTS) if k in times]
    made.add("importance_over_time", shown)
    if own.method:
        made.add("events_by_text", [features.texts(own)])
    made.add("static_attributions", features.static(own))
    picked = shown_stays(own, explained)
    if picked:
        made.kept["stay_events"] = stay_frame(own, picked)
    return Section(
        name="sequences",
        title="Which events, and when?",
        text=tuple(text),
        plots=tuple(made.plots),
        tables=tuple(made.tables),
        kept=made.kept,
        notices=_notices(explained),
    )


def _interactions(own: Sequences, explained: Explained) -> Section:
    made = _Made(plots=[], tables=[], kept={})
    made.add("interactions", pairs.tables([fold.subject for fold in explained.folds], own.of))
    return Section(
        name="interactions", title="What do groups of events do together?",
        text=(f"{_PAIRS} {passes(explained.folds[0].subject)} forward passes a stay.",),
        tables=tuple(made.tables), kept=made.kept,
    )  # fmt: skip


def _attention(own: Sequences, explained: Explained, times: dict[str, Told]) -> tuple[Section, ...]:
    if own.recording is None:
        return ()
    text = (*_ATTENTION, *_whose(own, explained.config.attention_megabytes))
    title = "What did the attention do? (attention, not importance)"
    if not own.attended():
        return (Section(name="attention", title=title, text=text),)
    made = _Made(plots=[], tables=[], kept={})
    found, asked = heads.specialization(own), heads.query(own)
    stays = [attended for _, attended in own.attended()]
    made.plots.extend(
        [
            attention.layer_attention(
                _mean_spans(stays), NEWEST_LAST, name="layer_attention_weights",
                words=f"Attention between windows of time, mean over {len(stays):,} stays",
            ),
            attention.sequence_importance(found, times[over_time.EVENTS]),
            attention.combined(times),
            attention.rollout(times),
            attention.specialization(found),
            attention.query_vector(asked),
        ]
    )  # fmt: skip
    made.add("layer_patterns", heads.layer_patterns(own))
    made.add("importance_over_time_attention",
             [times[over_time.ATTENTION], times[over_time.ROLLOUT]])  # fmt: skip
    made.add("head_specialization", [found.told], shown=False)
    made.add("query_vector_analysis", list(asked.values()), shown=False)
    return (
        Section(name="attention", title=title, text=(*text, _HEADS), plots=tuple(made.plots),
                tables=tuple(made.tables), kept=made.kept),
    )  # fmt: skip


def _mean_spans(stays: Sequence[Attended]) -> np.ndarray:
    """Return `[L, H, K, K]` mean over the stays that have events in a window, the past first."""
    values = whole(stays, "spans")
    count = np.isfinite(values).sum(axis=0)
    total = np.nan_to_num(values).sum(axis=0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    if mean.shape[-1] != len(WINDOWS):
        raise ValueError("attention was recorded between other windows")
    return mean[..., ::-1, ::-1]


def _whose(own: Sequences, megabytes: float) -> tuple[str, ...]:
    recording = own.recording
    if recording is None:
        return ()
    of = f"Recorded of {len(recording.stays):,} stays in one forward pass each"
    if recording.networks > 1 or own.folds > 1:
        of += (
            f", of the first of {recording.networks} network(s) of the first of {own.folds} "
            "fold(s): networks do not share their heads"
        )
    left = (
        f"left out are {recording.too_long:,} whose weights take more than {megabytes:g} MB "
        f"(attention_megabytes) and {recording.empty:,} without any event"
    )
    return (f"{of}; {left}.",)


def _notices(explained: Explained) -> tuple[Notice, ...]:
    words = (
        f"Texts of events stand on this page; words that fewer than {LEAST_PATIENTS} of the "
        "explained patients have, and long numbers, are left out of them."
    )
    shown = "" if not explained.config.overlays else (
        " Single stays are shown event by event; overlays=0 leaves them out."
    )  # fmt: skip
    return (Notice("warning", words + shown),)
