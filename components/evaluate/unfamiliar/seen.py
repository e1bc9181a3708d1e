"""What a fold's networks and its bundle would say of every test recording made strange."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import ConfidenceHead
from components.core.data.finish import Finisher
from components.core.errors import CardioError
from components.core.heads.known import binary_truth
from components.core.heads.registry import View, from_json
from components.core.metrics import recalibrate
from components.core.metrics.tables import floats
from components.core.out_of_distribution import summaries
from components.core.signals.assess import assess
from components.core.signals.quality import Quality
from components.core.signals.signal import Signal
from components.core.trained import members_of
from components.evaluate.abstention import Familiarity, familiarity
from components.evaluate.analysis import Context
from components.evaluate.bundling import quality_gate
from components.evaluate.heads.calibrated import calibrations, threshold_of
from components.evaluate.heads.tables import output
from components.evaluate.predictions import FoldTest, position
from components.evaluate.robustness.battery import Index, logits_of, seen
from components.evaluate.robustness.figures import BASE
from components.evaluate.robustness.recordings import Condition, Recordings, Setup, nothing_given
from components.evaluate.robustness.setting import kinds_of, network_of

Floats = npt.NDArray[np.float64]
# A confidence is in [0, 1]; float32 networks agree to about 1e-6 whatever the batch.
_TOLERANCE = 1e-3
_NUMBERS = ("judged", "confidence", "distance", "poor")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """When the bundle of a fold withholds its answer.

    Attributes:
        known: distance from the training recordings and its limit; None without usable ECGs.
        reject: quality flags on which no answer is given.
        min_quality: lowest score answered.
    """

    known: Familiarity | None
    reject: frozenset[str]
    min_quality: float

    def distances(self, recordings: Recordings, setup: Setup) -> Floats:
        """Return `[B]` distances from the training recordings, NaN where none can be told."""
        if self.known is None:
            return np.full(len(recordings.ids), np.nan)
        found = summaries(
            recordings.values,
            setup.fs,
            setup.leads,
            lead_mask=recordings.lead_mask,
            start=recordings.valid[:, 0],
            stop=recordings.valid[:, 1],
        )
        return self.known.distribution.distance(found)

    def is_poor(self, quality: Quality) -> bool:
        """Return whether a recording is too poor for an answer."""
        return bool(self.reject & set(quality.raised)) or quality.score < self.min_quality

    def is_far(self, distance: Floats) -> npt.NDArray[np.bool_]:
        """Return `[n]` whether a recording is unlike those of training."""
        limit = np.inf if self.known is None else self.known.threshold
        return distance > limit


def strange_frame(
    context: Context,
    name: str,
    head: ConfidenceHead,
    folds: Sequence[tuple[FoldTest, Index]],
    *,
    setup: Setup,
    wanted: Sequence[Condition],
    advance: Callable[[int], None],
) -> pd.DataFrame:
    """Return one row per condition (`base` first), fold and recording.

    Columns: `condition, sample_id, patient_id, repeat, fold`, `confidence` (calibrated; NaN where
    no lead is left), `right` (0 or 1 of the judged head's call, NaN = not known), `distance` from
    the training recordings and `abstains`.

    Args:
        context: of the evaluation.
        name: of the confidence head.
        head: its settings.
        folds: test parts and the rows to use of each.
        setup: what the changes know of the task.
        wanted: the changes.
        advance: called with the number of recordings just seen.

    Raises:
        CardioError: untouched recordings do not give the reported confidence.
    """
    parts: list[pd.DataFrame] = []
    for test, index in folds:
        gate = _gate(context, test.fold)
        found = _numbers(context, (head.of, name), test, index, setup, gate, wanted, advance)
        own = _frame(context, name, head, test, index, found, gate)
        _check(context, name, own[own["condition"] == BASE])
        parts.append(own)
    return pd.concat(parts, ignore_index=True)


def _gate(context: Context, fold: str) -> Gate:
    config = context.task.evaluate.abstain
    gate = quality_gate(context.stages, config)
    return Gate(
        known=familiarity(context.stages.cohort, fold, rate=config.rate),
        reject=frozenset(gate["reject"]),
        min_quality=float(gate["min_quality"]),
    )


def _numbers(
    context: Context,
    heads: tuple[str, str],
    test: FoldTest,
    index: Index,
    setup: Setup,
    gate: Gate,
    wanted: Sequence[Condition],
    advance: Callable[[int], None],
) -> dict[str, npt.NDArray[np.float64]]:
    """Return condition → `[n, 4]`, the columns of `_NUMBERS`."""
    network = network_of(context, test.fold)
    known = from_json(context.stages.train.facts["heads"])
    views = [View(name=each, head=known[each]) for each in heads]

    def see(original: Recordings, changed: Recordings, finish: Finisher) -> Floats:
        said = logits_of(network, views, changed, finish)
        distance = gate.distances(changed, setup)
        poor = [gate.is_poor(each) for each in qualities(original, changed, setup)]
        return np.column_stack([said, distance, np.array(poor, np.float64)])

    changes = {BASE: _unchanged} | {c.key: c.change for c in wanted if c.change is not None}
    absent = nothing_given(test.rows, kinds_of(context))
    found = seen(test.rows, index, list(changes.values()), see, width=len(_NUMBERS),
                 absent=absent, advance=advance)  # fmt: skip
    return dict(zip(changes, found, strict=True))


def _unchanged(recordings: Recordings) -> Recordings:
    return recordings


def qualities(original: Recordings, changed: Recordings, setup: Setup) -> list[Quality]:
    """Return the quality of each changed recording, judged at the task's rate.

    A lead that was there before and is masked now is flat: serving would see it and say so.
    """
    found: list[Quality] = []
    for place, (values, (start, stop)) in enumerate(
        zip(changed.values, changed.valid.tolist(), strict=True)
    ):
        present = original.lead_mask[place] | changed.lead_mask[place]
        if stop == start or not present.any():
            present, start, stop = np.ones_like(present), 0, max(stop, 1)
        found.append(
            assess(
                Signal(
                    values=values[present, start:stop],
                    fs=setup.fs,
                    leads=tuple(np.array(setup.leads)[present].tolist()),
                    unit=setup.unit,
                    lsb=np.ones(int(present.sum())),
                    offset=np.zeros(int(present.sum())),
                ),
                setup.leads,
            )
        )
    return found


def _frame(
    context: Context,
    name: str,
    head: ConfidenceHead,
    test: FoldTest,
    index: Index,
    found: dict[str, npt.NDArray[np.float64]],
    gate: Gate,
) -> pd.DataFrame:
    train, rows = context.stages.train, test.rows.frame.iloc[index]
    fitted = calibrations(
        train, [test.fold], members_of(train, test.fold), context.task.evaluate.recalibrate
    )[name]
    line = recalibrate.from_json(json.dumps(fitted))
    rule = context.task.evaluate.threshold
    threshold = threshold_of(train, [test.fold], head.of, rule)
    judged = from_json(train.facts["heads"])[head.of]
    y = floats(rows.assign(y=binary_truth(head.of, judged, rows)), "y")
    repeat, fold = position(test.fold)
    parts: list[pd.DataFrame] = []
    for key, numbers in found.items():
        call, logit, distance, poor = numbers.T
        right = ((call >= threshold) == (y == 1)).astype(np.float64)
        answered = np.isfinite(logit)
        confidence = np.full_like(logit, np.nan)
        confidence[answered] = line.apply(logit[answered])
        parts.append(
            rows[["sample_id", "patient_id"]].assign(
                condition=key,
                repeat=repeat,
                fold=fold,
                confidence=confidence,
                right=np.where(np.isnan(y) | ~answered, np.nan, right),
                distance=distance,
                abstains=((poor == 1) | gate.is_far(distance)).astype(np.float64),
            )
        )
    return pd.concat(parts, ignore_index=True)


def _check(context: Context, name: str, base: pd.DataFrame) -> None:
    """Refuse to go on where untouched recordings do not give the reported confidence.

    Raises:
        CardioError: they do not.
    """
    if context.heads is None:
        raise CardioError("there is no table of heads; this is a fault of the software")
    keys, own = ["sample_id", "repeat", "fold"], output(name, "p")
    both = base.merge(context.heads[[*keys, own]], on=keys, how="left")
    gap = float((both["confidence"] - both[own]).abs().max())
    if not gap <= _TOLERANCE:
        raise CardioError(
            f"untouched recordings give confidences that differ by {gap:.2g} from those reported; "
            "this is a fault of the software, so no strange recording is shown"
        )
