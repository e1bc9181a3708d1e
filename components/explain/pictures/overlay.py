"""Single records: which are shown, and their ECG with the attribution along the trace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from components.core.errors import CardioError
from components.core.report.attributed.facts import facts, risk_words
from components.core.report.ecg_paper import Paper, Tracing, draw
from components.core.report.section import Plot

Floats = npt.NDArray[np.float64]
# Records are shown under these names alone (`core.row_names`).
_ROW_NAME = re.compile(r"row-\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model says of one record.

    Attributes:
        name: `row-N`, or `row-N.k` where a line brought several records.
        log_odds: of the event.
        baseline: log-odds of the baseline, from which attributions start; None where not known.
        sums: group → its attribution in log-odds, for the sheet's head (segments, say).
        risk: calibrated; None shows the uncalibrated one that the log-odds give.
    """

    name: str
    log_odds: float
    baseline: float | None
    sums: Mapping[str, float]
    risk: float | None = None

    def __post_init__(self) -> None:
        if not _ROW_NAME.fullmatch(self.name):
            # The name itself may be an identifier, so it is not repeated.
            raise CardioError("a record is to be shown under something else than row-N; take its "
                              "name from core.row_names")  # fmt: skip

    def facts(self) -> tuple[str, ...]:
        """Return the lines that stand under the record's name."""
        risk = f"uncalibrated {risk_words(float(expit(self.log_odds)))}"
        if self.risk is not None:
            risk = risk_words(self.risk)
        return facts(self.log_odds, self.baseline, self.sums, risk=risk)


def shown(log_odds: Floats, count: int) -> npt.NDArray[np.int64]:
    """Return which of `[n]` records to show: highest, lowest and middle risk in turn.

    Args:
        log_odds: of the records.
        count: how many; all where there are fewer.
    """
    order = np.argsort(-log_odds, kind="stable")
    middle = order[np.argsort(np.abs(np.arange(order.size) - (order.size - 1) / 2), kind="stable")]
    lists = (order.tolist(), order[::-1].tolist(), middle.tolist())
    turns = (record for turn in zip(*lists, strict=True) for record in turn)
    picked = list(dict.fromkeys(turns))[: min(count, order.size)]
    return np.array(sorted(picked, key=lambda k: (-log_odds[k], k)), np.int64)


def overlay(tracing: Tracing, answer: Answer, *, paper: Paper) -> Plot:
    """Return the record's ECG on paper.

    Args:
        tracing: signals in mV, attribution, segments.
        answer: what the model says of it.
        paper: how it is drawn.
    """
    svg = draw(tracing, title=answer.name, facts=answer.facts(), paper=paper)
    alt = f"ECG of {answer.name} with attribution. {'; '.join(answer.facts())}."
    return Plot(name=f"ecg-{answer.name}", svg=svg, alt=alt, wide=True)


def millivolts(
    ecg: npt.NDArray[np.floating], *, mean: Floats, sd: Floats, real: npt.NDArray[np.bool_]
) -> Floats:
    """Return `[B, K, L]` mV of z-scores; NaN in padding and missing leads.

    Args:
        ecg: `[B, K, L]` z-scores.
        mean: `[K]` mV by which they were made.
        sd: `[K]` mV.
        real: `[B, K, L]` or what broadcasts to it, False in padding and missing leads
            (`core.data.batches.real_mask`).
    """
    values = ecg * np.asarray(sd)[:, None] + np.asarray(mean)[:, None]
    return np.where(np.broadcast_to(real, values.shape), values, np.nan)
