"""How a training of several modalities went, in four panels; and one with losses of its own."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.contribution_facts import Network, percent, targets
from components.core.modalities import TITLES
from components.core.report.style import BLACK, BLUE, DASHES, GREEN, GREY, ORANGE, SERIES, STYLE

# Inches; at the 150 dots per inch of `render` 1,200 px wide.
_SIZE = (8.0, 6.4)
_BAND = "#e3efe9"
_SHADE = "#eeeeee"
_OWN = "train/loss_"
_NOT_OWN = ("train/loss_main",)
# Behind a number, so that lines do not cross it.
_PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
# Column of the history → line, colour and dashes. The branches' own losses are in `train/loss`,
# which is the main one where there are no others.
_LOSSES = {
    "train/loss": ("training, all losses", BLUE, "--"),
    "train/loss_main": ("training, main", BLUE, "-"),
    "val/loss": ("validation, main", ORANGE, "-"),
}
_ALONE = {"train/loss": ("training, main", BLUE, "-")}
_SKILL = {
    "val/auroc": ("AUROC", BLUE, "-"),
    "val/accuracy": ("accuracy at 0.5", GREEN, "--"),
}


@mpl.rc_context(STYLE)
def training_history(history: pd.DataFrame, network: Network) -> Figure:
    """Return losses, skill and contributions over the epochs, and the contributions that were kept.

    Args:
        history: one row per epoch, with the columns that a training logs.
        network: what the modalities contribute at the kept epoch.
    """
    figure = Figure(figsize=_SIZE, layout="constrained")
    loss, skill, course, final = figure.subplots(2, 2).ravel()
    for axes in (loss, skill, course):
        axes.axvline(network.epoch + 1, color=GREY, lw=1, ls=":")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("Epoch (dotted: kept)")
    for axes in (loss, skill, course):
        _shade(axes, history)
    _lines(loss, history, _LOSSES if "train/loss_main" in history else _LOSSES | _ALONE)
    loss.set(title="Loss", ylabel="Loss")
    _lines(skill, history, _SKILL)
    skill.axhline(network.constant, color=GREY, lw=1, ls="--", label="accuracy of a constant")
    skill.axhline(0.5, color=GREY, lw=1, ls=":", label="AUROC by chance")
    skill.set(title="Validation, patient by patient", ylabel="AUROC, accuracy", ylim=(None, 1.01))
    _course(course, history, network)
    _final(final, network)
    for axes in (loss, skill, course):
        axes.legend(fontsize=8, loc="best")
    return figure


@mpl.rc_context(STYLE)
def pretrained_history(history: pd.DataFrame, kept: int) -> Figure:
    """Return losses, the model's own losses, imputation and skill over the epochs.

    Epochs before the heads learned are shaded.

    Args:
        history: one row per epoch, with the columns that a training logs.
        kept: number of the epoch that goes on, from 0.
    """
    figure = Figure(figsize=_SIZE, layout="constrained")
    loss, own, imputed, skill = figure.subplots(2, 2).ravel()
    for axes in (loss, own, imputed, skill):
        axes.axvline(kept + 1, color=GREY, lw=1, ls=":")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("Epoch (dotted: kept)")
        _shade(axes, history)
    _lines(loss, history, _LOSSES if "train/loss_main" in history else _LOSSES | _ALONE)
    loss.set(title="Loss", ylabel="Loss")
    _lines(own, history, _series(history, _OWN, _NOT_OWN))
    own.set(title="The model's own losses, unweighted", ylabel="Loss")
    _lines(imputed, history, {"val/impute": ("hidden modalities", BLUE, "-")})
    imputed.axhline(1.0, color=GREY, lw=1, ls="--", label="the training mean")
    imputed.set(title="Imputation, validation", ylabel="Squared error over the mean's")
    _lines(skill, history, _series(history, "val/auroc_") or _SKILL)
    skill.axhline(0.5, color=GREY, lw=1, ls=":", label="AUROC by chance")
    skill.set(title="Validation, patient by patient", ylabel="AUROC", ylim=(None, 1.01))
    for axes in (loss, own, imputed, skill):
        axes.legend(fontsize=8, loc="best")
    return figure


def _series(
    history: pd.DataFrame, prefix: str, without: tuple[str, ...] = ()
) -> dict[str, tuple[str, str, str]]:
    """Return column → label, colour and dashes of the columns of a prefix."""
    found = [c for c in history.columns if c.startswith(prefix) and c not in without]
    return {
        column: (column.removeprefix(prefix), SERIES[place % len(SERIES)], _dashes(place))
        for place, column in enumerate(found)
    }


def _dashes(place: int) -> str:
    return ("-", "--", "-.", ":")[place % 4]


def _shade(axes: Axes, history: pd.DataFrame) -> None:
    """Shade the epochs before the heads learned, where there are any."""
    if "train/pretraining" not in history:
        return
    last = int((history["train/pretraining"] > 0).sum())
    if last:
        axes.axvspan(0.5, last + 0.5, color=_SHADE, zorder=0, label="pretraining")


def _lines(axes: Axes, history: pd.DataFrame, wanted: dict[str, tuple[str, str, str]]) -> None:
    for column, (label, colour, dashes) in wanted.items():
        if column in history:
            axes.plot(history["epoch"] + 1, history[column], color=colour, ls=dashes, lw=1.6,
                      marker="o", ms=2.5, label=label)  # fmt: skip


def _course(axes: Axes, history: pd.DataFrame, network: Network) -> None:
    aims(axes, len(network.names), upright=False)
    for place, name in enumerate(network.names):
        column = f"contrib/{name}"
        if column in history:
            axes.plot(history["epoch"] + 1, 100 * history[column], color=SERIES[place],
                      ls=DASHES[place], lw=1.6, marker="o", ms=2.5, label=title(name))  # fmt: skip
    axes.set(title="Contributions over the epochs", ylabel="Share of Shapley values, %",
             ylim=(-2, 102))  # fmt: skip


def _final(axes: Axes, network: Network) -> None:
    aims(axes, len(network.names), upright=True)
    share, phi = network.share, network.phi
    for place, name in enumerate(network.names):
        width = 0.0 if math.isnan(share[name]) else 100 * share[name]
        axes.barh(place, width, height=0.5, color=SERIES[place], zorder=2)
        axes.text(width + 1.5, place, percent(share[name]), va="center", color=BLACK, bbox=_PLATE)
    # Under the name of each bar, in the same units as the AUROC.
    labels = [f"{title(n)}\nφ {phi[n]:+.3f}\nshuffled −{network.fall[n]:.3f}".replace("−-", "+")
              for n in network.names]  # fmt: skip
    axes.set_yticks(np.arange(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(title=f"Contributions at epoch {network.epoch + 1}, AUROC {network.auroc:.3f}",
             xlabel="Share of Shapley values, %", xlim=(0, 115))  # fmt: skip


def aims(axes: Axes, modalities: int, *, upright: bool) -> None:
    """Shade the band that shares should lie in and draw the bounds that they are warned beyond.

    Args:
        axes: with shares in percent.
        modalities: among which the shares are.
        upright: the shares run from left to right.
    """
    (low, high), bounds = targets(modalities)
    span, line = (axes.axvspan, axes.axvline) if upright else (axes.axhspan, axes.axhline)
    label = f"aim {percent(low, 0)} to {percent(high, 0)}"
    span(100 * low, 100 * high, color=_BAND, zorder=0, label=label)
    label = f"warned of beyond {percent(bounds[0], 0)} and {percent(bounds[1], 0)}"
    for bound in bounds:
        line(100 * bound, color=ORANGE, lw=1, ls=":", zorder=2, label=label)
        label = ""


def title(name: str) -> str:
    """Return a modality's name in a picture.

    >>> title("pcg"), title("ct")
    ('heart sound', 'ct')
    """
    return TITLES.get(name, name)
