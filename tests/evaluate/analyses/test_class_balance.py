"""Class balance in words: from training's own facts, or from the settings where it has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.evaluate.analyses import class_balance
from components.evaluate.analysis import Context
from components.evaluate.inputs.unpaired import SENTENCE
from tests.evaluate.conftest import Example, context_of

Get = Callable[[str], Example]


@pytest.fixture(scope="module")
def context(examples: Get) -> Context:
    return context_of(examples("media"))


def told(context: Context, balance: dict[str, Any], **fit: Any) -> Context:
    train = context.stages.train
    facts = {k: v for k, v in train.facts.items() if k != "balance"} | {"balance": balance}
    stages = replace(context.stages, train=replace(train, facts=facts))
    task = context.task.model_copy(update={"fit": context.task.fit.model_copy(update=fit)})
    return replace(context, stages=stages, task=task)


@pytest.mark.parametrize(
    ("balance", "words"),
    [
        ({"holdout": {"said": "all in words", "strategy": "none"}}, "training: all in words."),
        ({"holdout": {"strategy": "sampler", "shift": 1.5}}, "taken back (log-odds +1.500)."),
        ({"holdout": {"strategy": "weights"}}, "gave both classes the same total weight."),
        ({"strategy": "none", "shift": 0.0}, "the classes were not balanced."),
    ],
)
def test_training_says_what_it_did(balance: dict[str, Any], words: str, context: Context) -> None:
    assert class_balance.strategy(told(context, balance)).endswith(words)


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ({"sampler": "balanced", "class_weights": "none"}, "drawn equally often"),
        ({"class_weights": "none"}, "not balanced"),
        ({"class_weights": "balanced"}, "same total weight"),
        ({"class_weights": (1.0, 4.0)}, "were 1 (without) and 4 (with event)"),
    ],
)
def test_settings_say_it_otherwise(fit: dict[str, Any], words: str, context: Context) -> None:
    assert words in class_balance.strategy(told(context, {}, **fit))


def test_folds_that_differ_are_told_apart(context: Context) -> None:
    (test,) = context.tests
    two = replace(context, tests=[test, replace(test, fold="r0f1")])
    own = told(two, {"holdout": {"said": "one"}, "r0f1": {"said": "two"}})
    assert class_balance.strategy(own).endswith("fold by fold: holdout: one; r0f1: two.")


def test_a_constant_answer_is_that_of_the_common_class(context: Context) -> None:
    pooled = context.tables.pooled.assign(label=0, weight=1.0, margin=-1.0)
    pooled.loc[pooled.index[0], "label"] = 1
    rare = replace(context, tables=replace(context.tables, pooled=pooled))
    share = 1 - 1 / len(pooled)
    text = class_balance.constant(rare)
    assert f"'without the event' has accuracy {share:.3f}" in text
    assert f"at its threshold, has {share:.3f}" in text
    common = pooled.assign(label=1 - pooled["label"])
    text = class_balance.constant(replace(context, tables=replace(rare.tables, pooled=common)))
    assert "'with the event'" in text
    assert f"at its threshold, has {1 - share:.3f}" in text


def test_the_parts_are_those_of_the_manifest(context: Context) -> None:
    (table,) = class_balance.analyse(context).tables
    assert [row[0] for row in table.rows] == ["training", "validation", "test"]
    assert sum(int(row[1]) for row in table.rows) == context.stages.cohort.counts["patients"]
    tested = context.tables.pooled["label"]
    assert table.rows[2][1:4] == (
        str(len(tested)), str(int(tested.sum())), str(int((1 - tested).sum())),
    )  # fmt: skip


def test_inputs_declared_unpaired_are_told_on_top(context: Context) -> None:
    audit = context.stages.audit
    own = replace(audit, facts=audit.facts | {"unpaired": True})
    section = class_balance.analyse(replace(context, stages=replace(context.stages, audit=own)))
    assert [each.text for each in section.notices] == [SENTENCE]
    assert class_balance.analyse(context).notices == ()


def test_a_table_alone_has_no_such_section(examples: Get) -> None:
    other = context_of(examples("holdout"))
    train = other.stages.train
    facts = {k: v for k, v in train.facts.items() if k != "balance"}
    plain = replace(other, stages=replace(other.stages, train=replace(train, facts=facts)))
    assert not class_balance.applies(plain)
    assert class_balance.applies(told(other, {"strategy": "none"}))
