"""Every subset of the inputs for every endpoint: one pass over the records, no training anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.held_out import read_test
from components.core.heads.registry import View, from_json
from components.core.metrics import recalibrate
from components.core.metrics.recalibrator import Recalibrator
from components.core.progress import progress
from components.core.trained import members_of, stats_of
from components.evaluate.analysis import Context
from components.evaluate.endpoints.figures import heads_of
from components.evaluate.endpoints.outlook import outlooks
from components.evaluate.heads.calibrated import calibrations
from components.evaluate.heads.tables import SCORE_PREFIX, WEIGHT_PREFIX, truth
from components.evaluate.inputs.masked import (
    changed_views,
    check_base,
    there_of,
    unchanged,
    without,
)
from components.evaluate.inputs.subsets import condition, lost_of, subsets
from components.evaluate.predictions import FoldTest, position
from components.evaluate.robustness.battery import draw_records
from components.evaluate.robustness.figures import BASE, Found, compare
from components.evaluate.robustness.setting import network_of

Floats = npt.NDArray[np.float64]
_RECORD = ["sample_id", "patient_id", "label", "weight"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A head whose answers are looked at under every subset.

    Attributes:
        view: the head, as log-odds.
        records: `sample_id, patient_id, label, weight, logit, repeat, fold` of the test records
            whose outcome is known, as reported.
        primary: whether it is the task's first head.
    """

    view: View
    records: pd.DataFrame
    primary: bool

    def within(self, fold: str) -> pd.DataFrame:
        """Return the records of a fold."""
        repeat, number = position(fold)
        own = (self.records["repeat"] == repeat) & (self.records["fold"] == number)
        return self.records[own]


def asked_of(context: Context) -> list[Asked]:
    """Return the primary head, and every binary head with an endpoint of its own."""
    heads = from_json(context.stages.train.facts["heads"])
    primary = str(context.stages.train.facts["head"])
    columns = [*_RECORD, "logit", "repeat", "fold"]
    found = [
        Asked(
            view=View(name=primary, head=heads[primary]),
            records=context.predictions[columns],
            primary=True,
        )
    ]
    frame = heads_of(context)
    for each in outlooks(context.task):
        if not each.primary and context.heads is not None:
            own = frame[frame[truth(each.name)].notna()]
            records = own[["sample_id", "patient_id", "repeat", "fold"]].assign(
                label=own[truth(each.name)],
                weight=own[f"{WEIGHT_PREFIX}{each.name}"],
                logit=own[f"{SCORE_PREFIX}{each.name}"],
            )
            view = View(name=each.name, head=heads[each.name])
            found.append(Asked(view=view, records=records, primary=False))
    return found


def stressed(context: Context, inputs: Sequence[str]) -> dict[str, Found]:
    """Return head → figures of all inputs and of every other subset; the first repeat alone.

    Args:
        context: what was tested.
        inputs: of the model.

    Raises:
        CardioError: unchanged records do not give the reported logits.
    """
    config, asked = context.task.evaluate.robustness, asked_of(context)
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    whose = [_everyone(asked, test.fold) for test in tests]
    drawn = draw_records(whose, records=config.records, seed=config.seed)
    wanted = [condition(kept, inputs) for kept in subsets(inputs)]
    work = sum(map(len, drawn)) * (1 + len(wanted))
    parts: dict[str, list[pd.DataFrame]] = {each.view.name: [] for each in asked}
    with progress("evaluate: subsets of the inputs", work, "predictions") as advance:
        for test, who, index in zip(tests, whose, drawn, strict=True):
            ids = set(who["sample_id"].iloc[index])
            for name, frame in _fold(context, test, asked, inputs, ids, advance=advance):
                parts[name].append(frame)
    return {
        each.view.name: compare(
            pd.concat(parts[each.view.name], ignore_index=True), wanted, context.plan,
            of_records=sum(len(each.within(test.fold)) for test in tests),
        )
        for each in asked
    }  # fmt: skip


def _everyone(asked: Sequence[Asked], fold: str) -> pd.DataFrame:
    """Return the records of a fold that some head has an outcome of."""
    frames = [each.within(fold)[["sample_id", "patient_id"]] for each in asked]
    return pd.concat(frames).drop_duplicates("sample_id").reset_index(drop=True)


def _fold(
    context: Context, test: FoldTest, asked: Sequence[Asked], inputs: Sequence[str],
    ids: set[str], *, advance: Callable[[int], None],
) -> Iterator[tuple[str, pd.DataFrame]]:  # fmt: skip
    """Yield head → drawn records with `logit.<key>` and `calibrated.<key>` of every subset."""
    stages, kept = context.stages, list(subsets(inputs))
    stats = stats_of(stages.train, test.fold)
    rows = read_test(stages.cohort, test.fold, context.opening, unlabelled=True, stats=stats)
    index = np.flatnonzero(rows.frame["sample_id"].isin(ids).to_numpy())
    changes = [unchanged, *(without(lost_of(each, inputs)) for each in kept)]
    network, views = network_of(context, test.fold), [each.view for each in asked]
    logits = changed_views(network, views, rows, index, changes, advance=advance)
    has = {name: there[index] for name, there in there_of(rows, inputs).items()}
    any_ = [np.logical_or.reduce([has[name] for name in each]) for each in kept]
    keys = [BASE, *(condition(each, inputs).key for each in kept)]
    samples = rows.frame["sample_id"].iloc[index].to_numpy()
    for place, each in enumerate(asked):
        told = [np.where(a, row, np.nan) for a, row in zip(any_, logits[place, 1:], strict=True)]
        own = [logits[place, 0], *told]
        table = pd.DataFrame(dict(zip(keys, own, strict=True)), index=samples)
        yield each.view.name, _told(each, table, test, _calibration(context, test, each))


def _told(
    each: Asked, table: pd.DataFrame, test: FoldTest, calibration: Recalibrator | None
) -> pd.DataFrame:
    """Return a head's records with what it says under each subset."""
    own = each.within(test.fold)
    own = own[own["sample_id"].isin(table.index)]
    found = table.loc[own["sample_id"]].to_numpy(np.float64)
    check_base(own["logit"].to_numpy(np.float64), found[:, 0])
    columns: dict[str, Floats] = {}
    for key, row in zip(table.columns, found.T, strict=True):
        known = np.isfinite(row)
        told = np.full_like(row, np.nan)
        if calibration is not None:
            told[known] = calibration.logit(row[known])
        columns |= {f"logit.{key}": row, f"calibrated.{key}": told}
    kept = own[[*_RECORD, "repeat", "fold"]].reset_index(drop=True)
    return pd.concat([kept, pd.DataFrame(columns)], axis=1)


def _calibration(context: Context, test: FoldTest, each: Asked) -> Recalibrator | None:
    """Return the way to probabilities; None where validation could not teach it."""
    if each.primary:
        return test.calibration.recalibrator
    train = context.stages.train
    members = members_of(train, test.fold)
    own = calibrations(train, [test.fold], members, context.task.evaluate.recalibrate)
    name = each.view.name
    return recalibrate.from_json(json.dumps(own[name])) if name in own else None
