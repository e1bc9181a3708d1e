"""Checks of explanations of event sequences: what is removed, what is shaken, what is compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from components.core.attribution.event_groups import CELLS, cells_of
from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.data.event_stats import KINDS
from components.core.metrics.resampling import Plan
from components.explain.faithfulness import completeness, deletion
from components.explain.faithfulness.examine import examine
from components.explain.faithfulness.parts import PART, parts, split
from components.explain.faithfulness.removal import preferred, removal
from components.explain.faithfulness.stability import noisy, shaken
from components.explain.method import Attributed, all_methods
from components.explain.subject import Subject
from tests.explain_subjects import EVENTLESS, made_of_events

CONFIG = ExplainConfig(steps=8, permutations=2, checked=6, randomised=2, noisy=1, orders=2)
EVERYONE = np.arange(6)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A network that reads events and a table, and a few stays."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small only wait for a second thread
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        yield made_of_events(tmp_path_factory.mktemp("stays"), members=1)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def said(subject: Subject) -> Attributed:
    """What ablation says of everyone."""
    return all_methods()["ablation"].explain(subject, np.arange(len(subject)), CONFIG)


def test_parts_are_cells_of_events_and_variables(said: Attributed) -> None:
    own = preferred(said.grouped)
    assert own is not None
    assert own.kind == PART
    assert [kind for kind, _ in split(own.names)] == ["variable", "event_cell"]
    assert split(own.names)[1][1] == CELLS
    alone = parts({"event_window": Grouped(kind="event_window", names=("a", "b"),
                                           values=np.zeros((1, 2)))})  # fmt: skip
    assert alone is not None
    assert split(alone.names) == [("event_window", ("a", "b"))]


@pytest.mark.parametrize("kind", ["event_cell", "event_kind", "event_window", "modality"])
def test_removed_events_are_out_of_the_sequence(
    subject: Subject, said: Attributed, kind: str
) -> None:
    grouped = said.grouped[kind]
    ready = removal(subject, EVERYONE, grouped)
    for number in range(len(grouped.names)):
        if kind == "modality" and grouped.names[number] != "events":
            continue
        gone = np.zeros((len(EVERYONE), len(grouped.names)), np.bool_)
        gone[:, number] = True
        lost = ready.log_odds(np.zeros_like(gone)) - ready.log_odds(gone)
        expected = np.nan_to_num(grouped.values[EVERYONE, number])
        np.testing.assert_allclose(lost, expected, atol=1e-5)
    assert not ready.base["events_valid"].any()


def test_without_its_parts_a_record_has_no_event_and_no_field(
    subject: Subject, said: Attributed
) -> None:
    own = preferred(said.grouped)
    assert own is not None
    ready = removal(subject, EVERYONE, own)
    batch = subject.batch(EVERYONE)
    empty = {**batch, "tabular": subject.baselines(batch)["tabular"],
             "events_valid": torch.zeros_like(batch["events_valid"])}  # fmt: skip
    everything = np.ones((len(EVERYONE), len(own.names)), np.bool_)
    np.testing.assert_allclose(ready.log_odds(everything), subject.log_odds(empty), atol=1e-6)


def test_texts_and_times_are_shaken_but_neither_kinds_nor_padding(subject: Subject) -> None:
    assert shaken(subject) == ("events",)
    own, other = subject.batch(EVERYONE), noisy(subject, 0, CONFIG).batch(EVERYONE)
    changed = (own["events"] != other["events"]).numpy()
    valid = own["events_valid"].numpy() > 0
    assert not changed[..., :KINDS].any()
    assert changed[valid][:, KINDS:].all()
    assert not changed[~valid].any()
    assert torch.equal(cells_of(own), cells_of(other))
    alone = noisy(subject, 0, CONFIG).batch(EVERYONE[3:4])
    length = int(valid[3].sum())
    assert torch.equal(alone["events"][0, :length], other["events"][3, :length])


def test_the_change_is_that_of_what_a_method_takes_out(subject: Subject) -> None:
    both = completeness.changes(subject, subject.inputs)
    out = completeness.changes(subject, subject.inputs, taken_out=("events",))
    assert both[EVENTLESS] == pytest.approx(out[EVENTLESS])
    assert np.abs(both - out).max() > 1e-3
    said = all_methods()["shapley"].explain(subject, np.arange(len(subject)), CONFIG)
    found = completeness.completeness(subject, said)
    assert found is not None
    total = np.nansum(said.grouped["modality"].values, axis=1)
    np.testing.assert_allclose(found.change, np.abs(total), atol=1e-4)


def test_every_check_is_made_of_a_true_explanation(subject: Subject, said: Attributed) -> None:
    checked = examine(subject, all_methods()["ablation"], said, CONFIG)
    assert checked.kind == PART
    assert checked.curves is not None
    assert checked.randomised is not None
    assert checked.stability is not None
    assert checked.stability.inputs == ("events",)
    assert np.nanmean(checked.stability.agreement) > 0.9
    assert np.nanmean(np.abs(checked.randomised.agreement)) < 0.9
    found = deletion.gains(checked.curves, Plan(draws=100, seed=0))
    assert found["deletion_gain"].value > 0
