"""Logistic regression whose penalty is chosen by cross-validation within its own patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.core.errors import InputError

Floats = npt.NDArray[np.float64]
# From nearly no penalty to one that leaves the mean: the inner folds choose.
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
INNER_FOLDS = 5
# A prediction this sure costs 35 in log loss if it is wrong; further off float64 has no logit.
_CLIP = 1e-15


@dataclass(frozen=True, kw_only=True, eq=False)
class Cases:
    """Rows to learn from.

    Attributes:
        x: `[n, d]` predictors; NaN where missing.
        label: `[n]` 0 or 1.
        weight: `[n]` by inverse probability of censoring; they count in fitting and in choosing.
        groups: `[n]` number of the patient, who is never on both sides of an inner fold.
    """

    x: npt.NDArray[np.floating[Any]]
    label: npt.NDArray[np.int64]
    weight: Floats
    groups: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted regression.

    Attributes:
        model: the scikit-learn pipeline.
        penalty: scikit-learn's C that was chosen.
        losses: `[len(PENALTIES)]` weighted mean log loss of each penalty on inner held-out rows.
    """

    model: Any
    penalty: float
    losses: Floats

    def predict(self, x: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return `[n]` probabilities of label 1."""
        return np.asarray(self.model.predict_proba(x)[:, 1], dtype=np.float64)


def fit_regression(cases: Cases) -> Regression:
    """Return the regression with the penalty of the least weighted log loss on inner folds.

    Imputation and scaling are fitted inside each inner fold; the folds keep patients whole.

    Raises:
        InputError: fewer than two patients of a class, so that nothing can be held out.
    """
    x = cases.x.astype(np.float64)
    totals = np.zeros(len(PENALTIES))
    for train, held in inner_folds(cases):
        prepare = _preparation(x[train].shape).fit(x[train])
        seen, unseen = prepare.transform(x[train]), prepare.transform(x[held])
        for i, penalty in enumerate(PENALTIES):
            model = _logistic(penalty).fit(
                seen, cases.label[train], sample_weight=cases.weight[train]
            )
            found = np.asarray(model.predict_proba(unseen)[:, 1], dtype=np.float64)
            totals[i] += _log_loss(found, cases.label[held], cases.weight[held])
    best = PENALTIES[int(np.argmin(totals))]
    model = make_pipeline(_preparation(x.shape), _logistic(best))
    model.fit(x, cases.label, logisticregression__sample_weight=cases.weight)
    return Regression(model, best, totals / cases.weight.sum())


def inner_folds(cases: Cases) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return (rows to fit on, rows held out) of each inner fold, patients whole, stratified.

    Raises:
        InputError: as `fit_regression`.
    """
    drawn = _drawn(cases.label, cases.groups)
    if not drawn:
        classes = _patients(cases.label, cases.groups)
        raise InputError(
            f"the simple models learn from {classes[1]} patient(s) with and {classes[0]} without "
            "the event, too few to hold some of each class out; bring more data or set "
            "evaluate.baselines=[]"
        )
    return drawn


def holds_out(label: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> bool:
    """Return whether patients of each class can be held out, as `fit_regression` needs.

    Args:
        label: `[n]` 0 or 1.
        groups: `[n]` number of the patient.
    """
    return bool(_drawn(label, groups))


def _drawn(
    label: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return the inner folds; none where some would lack a class to learn from."""
    count = min(INNER_FOLDS, *_patients(label, groups))
    if count < 2:
        return []
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=0)
    drawn = list(folds.split(label, label, groups))
    return drawn if all(len(np.unique(label[train])) == 2 for train, _ in drawn) else []


def _patients(label: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> list[int]:
    return [len(np.unique(groups[label == value])) for value in (0, 1)]


def _preparation(shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - a scikit-learn estimator
    # A lead that is missing in everyone has no summary, and keeps its (constant) column.
    steps: list[Any] = [SimpleImputer(keep_empty_features=True), StandardScaler()]
    rows, columns = shape
    if columns > rows:
        # A ridge penalty is the same in every direction and its solution lies in the span of the
        # rows: turned into that span the fit is the same, and a step costs rows³, not columns³.
        steps.append(PCA(rows, svd_solver="full"))
    return make_pipeline(*steps)


def _logistic(penalty: float) -> LogisticRegression:
    # Newton's method: a few exact steps where there are more rows than columns.
    return LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=2000)


def _log_loss(probability: Floats, label: npt.NDArray[np.int64], weight: Floats) -> float:
    inside = np.clip(probability, _CLIP, 1 - _CLIP)
    return -float(weight @ np.where(label == 1, np.log(inside), np.log1p(-inside)))
