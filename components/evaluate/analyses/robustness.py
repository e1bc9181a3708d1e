"""Robustness: what is left with fewer leads, with noise, at lower rates, with fewer inputs?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.errors import CardioError
from components.core.progress import Advance, progress
from components.core.report.forest import forest
from components.core.report.section import Plot, Section
from components.evaluate.analysis import Context
from components.evaluate.predictions import FoldTest, position
from components.evaluate.robustness import wording
from components.evaluate.robustness.battery import Index, conditions, disturbed_logits, draw
from components.evaluate.robustness.figures import BASE, compare
from components.evaluate.robustness.recordings import (
    Condition,
    Recordings,
    nothing_given,
)
from components.evaluate.robustness.setting import inputs_of, kinds_of, network_of, setup_of

NAME = "robustness"
ORDER = 50
# float32 networks agree to about 1e-6 whatever the batch; bf16 is not used to predict.
_TOLERANCE = 1e-3
_KEYS = ["sample_id", "patient_id", "label", "weight"]


def applies(context: Context) -> bool:
    """Return whether the model looks at an ECG and is tested on its own cohort."""
    return not context.external and "ecg" in inputs_of(context)


def analyse(context: Context) -> Section:
    """Return figures under every condition, with the paired difference to the undisturbed."""
    config = context.task.evaluate.robustness
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    drawn = draw(tests, records=config.records, seed=config.seed)
    wanted = conditions(setup_of(context, tests, drawn))
    parts: list[pd.DataFrame] = []
    work = sum(map(len, drawn)) * (1 + sum(c.change is not None for c in wanted))
    with progress("evaluate: disturbed recordings", work, "predictions") as advance:
        for test, index in zip(tests, drawn, strict=True):
            parts.append(_fold(context, test, index, wanted, advance))
    available = sum(len(test.frame) for test in tests)
    frame = pd.concat(parts, ignore_index=True)
    found = compare(frame, wanted, context.plan, of_records=available)
    svg = forest(
        wording.picture(found), title="AUROC of disturbed recordings",
        line=found.base["auroc"].value, chance=0.5,
    )  # fmt: skip
    return Section(
        name=NAME,
        title="How robust is it?",
        text=wording.paragraphs(found, seed=config.seed, folded=context.tables.folded),
        tables=wording.tables(found),
        plots=(Plot(name=NAME, svg=svg, alt="AUROC with interval, by disturbance", wide=True),),
        figures={
            f"robustness/{each.condition.key}/{name}": interval
            for each in found.disturbed
            for name, interval in each.figures.items()
        },
    )


def _fold(
    context: Context,
    test: FoldTest,
    index: Index,
    wanted: Sequence[Condition],
    advance: Advance,
) -> pd.DataFrame:
    """Return a fold's drawn records with a pair of columns per condition that changes something."""
    changing = [(c.key, c.change) for c in wanted if c.change is not None]
    logits = disturbed_logits(
        network_of(context, test.fold),
        test.rows,
        index,
        [_unchanged, *(change for _, change in changing)],
        absent=nothing_given(test.rows, kinds_of(context)),
        advance=advance,
    )
    own = test.frame.iloc[index]
    base = own["logit"].to_numpy(np.float64)
    _check(base, logits[0])
    named = {BASE: base} | {key: row for (key, _), row in zip(changing, logits[1:], strict=True)}
    columns = {f"logit.{key}": row for key, row in named.items()}
    columns |= {f"calibrated.{key}": _calibrated(test, row) for key, row in named.items()}
    repeat, fold = position(test.fold)
    return own[_KEYS].assign(repeat=repeat, fold=fold, **columns)


def _unchanged(recordings: Recordings) -> Recordings:
    return recordings


def _check(reported: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> None:
    """Refuse to compare where undisturbed recordings do not give the reported logits.

    Raises:
        CardioError: they do not.
    """
    gap = float(np.abs(reported - found).max())
    if not gap <= _TOLERANCE:
        raise CardioError(
            f"undisturbed recordings give logits that differ by {gap:.2g} from those reported; "
            "this is a fault of the software, so no disturbance is compared"
        )


def _calibrated(test: FoldTest, logit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return calibrated logits, NaN where a record has no answer."""
    known = np.isfinite(logit)
    out = np.full_like(logit, np.nan)
    out[known] = test.calibration.recalibrator.logit(logit[known])
    return out
