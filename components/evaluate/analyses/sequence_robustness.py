"""Robustness of models of event sequences: events lost, late, mistimed, a kind nobody records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.cohort import Rows
from components.core.data.event_input import EventInput
from components.core.data.event_shards import FlatEvents
from components.core.errors import CardioError
from components.core.modalities import EVENTS
from components.core.predict import predict
from components.core.progress import Advance, progress
from components.core.report.forest import forest
from components.core.report.section import Plot, Section
from components.evaluate.analysis import Context
from components.evaluate.inputs.masked import check_base
from components.evaluate.predictions import FoldTest, position
from components.evaluate.report.wording import percent
from components.evaluate.robustness import wording
from components.evaluate.robustness.battery import Index, Network, draw
from components.evaluate.robustness.figures import BASE, Found, compare
from components.evaluate.robustness.sequences import Disturbance, Held, Sequences, disturbances
from components.evaluate.robustness.setting import inputs_of, network_of

Floats = npt.NDArray[np.float64]
NAME = "sequence_robustness"
ORDER = 50
_KEYS = ["sample_id", "patient_id", "label", "weight"]
_HOW = (
    "Late, lost and mistimed events stand for charting as it is: a record goes on with what is "
    "left of it, in order of its times. A sequence that loses all its events counts as absent, and "
    "the model answers from the other inputs."
)


def applies(context: Context) -> bool:
    """Return whether the model reads event sequences and is tested on its own cohort."""
    return not context.external and EVENTS in inputs_of(context)


def analyse(context: Context) -> Section:
    """Return figures under every disturbance, with the paired difference to the undisturbed.

    Raises:
        CardioError: undisturbed sequences do not give the reported logits.
    """
    config = context.task.evaluate.robustness
    found = disturbed(context, disturbances(config))
    svg = forest(
        wording.picture(found), title="AUROC of disturbed sequences",
        line=found.base["auroc"].value, chance=0.5,
    )  # fmt: skip
    told = wording.paragraphs(
        found, seed=config.seed, folded=context.tables.folded, what="event sequences"
    )
    return Section(
        name=NAME,
        title="How robust is it to gaps and errors in the sequence?",
        text=(*told, _HOW),
        tables=wording.tables(found, first="Sequence"),
        plots=(Plot(name=NAME, svg=svg, alt="AUROC with interval, by disturbance", wide=True),),
        figures={
            f"robustness/{each.condition.key}/{name}": interval
            for each in found.disturbed
            for name, interval in each.figures.items()
        },
    )


def disturbed(context: Context, wanted: Sequence[Disturbance]) -> Found:
    """Return the figures of drawn test records under disturbances; the first repeat alone."""
    config = context.task.evaluate.robustness
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    drawn = draw(tests, records=config.records, seed=config.seed)
    work = sum(map(len, drawn)) * (1 + len(wanted))
    frames: list[pd.DataFrame] = []
    kept = np.zeros((len(wanted) + 1, 2), np.int64)
    with progress("evaluate: disturbed sequences", work, "predictions") as advance:
        for test, index in zip(tests, drawn, strict=True):
            frame, own = _fold(context, test, index, wanted, advance)
            frames.append(frame)
            kept += own
    conditions = [
        replace(each.condition, remark=_remark(kept[0], left))
        for each, left in zip(wanted, kept[1:], strict=True)
    ]
    available = sum(len(test.frame) for test in tests)
    frame = pd.concat(frames, ignore_index=True)
    return compare(frame, conditions, context.plan, of_records=available)


def _remark(before: npt.NDArray[np.int64], left: npt.NDArray[np.int64]) -> str:
    """Return how many events, and records with any, are left; both are `[2]` in that order."""
    told = f"{percent(left[0] / max(before[0], 1))} of the events left"
    gone = int(before[1] - left[1])
    return f"{told}, {gone:,} record(s) without any" if gone else told


def _fold(
    context: Context, test: FoldTest, index: Index, wanted: Sequence[Disturbance], advance: Advance
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Return a fold's drawn records with a pair of columns per disturbance, and what it leaves.

    What it leaves is `[1 + disturbances, 2]`: events, and records with any, undisturbed first.
    """
    network, rows = network_of(context, test.fold), test.rows.take(index)
    held = _sequences(rows, seed=context.task.evaluate.robustness.seed)
    named: dict[str, Floats] = {}
    left: list[tuple[int, int]] = []
    for key, events in _changed(held, wanted):
        named[key] = _logits(network, rows, events)
        left.append((len(events.seconds), int((events.lengths > 0).sum())))
        advance(len(index))
    own = test.frame.iloc[index]
    check_base(own["logit"].to_numpy(np.float64), named[BASE])
    calibrated = test.calibration.recalibrator.logit
    columns = {f"logit.{key}": row for key, row in named.items()}
    columns |= {f"calibrated.{key}": calibrated(row) for key, row in named.items()}
    repeat, fold = position(test.fold)
    return own[_KEYS].assign(repeat=repeat, fold=fold, **columns), np.array(left, np.int64)


def _sequences(rows: Rows, *, seed: int) -> Sequences:
    """Return the events of rows, in memory: of some thousand records at most."""
    return Sequences(
        ids=tuple(rows.frame["sample_id"].astype(str)),
        events=_of(rows).events(np.arange(len(rows))),
        seed=seed,
    )


def _changed(own: Sequences, wanted: Sequence[Disturbance]) -> Iterator[tuple[str, FlatEvents]]:
    yield BASE, own.events
    for each in wanted:
        yield each.condition.key, each.change(own)


def _logits(network: Network, rows: Rows, events: FlatEvents) -> Floats:
    """Return `[n]` mean log-odds of the members for rows with other events."""
    given = replace(_of(rows), source=Held(events), index=np.arange(len(rows)))
    changed = replace(rows, events=given)
    said = [
        predict(model, changed, head=network.head, place=network.place) for model in network.models
    ]
    return np.mean(said, axis=0)


def _of(rows: Rows) -> EventInput:
    if rows.events is None:
        raise CardioError("the test part has no sequences; this is a fault of the software")
    return rows.events
