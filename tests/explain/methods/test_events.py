"""Methods on networks that read sequences of events: what is complete, what is taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from components.core.attribution.event_groups import CELLS, EVENT_KINDS, NAMES, cells_of
from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.errors import CardioError
from components.explain import encoders, outputs
from components.explain import subject as subjects
from components.explain.joined import joined
from components.explain.lots import at_once, lots
from components.explain.method import Attributed, all_methods
from components.explain.methods import (
    feature_ablation,
    integrated_gradients,
    layer_integrated_gradients,
    shapley_sampling,
)
from components.explain.subject import Subject
from tests.explain_subjects import EVENTLESS, VIEW, made_of_events

CONFIG = ExplainConfig(steps=60, permutations=4)
EVERYONE = np.arange(6)
METHODS = ("ig", "layer_ig", "ablation", "shapley")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Networks that read events and a table, and a few stays."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small only wait for a second thread
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        yield made_of_events(tmp_path_factory.mktemp("stays"))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def said(subject: Subject) -> dict[str, Attributed]:
    """What every method says of a few records."""
    return {name: all_methods()[name].explain(subject, EVERYONE, CONFIG) for name in METHODS}


def test_the_methods_fit_and_say_why_others_do_not(subject: Subject) -> None:
    fits = [name for name, own in all_methods().items() if not own.why_not(subject)]
    assert fits == list(METHODS)
    table = replace(subject, inputs=("tabular",))
    assert layer_integrated_gradients.why_not(table).endswith("nor any that reads events")


def test_gradients_are_complete(subject: Subject, said: dict[str, Attributed]) -> None:
    batch = subject.batch(EVERYONE)
    own = subject.log_odds(batch)
    for name, keys in (("ig", ("tabular", "events")), ("layer_ig", ("events",))):
        base = subject.baselines(batch)
        gain = own - subject.log_odds({**batch, **{key: base[key] for key in keys}})
        found = said[name]
        assert found.error is not None
        assert np.abs(found.error).mean() < 0.02 * np.abs(gain).mean()
        total = np.nansum(found.values["events"].astype(np.float64), axis=1)
        if name == "ig":
            total += found.values["tabular"].sum(axis=1)
        np.testing.assert_allclose(total - gain, found.error, atol=1e-4)


def test_half_the_time_gives_the_same(subject: Subject, said: dict[str, Attributed]) -> None:
    config = CONFIG.model_copy(update={"arithmetic": "bf16"})
    found = integrated_gradients.explain(subject, EVERYONE, config)
    np.testing.assert_allclose(found.values["events"], said["ig"].values["events"], atol=1e-4)


def test_a_linear_layer_gives_events_what_the_sequence_alone_gives_them(
    subject: Subject, said: dict[str, Attributed]
) -> None:
    there = EVERYONE[EVERYONE != EVENTLESS]
    batch = subject.batch(there)
    base = {"events": subject.baselines(batch)["events"]}
    alone, _ = integrated_gradients.attributions(subject.target, batch, base, steps=CONFIG.steps)
    found = said["layer_ig"].values["events"][there]
    expected = alone["events"].sum(2).numpy()
    np.testing.assert_allclose(np.nan_to_num(found), expected, atol=1e-4)


def test_padding_gets_nothing_and_groups_hold_every_event(
    subject: Subject, said: dict[str, Attributed]
) -> None:
    batch = subject.batch(EVERYONE)
    valid = batch["events_valid"].numpy() > 0
    for name in ("ig", "layer_ig"):
        values = said[name].values["events"]
        assert np.array_equal(np.isfinite(values), valid)
        assert (np.abs(values[valid]) > 0).all()
        for kind in NAMES:
            own = said[name].grouped[kind].values
            np.testing.assert_allclose(
                np.nansum(own, axis=1), np.nansum(values, axis=1, dtype=np.float64), atol=1e-5
            )


@pytest.mark.parametrize("name", METHODS)
def test_who_has_no_event_has_no_group_of_events(said: dict[str, Attributed], name: str) -> None:
    for kind in set(NAMES) & set(said[name].grouped):
        assert np.isnan(said[name].grouped[kind].values[EVENTLESS]).all()
        assert np.isfinite(said[name].grouped[kind].values[EVENTLESS + 1]).any()
    if "modality" in said[name].grouped:
        own = said[name].grouped["modality"]
        assert np.isnan(own.values[EVENTLESS, own.names.index("events")])


def test_ablation_takes_events_out_of_the_sequence(
    subject: Subject, said: dict[str, Attributed]
) -> None:
    batch = subject.batch(EVERYONE)
    cells = cells_of(batch)
    own = subject.log_odds(batch)
    for kind, name, number in (
        ("event_kind", "lab", cells // 7), ("event_cell", CELLS[14], cells)
    ):  # fmt: skip
        gone = (number == (EVENT_KINDS if kind == "event_kind" else CELLS).index(name)) & (
            cells >= 0
        )
        lost = own - subject.log_odds({**batch, "events_valid": batch["events_valid"] * ~gone})
        grouped = said["ablation"].grouped[kind]
        found = grouped.values[:, grouped.names.index(name)]
        assert np.array_equal(np.isfinite(found), gone.any(1).numpy())
        np.testing.assert_allclose(found[np.isfinite(found)], lost[np.isfinite(found)], atol=1e-5)
    zeroed = {**batch, "events": batch["events"] * ~(cells // 7 == 2)[:, :, None]}
    labs = said["ablation"].grouped["event_kind"].values[:, EVENT_KINDS.index("lab")]
    differs = np.abs(labs - (own - subject.log_odds(zeroed)))
    assert np.nanmax(differs) > 1e-3  # a step of zeros is not an event that did not happen
    assert "Events are taken out of the sequence" in said["ablation"].remark
    assert "no event at all (nothing was learned in its place)" not in said["ablation"].remark


def test_ablation_says_where_nothing_was_learned_of_absent_events(subject: Subject) -> None:
    model = next(iter(subject.target.models))
    kept = model.absent("events").detach().clone()
    with torch.no_grad():
        model.absent("events").zero_()
        found = all_methods()["ablation"].explain(subject, EVERYONE, CONFIG)
        model.absent("events").copy_(kept)
    assert "no event at all (nothing was learned in its place)" in found.remark


def test_shapley_values_add_up_to_what_all_events_and_fields_do(
    subject: Subject, said: dict[str, Attributed]
) -> None:
    batch = subject.batch(EVERYONE)
    nothing = {
        **batch,
        "tabular": subject.baselines(batch)["tabular"],
        "events_valid": torch.zeros_like(batch["events_valid"]),
    }
    gain = subject.log_odds(batch) - subject.log_odds(nothing)
    found = said["shapley"]
    assert found.taken_out == ("events",)
    np.testing.assert_allclose(np.nansum(found.grouped["modality"].values, axis=1), gain, atol=1e-5)
    windows = np.nansum(found.grouped["event_window"].values, axis=1)
    events = found.grouped["modality"].names.index("events")
    both = np.nan_to_num(found.grouped["modality"].values[:, events])
    np.testing.assert_allclose(windows, both, atol=1e-6)
    assert "without any event" in found.remark


@pytest.mark.parametrize("name", METHODS)
def test_a_record_is_explained_as_if_it_were_alone(
    subject: Subject, said: dict[str, Attributed], name: str
) -> None:
    method = all_methods()[name]
    parts = [method.explain(subject, lot, CONFIG) for lot in np.split(EVERYONE, [1, 3, 5])]
    apart = joined(parts)
    for kind, own in said[name].grouped.items():
        np.testing.assert_allclose(
            apart.grouped[kind].values, own.values, atol=1e-4, rtol=1e-3, err_msg=kind
        )
    for key, own in said[name].values.items():
        np.testing.assert_allclose(apart.values[key], own, atol=1e-4, rtol=1e-3)


def test_the_cost_is_stated(subject: Subject) -> None:
    asked = 0

    def count(_module: object, batch: tuple[dict[str, torch.Tensor], ...]) -> None:
        nonlocal asked
        asked += len(batch[0]["events"])

    there = np.flatnonzero(np.arange(len(subject)) != EVENTLESS)[:8]
    for name, gradients in (
        ("ig", CONFIG.steps), ("layer_ig", CONFIG.steps), ("ablation", 0), ("shapley", 0)
    ):  # fmt: skip
        asked = 0
        hook = subject.target.models[0].register_forward_pre_hook(count)
        all_methods()[name].explain(subject, there, CONFIG)
        hook.remove()
        stated = all_methods()[name].passes(subject, CONFIG)
        assert asked / len(there) + 2 * gradients == pytest.approx(stated, rel=0.1), name


def test_few_long_sequences_are_asked_at_once(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = np.arange(len(subject))
    assert subject.rows.events is not None
    lengths = subject.rows.events.lengths
    monkeypatch.setattr(subjects, "TOKENS", 30)
    monkeypatch.setattr("components.explain.lots.TOKENS", 30)
    found = list(lots(subject, every))
    assert np.concatenate(found).tolist() == every.tolist()
    assert all(len(lot) * lengths[lot].max() <= 30 for lot in found if len(lot) > 1)
    assert len(found) > 3
    assert at_once(subject.batch(found[0])) == 1
    assert not list(lots(subject, every[:0]))


def test_traces_hold_each_event_once_and_nothing_of_padding(
    subject: Subject, said: dict[str, Attributed]
) -> None:
    table = outputs.trace_table(said["ig"], subject, EVERYONE, "ig").to_pandas()
    own = table[table["modality"] == "events"]
    assert subject.rows.events is not None
    lengths = subject.rows.events.lengths[EVERYONE]
    assert own["values"].map(len).tolist() == lengths[lengths > 0].tolist()
    long = outputs.long_table(said["shapley"], subject, EVERYONE, "shapley")
    ids = subject.rows.frame["sample_id"].astype(str).tolist()[: len(EVERYONE)]
    assert outputs.grouped_of([long], ids).taken_out == ("events",)


def test_a_network_that_reads_no_events_has_no_projection(subject: Subject) -> None:
    target = Target([torch.nn.Linear(2, 2)], VIEW)
    with pytest.raises(CardioError, match="the network reads no event sequences; ask"):
        encoders.projection(target)
    assert encoders.all_read_events(subject)
    assert feature_ablation.layout(subject).names.keys() >= set(NAMES)
    assert shapley_sampling.unions(subject)[0] == list(range(2))
