"""The model over event sequences: masks, records without events, attention, own loss, learning."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.models.attending import Attending, AttentionRecord
from components.core.models.blocks.events.network import EventModel
from components.core.models.blocks.events.temporal import recency, recent_loss
from components.core.models.extra import loss_weights
from components.core.models.registry import build_model, model_config
from components.core.models.spec import DataSpec

SMALL: dict[str, Any] = {
    "name": "event_transformer", "d_model": 8, "layers": 2, "heads": 2, "feedforward": 16,
    "pool_heads": 2, "hidden": (8, 4),
}  # fmt: skip
ROWS, STEPS, WIDTH, COLUMNS = 6, 7, 5, 3
SPEC = DataSpec(events=WIDTH, tabular=COLUMNS, heads={"mortality": 2})
# The last record has no event.
LENGTHS = [7, 4, 1, 6, 3, 0]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Nets this small only wait for each other's threads."""
    torch.set_num_threads(1)


def model(spec: DataSpec = SPEC, **settings: Any) -> EventModel:
    torch.manual_seed(0)
    found = build_model({**SMALL, **settings}, spec)
    assert isinstance(found, EventModel)
    return found


def batch(rows: int = ROWS, seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(LENGTHS).repeat(-(-rows // ROWS))[:rows]
    valid = (torch.arange(STEPS) < lengths[:, None]).float()
    return {
        "events": torch.randn(rows, STEPS, WIDTH, generator=draw) * valid[..., None],
        "events_valid": valid,
        "events_mask": valid.amax(1),
        "events_hours": torch.arange(STEPS, 0, -1) * valid,
        "tabular": torch.randn(rows, COLUMNS, generator=draw),
        "label": torch.arange(rows) % 2,
        "weight": torch.ones(rows),
    }


def logits(own: EventModel, given: dict[str, Tensor]) -> Tensor:
    return own(given)["mortality"]


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_padding_changes_no_answer(norm_first: bool, training: bool, gradients: bool) -> None:
    own = model(norm_first=norm_first, dropout=0.0).train(training)
    given = batch()
    longer = given | {
        "events": nn.functional.pad(given["events"], (0, 0, 0, STEPS), value=4.0),
        "events_valid": nn.functional.pad(given["events_valid"], (0, STEPS)),
        "events_hours": nn.functional.pad(given["events_hours"], (0, STEPS)),
    }
    with torch.set_grad_enabled(gradients):
        expected = logits(own, given)
        torch.testing.assert_close(logits(own, longer), expected, atol=1e-5, rtol=0)
        for row, length in enumerate(LENGTHS):  # the last without a step at all
            alone = {key: value[row : row + 1] for key, value in given.items()}
            for key in ("events", "events_valid", "events_hours"):
                alone[key] = alone[key][:, :length]
            torch.testing.assert_close(logits(own, alone)[0], expected[row], atol=1e-5, rtol=0)


def test_a_record_without_events_is_answered_from_a_learned_vector() -> None:
    own, given = model().eval(), batch()
    before = logits(own, given)
    assert own.events is not None
    with torch.no_grad():
        own.events.absent.add_(1.0)
    after = logits(own, given)
    assert torch.equal(after[:5], before[:5])
    assert not torch.isclose(after[5], before[5]).any()
    assert before.isfinite().all()


@pytest.mark.parametrize("training", [False, True])
def test_a_batch_without_any_event_is_answered(training: bool) -> None:
    own, given = model(temporal_weight=0.5).train(training), batch()
    none = given | {"events_mask": torch.zeros(ROWS)}
    nothing = none | {key: none[key][:, :0] for key in ("events", "events_valid", "events_hours")}
    for each in (none, nothing):
        out = own(each)
        assert out["mortality"].isfinite().all()
        torch.stack([value.sum() for value in out.values()]).sum().backward()
        assert not any(p.grad is not None and p.grad.isnan().any() for p in own.parameters())
        _, found = own.recorded(each)
        steps = each["events"].shape[1]
        assert found.layers.shape == (2, ROWS, 2, steps, steps)
        assert not found.layers.any()


def test_the_order_of_events_matters_and_so_does_the_table() -> None:
    own, given = model().eval(), batch()
    whole = {key: value[:1] for key, value in given.items()}
    turned = whole | {"events": whole["events"].flip(1)}
    assert not torch.allclose(logits(own, turned), logits(own, whole), atol=1e-4)
    other = whole | {"tabular": whole["tabular"] + 1}
    assert not torch.allclose(logits(own, other), logits(own, whole), atol=1e-4)


def test_it_answers_from_either_alone() -> None:
    given = batch()
    events = {key: value for key, value in given.items() if key != "tabular"}
    alone = model(SPEC.model_copy(update={"tabular": 0})).eval()
    assert logits(alone, events).shape == (ROWS, 2)
    table = model(SPEC.model_copy(update={"events": 0}), temporal_weight=0.5)
    assert loss_weights(table) == {}
    assert set(table({"tabular": given["tabular"]})) == {"mortality"}
    with pytest.raises(ConfigError, match=r"it has no attention to record; ingest a source"):
        table.recorded(given)
    with pytest.raises(ConfigError, match=r"the model needs event sequences or tabular columns"):
        model(SPEC.model_copy(update={"events": 0, "tabular": 0}))


def test_it_learns_a_planted_event() -> None:
    # A kind of event that stands somewhere in the sequence of those who die.
    draw = torch.Generator().manual_seed(1)
    given = batch(rows=96)
    lengths = given["events_valid"].sum(1).long()
    place = (torch.rand(96, generator=draw) * lengths).long().clamp(max=STEPS - 1)
    label = (given["label"] > 0) & (lengths > 0)
    given["events"][..., 0] = 0.0
    given["events"][torch.arange(96)[label], place[label], 0] = 1.0
    own = model(dropout=0.0).train()
    optimiser = torch.optim.AdamW(own.parameters(), lr=1e-2)
    for _ in range(80):
        loss = nn.functional.cross_entropy(logits(own, given), label.long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    called = logits(own.eval(), given).argmax(1) == label
    assert called.float().mean() > 0.95


def record(own: EventModel) -> tuple[dict[str, Tensor], AttentionRecord]:
    with torch.no_grad():
        return own.recorded(batch())


@pytest.mark.parametrize("training", [False, True])
def test_attention_is_of_the_same_pass_with_nothing_dropped(training: bool) -> None:
    own = model(dropout=0.5).train(training)
    state = torch.get_rng_state()
    said, found = record(own)
    assert torch.equal(torch.get_rng_state(), state)
    assert own.training is training
    assert all(part.training is training for part in own.modules())
    with torch.no_grad():
        plain = own.eval()(batch())
    torch.testing.assert_close(said, plain, atol=1e-5, rtol=0)
    assert own.events is not None
    assert torch.equal(found.query, own.events.pool.query)


def test_weights_sum_to_one_over_events_and_are_zero_elsewhere() -> None:
    _, found = record(model())
    valid = batch()["events_valid"]
    assert found.layers.shape == (2, ROWS, 2, STEPS, STEPS)
    assert found.pooling.shape == (ROWS, 2, 1, STEPS)
    assert found.encoded.shape == (ROWS, STEPS, 8)
    assert torch.equal(found.valid, valid)
    sums = valid[None, :, None].expand(2, -1, 2, -1)
    torch.testing.assert_close(found.layers.sum(4), sums)
    torch.testing.assert_close(found.pooling.sum(3), valid.amax(1)[:, None, None].expand(-1, 2, 1))
    assert not (found.layers * (1 - valid[None, :, None, None])).any()
    assert not (found.pooling * (1 - valid[:, None, None])).any()
    assert not (found.encoded * (1 - valid[..., None])).any()


def test_the_pooling_makes_the_answer_of_the_encoded_steps() -> None:
    # What is recorded is what was used: the answer can be rebuilt from it.
    own, given = model().eval(), batch()
    with torch.no_grad():
        said, found = own.recorded(given)
        assert own.events is not None
        assert own.static is not None
        attention = own.events.pool.attention
        value = nn.functional.linear(
            found.encoded, attention.in_proj_weight[16:], attention.in_proj_bias[16:]
        )
        own_heads = value.unflatten(2, (2, 4)).transpose(1, 2)
        mixed = (found.pooling @ own_heads).transpose(1, 2).flatten(2)[:, 0]
        vectors = attention.out_proj(mixed)[:5]
        parts = torch.cat([vectors, given["tabular"][:5]], dim=1)
        rebuilt = own.heads(own.body(parts))["mortality"]
    torch.testing.assert_close(rebuilt, said["mortality"][:5], atol=1e-5, rtol=0)


def test_a_masked_record_is_not_recorded() -> None:
    own = model().eval()
    given = batch() | {"events_mask": torch.tensor([0.0, 1, 1, 1, 1, 0])}
    with torch.no_grad():
        _, found = own.recorded(given)
    assert not found.valid[0].any()
    assert not found.layers[:, 0].any()
    assert found.layers[:, 1].any()


def test_the_size_of_a_record_is_known_before() -> None:
    own = model()
    _, found = record(own)
    parts = (found.layers, found.pooling, found.encoded, found.query, found.valid)
    assert own.record_bytes(ROWS, STEPS) == sum(4 * part.numel() for part in parts)
    assert isinstance(own, Attending)


def test_the_loss_of_events_comes_along_while_training_alone() -> None:
    own, given = model(temporal_weight=0.25, half_life_hours=2.0, dropout=0.0), batch()
    assert loss_weights(own) == {"temporal": 0.25}
    found = own.train()(given)
    assert set(found) == {"mortality", "loss:temporal"}
    assert set(own.eval()(given)) == {"mortality"}
    _, seen = record(own)
    assert own.temporal is not None
    share = recency(given["events_hours"][:5], given["events_valid"][:5], 2.0)
    said = own.temporal(seen.encoded[:5])["mortality"]
    expected = recent_loss(said, given["label"][:5].float(), share)
    torch.testing.assert_close(found["loss:temporal"], expected, atol=1e-5, rtol=0)
    own.weigh_classes({"mortality": (0.5, 4.0)})
    weighed = recent_loss(said, given["label"][:5].float(), share, classes=(0.5, 4.0))
    again = own.train()(given)["loss:temporal"]
    torch.testing.assert_close(again, weighed, atol=1e-5, rtol=0)
    model().weigh_classes({"mortality": (0.5, 4.0)})  # without that loss there is nothing to weigh
    assert "loss:temporal" not in model().train()(given)


def test_a_batch_that_lost_all_its_events_has_a_loss_of_events_of_zero_with_a_gradient() -> None:
    own, given = model(temporal_weight=1.0).train(), batch()
    found = own(given | {"events_mask": torch.zeros(ROWS)})["loss:temporal"]
    assert found.item() == 0
    found.backward()


def test_the_loss_of_events_teaches_the_encoder() -> None:
    own = model(temporal_weight=0.25).train()
    own(batch())["loss:temporal"].backward()
    assert own.events is not None
    assert own.events.project.weight.grad is not None
    assert own.events.project.weight.grad.any()
    assert own.temporal is not None
    assert all(p.grad is not None and p.grad.any() for p in own.temporal.parameters())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"heads": 3}, r"d_model=8 is not divisible by heads=3"),
        ({"pool_heads": 3}, r"d_model=8 is not divisible by pool_heads=3"),
        ({"d_model": 5, "heads": 1, "pool_heads": 1}, r"d_model=5 is odd"),
        ({"hidden": (8, 0)}, r"hidden=\(8, 0\) holds a width below 1"),
    ],
)
def test_widths_that_do_not_fit_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        model_config({**SMALL, **settings})
