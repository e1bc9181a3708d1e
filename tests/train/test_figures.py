"""Validation figures of several heads: each by its own truth and by its own censoring."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.cohort import Rows
from components.core.heads.censoring import view_weights
from components.train.figures import Figures
from tests.train.embedded import cohort, parts

HEADS: HeadMap = {
    "toy": BinaryHead(),
    "recurrence": BinaryHead(endpoint="recurrence", horizon_days=730),
}


def followed(rows: Rows, seed: int) -> Rows:
    """Return rows with times to recurrence; who is censored before two years is not known."""
    rng = np.random.default_rng(seed)
    time, code = rng.uniform(100, 1500, len(rows)), rng.integers(0, 3, len(rows)).astype(float)
    time[0], code[0] = 1600.0 - seed, 0  # whoever is followed longest is in training
    truth = np.where((code == 1) & (time <= 730), 1.0, 0.0)
    truth[(code == 0) & (time < 730)] = np.nan
    columns = {"time_days.recurrence": time, "event_code.recurrence": code, "y.recurrence": truth}
    return replace(rows, frame=rows.frame.assign(**columns))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        train, val = parts(cohort())
    return followed(train, 0), followed(val, 1)


def added(rows: tuple[Rows, Rows], logits: torch.Tensor) -> tuple[Figures, dict[str, float]]:
    figures = Figures(HEADS, rows[1], rows[0])
    for half in torch.arange(len(logits)).split(17):
        pair = torch.stack([-logits[half] / 2, logits[half] / 2], dim=1)
        losses = {"toy": 1.0, "recurrence": float(len(half)), "": 2.0}
        figures.add({"toy": pair, "recurrence": pair}, losses)
    return figures, figures.take()


def test_a_head_of_another_endpoint_is_weighed_by_its_own_censoring(
    rows: tuple[Rows, Rows],
) -> None:
    frame = rows[1].frame
    logits = torch.randn(len(frame), generator=torch.Generator().manual_seed(0))
    figures, found = added(rows, logits)
    weight = view_weights(HEADS["recurrence"], frame, rows[0].frame)
    known = frame["y.recurrence"].notna().to_numpy()
    assert len(np.unique(weight[known])) > 5
    own = frame["y.recurrence"][known], logits.numpy()[known]
    for name, judge in (("auroc", roc_auc_score), ("auprc", average_precision_score)):
        expected = judge(*own, sample_weight=weight[known])
        assert found[f"val/{name}_recurrence"] == pytest.approx(expected)
        both = (found[f"val/{name}_recurrence"] + found[f"val/{name}_toy"]) / 2
        assert found[f"val/{name}_mean"] == pytest.approx(both)
    assert figures.judged == ("toy", "recurrence")
    assert (found["val/loss"], found["val/loss_toy"]) == (2.0, 1.0)
    sizes = np.array([len(half) for half in torch.arange(len(frame)).split(17)])
    assert found["val/loss_recurrence"] == pytest.approx((sizes**2).sum() / sizes.sum())


def test_the_figures_of_a_network_that_diverged_are_not_numbers(
    rows: tuple[Rows, Rows],
) -> None:
    _, found = added(rows, torch.full((len(rows[1]),), math.nan))
    assert all(math.isnan(found[f"val/auroc{end}"]) for end in ("", "_toy", "_recurrence", "_mean"))
