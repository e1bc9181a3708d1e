"""A confidence head against simple scores: which answers of the judged head are wrong?

Rows are records of folds, since the head judges one answer; patients are drawn whole. Ranking
figures are means of within-fold ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import ConfidenceHead
from components.core.errors import CardioError
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.calibration import error_family
from components.core.metrics.checks import FloatArray
from components.core.metrics.discrimination import family as ranking_family
from components.core.metrics.folds import NOTE, mean_over
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Sample, Scale, Statistic, joined
from components.core.metrics.part import observed_expected, renamed
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.selective import selective
from components.core.metrics.tables import Figures, floats
from components.evaluate.heads.tables import is_folded, known, output, require, truth

# The head itself; distance of the judged head's probability from one half, and of its logit from
# the threshold by which answers were called right or wrong.
HEAD, HALF, THRESHOLD = "head", "half", "threshold"


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Answers of a head with known correctness, one row per (repeat, fold, record).

    Attributes:
        frame: `patient_id, repeat, fold, wrong` and one column per score, higher = more confident.
        scores: whose columns there are.
        records: different ones.
    """

    frame: pd.DataFrame
    scores: tuple[str, ...]
    records: int

    @property
    def powered(self) -> bool:
        """Return whether 20 patients have a wrong answer and 20 a right one."""
        counts = self.frame.groupby("wrong")["patient_id"].nunique()
        return len(counts) == 2 and int(counts.min()) >= RARE_PATIENTS


def judged(frame: pd.DataFrame, name: str, head: ConfidenceHead) -> Judged:
    """Return the answers whose correctness is known.

    Args:
        frame: the table of heads.
        name: of the confidence head; its truth is 1 where the answer is right.
        head: whom it judges.

    Raises:
        CardioError: a column is missing.
    """
    own, other = output(name, "p"), output(head.of, "p")
    rows = known(frame, name)
    require(rows, [own, other])
    found = rows[["sample_id", "patient_id", "repeat", "fold"]].assign(
        **{
            "wrong": 1.0 - rows[truth(name)],
            HEAD: rows[own],
            HALF: (rows[other] - 0.5).abs(),
        }
    )
    scores = (HEAD, HALF)
    distance = threshold_distance(rows, name, head.of)
    if distance is not None:
        found[THRESHOLD], scores = distance, (*scores, THRESHOLD)
    return Judged(frame=found, scores=scores, records=int(rows["sample_id"].nunique()))


def threshold_distance(rows: pd.DataFrame, name: str, of: str) -> FloatArray | None:
    """Return `[n]` the distance of the judged logit from its fold's threshold.

    The threshold is read off the answers: where the judged head's truth is known, a right answer
    says what was called. None where the calls of a fold are not divided by the logit, or all the
    same.

    Args:
        rows: of the table of heads with known correctness.
        name: of the confidence head.
        of: whom it judges.
    """
    logit, label = output(of, "logit"), truth(of)
    if not {logit, label} <= set(rows.columns) or rows[label].isna().any():
        return None
    called = np.where(rows[truth(name)] == 1, rows[label], 1 - rows[label])
    values = floats(rows, logit)
    found = np.full(len(rows), np.nan)
    for inside in cells(rows):
        above, below = (values[inside][called[inside] == side] for side in (1, 0))
        if not above.size or not below.size or below.max() > above.min():
            return None
        found[inside] = np.abs(values[inside] - 0.5 * (below.max() + above.min()))
    return found


def cells(frame: pd.DataFrame) -> list[npt.NDArray[np.int64]]:
    """Return the places of each fold's rows."""
    places = frame.groupby(["repeat", "fold"], sort=True).indices.values()
    return [np.asarray(rows, dtype=np.int64) for rows in places]


def confidence_figures(found: Judged, plan: Plan) -> Figures:
    """Return the figures of every score, and the head's minus those of each simple score.

    `<score>|<figure>` with `wrong_auroc` (1 − confidence as a score of being wrong) and those of
    `selective`; `<score>-head|<figure>`: head minus that score; `accuracy`, `wrong`, and
    `observed_expected` (right answers over the sum of confidences), `brier` and `ece` of the head.

    Raises:
        InputError: no row, or a confidence outside [0, 1].
    """
    frame = found.frame
    wrong = floats(frame, "wrong")
    each = {score: _ranking(frame, score) for score in found.scores}
    parts = [_named(score, statistic) for score, statistic in each.items()]
    parts += [
        _named(f"{score}-{HEAD}", difference(each[HEAD], each[score]))
        for score in found.scores
        if score != HEAD
    ]
    right = observed_expected(1 - wrong, floats(frame, HEAD))
    errors = error_family(Sample(y=1 - wrong, score=floats(frame, HEAD)), ("brier", "ece"))
    parts += [renamed(right, ("accuracy", "observed_expected")), errors]
    statistic = joined(parts)
    within = clusters(frame["patient_id"].to_numpy(), wrong, weight=None, plan=plan)
    scales: dict[str, Scale] = {f"{score}|wrong_auroc": "logit" for score in found.scores}
    note = NOTE if is_folded(frame) else ""
    figures = intervals(statistic, within, weight=None, plan=plan, note=note, scales=scales)
    return figures | {"wrong": _complement(figures["accuracy"])}


def _ranking(frame: pd.DataFrame, score: str) -> Statistic:
    wrong, confidence = floats(frame, "wrong"), floats(frame, score)
    each: list[tuple[npt.NDArray[np.int64], Statistic]] = []
    for rows in cells(frame):
        sample = Sample(y=wrong[rows], score=-confidence[rows])
        auroc = renamed(ranking_family(sample, ("auroc",)), ("wrong_auroc",))
        each.append((rows, joined([auroc, selective(wrong[rows], confidence[rows])])))
    return mean_over(each)


def _named(who: str, statistic: Statistic) -> Statistic:
    return renamed(statistic, tuple(f"{who}|{name}" for name in statistic.names))


def _complement(share: Interval) -> Interval:
    return Interval(
        1 - share.value, 1 - share.hi, 1 - share.lo, share.n_draws, share.undefined, share.method
    )


def check_probability(found: Judged) -> None:
    """Refuse a confidence that is none.

    Raises:
        CardioError: a value outside [0, 1], or none at all.
    """
    values = floats(found.frame, HEAD)
    bad = values[~((values >= 0) & (values <= 1))]
    if bad.size:
        raise CardioError(
            f"a confidence is {bad[0]:g}, outside [0, 1], in {bad.size} rows; this is a fault of "
            "the software"
        )
