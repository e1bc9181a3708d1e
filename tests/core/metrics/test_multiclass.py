"""Figures over several classes against scikit-learn, weighted and not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.preprocessing import label_binarize

from components.core.metrics.class_bootstrap import all_class_metrics, class_figures
from components.core.metrics.class_metric import class_sample
from tests.core.metrics.class_data import NAMES, ClassData, class_data


def by_scikit_learn(data: ClassData, own: np.ndarray | None) -> dict[str, float]:
    y, probs, called = data.y, data.probs, data.probs.argmax(axis=1)
    each = label_binarize(y, classes=range(4))
    found = {
        "macro_auroc": peer.roc_auc_score(each, probs, average="macro", sample_weight=own),
        "macro_auprc": peer.average_precision_score(each, probs, sample_weight=own),
        "accuracy": peer.accuracy_score(y, called, sample_weight=own),
        "macro_f1": peer.f1_score(y, called, average="macro", sample_weight=own),
        "weighted_f1": peer.f1_score(y, called, average="weighted", sample_weight=own),
        "log_loss": peer.log_loss(y, probs, sample_weight=own),
        "brier": peer.brier_score_loss(y, probs, sample_weight=own, scale_by_half=False),
        "linear_kappa": peer.cohen_kappa_score(y, called, weights="linear", sample_weight=own),
        "quadratic_kappa": peer.cohen_kappa_score(
            y, called, weights="quadratic", sample_weight=own
        ),
        "class_distance": peer.mean_absolute_error(y, called, sample_weight=own),
    }
    f1 = peer.f1_score(y, called, average=None, sample_weight=own)
    precision = peer.precision_score(y, called, average=None, sample_weight=own)
    recall = peer.recall_score(y, called, average=None, sample_weight=own)
    cells = peer.confusion_matrix(y, called, sample_weight=own)
    reached = probs[:, ::-1].cumsum(axis=1)[:, ::-1]
    for k, name in enumerate(NAMES):
        found[f"auroc/{name}"] = peer.roc_auc_score(each[:, k], probs[:, k], sample_weight=own)
        found[f"auprc/{name}"] = peer.average_precision_score(
            each[:, k], probs[:, k], sample_weight=own
        )
        found[f"f1/{name}"] = f1[k]
        found[f"precision/{name}"] = precision[k]
        found[f"recall/{name}"] = recall[k]
        for j, other in enumerate(NAMES):
            found[f"confusion/{name}/{other}"] = cells[k, j]
        if k:
            found[f"auroc_from/{name}"] = peer.roc_auc_score(
                y >= k, reached[:, k], sample_weight=own
            )
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_every_figure_agrees_with_scikit_learn(seed: int, weighted: bool) -> None:
    data = class_data(seed)
    found = class_figures(data.sample(weighted=weighted), all_class_metrics())
    wanted = by_scikit_learn(data, data.weight if weighted else None)
    assert found == pytest.approx(wanted, abs=1e-9)


def test_every_figure_keeps_its_range_and_is_ideal_for_a_perfect_model() -> None:
    data = class_data(5)
    worst = class_sample(data.y, np.eye(4)[(data.y + 1) % 4])
    perfect = class_sample(data.y, np.eye(4)[data.y])
    for metric in all_class_metrics().values():
        for sample in (data.sample(), worst, perfect):
            for value in class_figures(sample, [metric.name]).values():
                assert metric.lo <= value <= metric.hi
        best = class_figures(perfect, [metric.name])
        assert set(best) == set(metric.keys(perfect.names))
        if metric.direction != "target":
            assert list(best.values()) == pytest.approx([metric.ideal] * len(best))
    assert class_figures(worst, ["log_loss"])["log_loss"] == pytest.approx(-np.log(2**-52))


def test_one_class_missing_leaves_what_needs_it_undefined() -> None:
    y = np.array([0, 0, 2, 2])
    probs = np.array([[0.8, 0.0, 0.2], [0.4, 0.0, 0.6], [0.1, 0.0, 0.9], [0.3, 0.0, 0.7]])
    found = class_figures(class_sample(y, probs), all_class_metrics())
    nan = {name for name, value in found.items() if np.isnan(value)}
    assert nan == {
        "auroc/1", "macro_auroc", "auprc/1", "macro_auprc", "precision/1", "recall/1", "f1/1",
        "macro_f1",
    }  # fmt: skip
    called = probs.argmax(axis=1)
    assert found["weighted_f1"] == pytest.approx(peer.f1_score(y, called, average="weighted"))
    assert found["auroc_from/1"] == found["auroc_from/2"] == 1


def test_agreement_that_chance_would_give_everyone_is_undefined() -> None:
    sample = class_sample([1, 1, 1], np.tile([0.1, 0.8, 0.1], (3, 1)))
    found = class_figures(sample, ["linear_kappa", "quadratic_kappa", "class_distance"])
    assert np.isnan([found["linear_kappa"], found["quadratic_kappa"]]).all()
    assert found["class_distance"] == 0


def test_two_classes_are_the_binary_figures() -> None:
    data = class_data(6)
    y = (data.y > 1).astype(int)
    p = data.probs[:, 2:].sum(axis=1)
    found = class_figures(
        class_sample(y, np.stack([1 - p, p], axis=1)), ["auroc", "auroc_from", "brier"]
    )
    assert found["auroc/0"] == pytest.approx(found["auroc/1"])
    assert found["auroc_from/1"] == pytest.approx(peer.roc_auc_score(y, p))
    assert found["brier"] == pytest.approx(2 * peer.brier_score_loss(y, p))
