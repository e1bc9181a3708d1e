"""Class balance: how common is each class, and what was done about it in training?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from components.core.metrics.interval import number
from components.core.report.section import Notice, Section, Table
from components.core.schemas import MANIFEST, PART_PREFIX
from components.evaluate.analysis import Context
from components.evaluate.inputs.masked import may_lack
from components.evaluate.inputs.unpaired import declared_unpaired
from components.evaluate.power import prevalence
from components.evaluate.report.wording import percent
from components.evaluate.robustness.setting import inputs_of

NAME = "class_balance"
ORDER = 2
_PARTS = {"train": "training", "val": "validation", "test": "test"}
_STRATEGIES = {
    "sampler": "both classes were drawn equally often, and the prior's shift was taken back",
    "weights": "class weights in the loss gave both classes the same total weight",
    "class_weights": "class weights in the loss gave both classes the same total weight",
    "none": "the classes were not balanced",
}


def applies(context: Context) -> bool:
    """Return whether the training says how it balanced the classes, or pictures or sounds count."""
    told = bool(context.stages.train.facts.get("balance"))
    return not context.external and (told or may_lack(inputs_of(context)))


def analyse(context: Context) -> Section:
    """Return the class distribution, the strategy in words, and accuracy beside a constant's."""
    unpaired = declared_unpaired(context.stages)
    return Section(
        name=NAME,
        title="How common is each class?",
        text=(strategy(context), constant(context)),
        tables=(_table(context),),
        notices=(Notice("warning", unpaired),) if unpaired else (),
    )


def strategy(context: Context) -> str:
    """Return how training balanced the classes, fold by fold where they differ."""
    balance: Mapping[str, Any] = context.stages.train.facts.get("balance", {})
    own = {name: told for name, told in _by_fold(context, balance) if told}
    words = dict.fromkeys(own.values())
    if not words:
        return f"Balancing in training: {_configured(context)}."
    if len(own) == 1:
        return f"Balancing in training: {next(iter(words))}."
    each = "; ".join(f"{fold}: {told}" for fold, told in own.items())
    return f"Balancing in training, fold by fold: {each}."


def _by_fold(context: Context, balance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for fold in [test.fold for test in context.tests]:
        found: Mapping[str, Any] = balance.get(fold, balance if "strategy" in balance else {})
        told = found.get("said") or _STRATEGIES.get(str(found.get("strategy", "")), "")
        shift = float(found.get("shift") or 0)
        moved = f" (log-odds {shift:+.3f})" if shift and not found.get("said") else ""
        yield fold, f"{told}{moved}"


def _configured(context: Context) -> str:
    fit = context.task.fit
    if fit.sampler == "balanced":
        return _STRATEGIES["sampler"]
    if fit.class_weights == "none":
        return _STRATEGIES["none"]
    if fit.class_weights == "balanced":
        return _STRATEGIES["weights"]
    negative, positive = fit.class_weights
    return f"class weights in the loss were {negative:g} (without) and {positive:g} (with event)"


def constant(context: Context) -> str:
    """Return the model's accuracy beside that of an answer that is always the same."""
    frame = context.tables.pooled
    share = prevalence(frame)
    right = (frame["margin"] >= 0) == (frame["label"] == 1)
    own = float((right * frame["weight"]).sum() / frame["weight"].sum())
    always = "with" if share >= 0.5 else "without"
    return (
        f"Accuracy needs this beside it: among the evaluated patients {percent(share)} have the "
        f"event, so that an answer that is always '{always} the event' has accuracy "
        f"{number(max(share, 1 - share))}; the model, at its threshold, has {number(own)}. The "
        "threshold weighs both classes alike, so that its accuracy may lie below."
    )


def _table(context: Context) -> Table:
    cohort = context.stages.cohort
    frame = pd.read_parquet(cohort.folder / MANIFEST)
    rows: list[tuple[str, ...]] = []
    for fold in [test.fold for test in context.tests]:
        for part, title in _PARTS.items():
            own = frame[(frame[f"{PART_PREFIX}{fold}"] == part) & frame["label"].notna()]
            label = own.groupby("patient_id")["label"].max().astype(int)
            name = title if len(context.tests) == 1 else f"{fold}, {title}"
            share = percent(float(label.mean())) if len(label) else "nobody"
            rows.append((name, f"{len(label):,}", f"{int(label.sum()):,}",
                         f"{len(label) - int(label.sum()):,}", share))  # fmt: skip
    header = ("Part", "Patients", "With event", "Without", "Share with event")
    return Table("Classes in each part", header, tuple(rows), "Patients of known label.")
