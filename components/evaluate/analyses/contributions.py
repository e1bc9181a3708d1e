"""Contributions: how much of what the model can tell does each modality bring?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from components.core.contribution_doubts import doubts
from components.core.contribution_facts import (
    Network,
    Summary,
    cautions,
    percent,
    read,
    summary,
    targets,
    verdict,
)
from components.core.members import Member
from components.core.metrics.interval import number
from components.core.modalities import TITLES
from components.core.report.section import Notice, Plot, Section, Table
from components.core.report.style import render
from components.core.report.training_history import training_history
from components.core.store import Stage
from components.evaluate.analysis import Context

NAME = "contributions"
ORDER = 36  # after the networks trained without an input
# Pictures on the page; one repeat of the usual cross-validation has as many folds.
_MOST_PICTURES = 5


def applies(context: Context) -> bool:
    """Return whether the training measured contributions, on the training's own cohort."""
    return not context.external and bool(read(context.stages.train.facts))


def analyse(context: Context) -> Section:
    """Return shares at the kept epochs, how each training went, and what misses the targets."""
    train = context.stages.train
    found = summary(read(train.facts))
    tables = [_together(found)]
    if len(found.networks) > 1:
        tables.append(_each(found))
    return Section(
        name=NAME,
        title="What does each modality contribute?",
        text=tuple(_sentences(found)),
        tables=tuple(tables),
        plots=tuple(_pictures(train, found)),
        notices=tuple(_notices(found)),
    )


def _sentences(found: Summary) -> Iterator[str]:
    (low, high), (least, most) = targets(len(found.names))
    yield (
        "On the validation part, which chose the epoch: the Shapley value φ of a modality is its "
        "mean gain in AUROC over all orders in which the modalities could come in, the network's "
        "tokens for absent ones in place of the others; the values add up to the AUROC minus 0.5. "
        "A share is a modality's part of all values above 0. Beside it the fall of the AUROC where "
        "a modality is shuffled among the patients that have it."
    )
    yield (
        f"The aim is a share within {percent(low, 0)} to {percent(high, 0)}, none below "
        f"{percent(least, 0)} or above {percent(most, 0)}. It is no proof of use: what two "
        "modalities both know is divided between them, and shares can be evened out by hurting "
        "the better one. Whether the fused model does as well as its best modality is a figure of "
        "its own."
    )
    if len(found.networks) > 1:
        yield (
            f"Means over {len(found.networks)} networks, one per fold and seed; shares are of the "
            "mean Shapley values."
        )


def _together(found: Summary) -> Table:
    header = ("Modality", "Share", "Shapley value φ", "Fall of AUROC, shuffled",
              "AUROC with it alone", "AUROC without it", "Against the aim")  # fmt: skip
    rows = tuple(
        (
            _title(name), _share(found, name), number(found.phi[name]), number(found.fall[name]),
            number(found.alone[name]), number(found.without[name]),
            verdict(found.share[name], len(found.names)) or "within",
        )
        for name in found.names
    )  # fmt: skip
    note = "On validation, by one network's parts: no interval; alone is not trained alone."
    return Table("Contributions at the kept epochs", header, rows, note)


def _share(found: Summary, name: str) -> str:
    text = percent(found.share[name])
    if len(found.networks) == 1:
        return text
    least, most = (percent(each) for each in found.span(name))
    return f"{text} ({least} to {most})"


def _each(found: Summary) -> Table:
    header = ("Fold", "Seed", "Epoch", "AUROC", *(f"{_title(name)}" for name in found.names))
    rows = tuple(
        (
            each.fold, str(each.seed), str(each.epoch + 1), number(each.auroc),
            *(percent(each.share[name]) for name in found.names),
        )
        for each in found.networks
    )  # fmt: skip
    return Table("Shares, network by network", header, rows)


def _pictures(train: Stage, found: Summary) -> Iterator[Plot]:
    """Draw the training of the first seed of each fold from what it kept of its epochs."""
    members = {(m.fold, m.seed): m for m in _members(train) if not m.variant}
    first: dict[str, Network] = {}
    for each in found.networks:
        first.setdefault(each.fold, each)
    for fold, network in list(first.items())[:_MOST_PICTURES]:
        folder = train.folder / members[fold, network.seed].folder
        history = pd.read_parquet(folder / "history.parquet")
        yield Plot(
            name=f"training_history_{fold}",
            svg=render(training_history(history, network)).decode(),
            alt=f"Losses, accuracy and AUROC on validation, and shares of the modalities over the "
            f"epochs of fold {fold}, with the shares at the kept epoch",
            wide=True,
        )


def _members(train: Stage) -> Iterator[Member]:
    kept: list[dict[str, Any]] = train.facts["members"]
    return (Member.model_validate(each) for each in kept)


def _notices(found: Summary) -> Iterator[Notice]:
    for beyond, clause in cautions(found.share):
        text = (
            f"{clause[0].upper()}{clause[1:]} (share of the Shapley values of AUROC, validation)."
        )
        yield Notice("warning" if beyond else "note", text)
    for clause in doubts(found.networks):
        yield Notice("warning", f"{clause[0].upper()}{clause[1:]}.")


def _title(name: str) -> str:
    return TITLES.get(name, name)
