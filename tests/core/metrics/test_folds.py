"""Figures inside folds and their mean."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.core.errors import InputError
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.folds import FoldTable, per_fold, within_fold, within_fold_difference
from components.core.metrics.resampling import Plan
from tests.core.metrics.data import predictions

PLAN = Plan(draws=100)


def table(*, repeats: int = 3, folds: int = 5, shift: float = 0.0) -> FoldTable:
    """Repeated cross-validation in which each fold's model may have its own scale of scores."""
    data = predictions(31, patients=150)
    rng = np.random.default_rng(0)
    ids = np.unique(data.patient)
    parts = []
    for repeat in range(repeats):
        of_patient = dict(zip(ids, rng.permutation(ids.size) % folds, strict=True))
        fold = np.array([of_patient[patient] for patient in data.patient])
        noise = rng.normal(0, 0.3, data.y.size)
        parts.append((np.full(data.y.size, repeat), fold, data.prob + noise + shift * fold))
    repeat, fold, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return FoldTable(
        patient=np.tile(data.patient, repeats),
        repeat=repeat,
        fold=fold,
        y=np.tile(data.y, repeats),
        score=score,
    )


def test_value_is_the_mean_of_the_figures_of_the_folds() -> None:
    cells = table()
    by_hand = [
        roc_auc_score(np.asarray(cells.y)[rows], np.asarray(cells.score)[rows])
        for rows in cells.cells().values()
    ]
    assert len(by_hand) == 15
    found = within_fold(cells, metrics=["auroc"], plan=PLAN)["auroc"]
    assert found.value == pytest.approx(np.mean(by_hand))
    assert found.lo < found.value < found.hi
    assert "variance of training not included" in found.method
    assert [row.figures["auroc"] for row in per_fold(cells)] == pytest.approx(by_hand)


def test_scales_that_differ_between_folds_do_not_matter_within_them() -> None:
    plain, shifted = (within_fold(table(shift=shift), plan=PLAN)["auroc"] for shift in (0.0, 5.0))
    assert shifted == plain
    mixed = table(shift=5.0)
    pooled = bootstrap(mixed.y, mixed.score, mixed.patient, metrics=["auroc"], plan=PLAN)["auroc"]
    assert pooled.value < plain.lo


def test_one_fold_is_the_plain_bootstrap() -> None:
    one = table(repeats=1, folds=1)
    plain = bootstrap(one.y, one.score, one.patient, metrics=["auroc"], plan=PLAN)["auroc"]
    found = within_fold(one, metrics=["auroc"], plan=PLAN)["auroc"]
    assert (found.value, found.lo, found.hi) == pytest.approx((plain.value, plain.lo, plain.hi))


def test_weights_count_within_folds() -> None:
    cells = table()
    weight = np.random.default_rng(1).choice([0.0, 1.0, 3.0], size=np.asarray(cells.y).size)
    weighted = FoldTable(
        patient=cells.patient,
        repeat=cells.repeat,
        fold=cells.fold,
        y=cells.y,
        score=cells.score,
        weight=weight,
    )
    y, score = np.asarray(cells.y), np.asarray(cells.score)
    by_hand = [
        roc_auc_score(y[rows], score[rows], sample_weight=weight[rows])
        for rows in cells.cells().values()
    ]
    found = within_fold(weighted, metrics=["auroc"], plan=PLAN)["auroc"]
    assert found.value == pytest.approx(np.mean(by_hand))


def test_a_fold_without_a_class_is_left_out_and_shown_as_undefined() -> None:
    cells = FoldTable(
        patient=np.arange(8),
        repeat=np.zeros(8, dtype=np.int64),
        fold=np.repeat([0, 1], 4),
        y=[0, 0, 1, 1, 0, 0, 0, 0],
        score=[0.1, 0.6, 0.5, 0.9, 0.1, 0.2, 0.3, 0.4],
    )
    rows = per_fold(cells, metrics=["auroc"])
    assert [(row.repeat, row.fold, row.rows, row.positives) for row in rows] == [
        (0, 0, 4, 2),
        (0, 1, 4, 0),
    ]
    assert np.isnan(rows[1].figures["auroc"])
    assert within_fold(cells, metrics=["auroc"], plan=PLAN)["auroc"].value == 0.75


def test_difference_of_a_model_from_itself_and_from_a_worse_one() -> None:
    cells = table()
    same = within_fold_difference(cells, cells.score, metrics=["auroc"], plan=PLAN)["auroc"]
    assert (same.value, same.lo, same.hi) == (0, 0, 0)
    chance = np.zeros(np.asarray(cells.y).size)
    better = within_fold_difference(cells, chance, metrics=["auroc"], plan=PLAN)["auroc"]
    assert better.lo > 0
    assert better.method.startswith("paired difference, mean of within-fold")


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="column 'fold' has 1 rows where 2 are needed"):
        FoldTable(
            patient=np.arange(2),
            repeat=np.zeros(2, dtype=np.int64),
            fold=np.zeros(1, dtype=np.int64),
            y=[0, 1],
            score=[0.1, 0.2],
        )


def test_repeats_whose_first_rows_are_numbered_like_patients() -> None:
    patients, rng = 60, np.random.default_rng(2)
    y = np.tile(rng.integers(0, 2, patients), 2)
    cells = FoldTable(
        patient=np.tile(np.arange(patients), 2),
        repeat=np.repeat([0, 1], patients),
        fold=np.zeros(2 * patients, dtype=np.int64),
        y=y,
        score=rng.normal(size=2 * patients) + y,
    )
    found = within_fold(cells, metrics=["auroc"], plan=PLAN)["auroc"]
    assert found.lo < found.value < found.hi
