"""The four panels of a training."""

from __future__ import annotations

import math
from io import BytesIO

import pandas as pd
import pytest
from PIL import Image

from components.core.report.style import render
from components.core.report.training_history import pretrained_history, training_history
from tests.core.test_contribution_facts import network

HISTORY = pd.DataFrame(
    {
        "epoch": [0.0, 1, 2, 3], "train/loss": [0.9, 0.8, 0.7, 0.6],
        "val/loss": [0.8, 0.7, 0.6, 0.5],
        "train/loss_main": [0.7, 0.6, 0.5, 0.4], "val/auroc": [0.6, 0.7, 0.8, 0.9],
        "val/accuracy": [0.5, 0.6, 0.7, 0.8], "contrib/ecg_image": [math.nan, 0.2, 0.3, 0.25],
        "contrib/pcg": [math.nan, 0.5, 0.4, 0.5], "contrib/tabular": [math.nan, 0.3, 0.3, 0.25],
    }
)  # fmt: skip


def test_four_panels_show_what_was_logged() -> None:
    figure = training_history(HISTORY, network(0.1, 0.2, 0.1))
    loss, skill, course, final = figure.axes
    named = {line.get_label(): line for line in loss.lines}
    assert named["training, main"].get_ydata().tolist() == [0.7, 0.6, 0.5, 0.4]
    assert named["validation, main"].get_xdata().tolist() == [1, 2, 3, 4]
    assert {"AUROC", "accuracy at 0.5"} <= {line.get_label() for line in skill.lines}
    shares = {line.get_label(): line for line in course.lines}
    assert shares["heart sound"].get_ydata().tolist()[1:] == [50, 40, 50]
    names = [label.get_text().split("\n")[0] for label in final.get_yticklabels()]
    bars = dict(zip(names, [bar.get_width() for bar in final.patches[1:]], strict=True))
    assert bars == pytest.approx({"clinical fields": 25, "ECG image": 25, "heart sound": 50})
    assert "shuffled −0.100" in final.get_yticklabels()[2].get_text()
    assert {text.get_text() for text in final.texts} == {"25.0 %", "50.0 %"}
    assert "epoch 4, AUROC 0.900" in final.get_title(loc="left")


def test_the_picture_is_1200_pixels_wide() -> None:
    figure = training_history(HISTORY, network(0.1, 0.2, 0.1))
    assert Image.open(BytesIO(render(figure, "png"))).size[0] == 1200


def test_a_history_without_main_loss_and_shares_that_are_not_defined() -> None:
    short = HISTORY[["epoch", "train/loss", "val/loss", "val/auroc"]]
    figure = training_history(short, network(0, 0, -0.1))
    assert [line.get_label() for line in figure.axes[0].lines[1:]] == [
        "training, main", "validation, main",
    ]  # fmt: skip
    assert {text.get_text() for text in figure.axes[3].texts} == {"undefined"}
    assert "shuffled +0.050" in figure.axes[3].get_yticklabels()[0].get_text()


PRETRAINED = pd.DataFrame(
    {
        "epoch": [0.0, 1, 2], "train/loss": [0.9, 0.8, 1.2], "val/loss": [0.8, 0.7, 0.6],
        "train/loss_main": [math.nan, math.nan, 0.7], "train/loss_impute": [0.8, 0.7, 0.4],
        "train/loss_kl": [0.1, 0.1, 0.1], "train/pretraining": [1.0, 1, 0],
        "val/impute": [0.9, 0.7, 0.6], "val/auroc": [0.5, 0.5, 0.7],
        "val/auroc_survival": [0.5, 0.5, 0.7], "val/auroc_recurrence": [0.5, 0.5, 0.6],
    }
)  # fmt: skip


def labels(axes: object) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[attr-defined]


def test_pretraining_is_shaded_and_own_losses_are_drawn() -> None:
    loss, own, imputed, skill = pretrained_history(PRETRAINED, 2).axes
    for axes in (loss, own, imputed, skill):
        (shade,) = axes.patches
        assert shade.get_x() + shade.get_width() == 2.5
    assert labels(own) == ["pretraining", "impute", "kl"]
    assert labels(imputed) == ["pretraining", "hidden modalities", "the training mean"]
    assert labels(skill) == ["pretraining", "survival", "recurrence", "AUROC by chance"]
    lines = {line.get_label(): line for line in imputed.lines}
    assert lines["hidden modalities"].get_ydata().tolist() == [0.9, 0.7, 0.6]


def test_a_training_without_pretraining_has_no_shade() -> None:
    bare = PRETRAINED.drop(columns=["train/pretraining", "train/loss_main", "val/auroc_survival",
                                    "val/auroc_recurrence"])  # fmt: skip
    for history in (bare, PRETRAINED.assign(**{"train/pretraining": 0.0})):
        assert not [patch for axes in pretrained_history(history, 0).axes for patch in axes.patches]
    assert "AUROC" in labels(pretrained_history(bare, 0).axes[3])


def test_branches_that_are_pretrained_are_shaded_too() -> None:
    shaded = training_history(
        HISTORY.assign(**{"train/pretraining": [1.0, 0, 0, 0]}), network(0.1, 0.2, 0.1)
    )
    assert labels(shaded.axes[0])[0] == "pretraining"
