"""What every model must do; models are found by the registry, so a new one is tested unasked.

A model is built with its default settings for data of all modalities. Batches
take the way that real ones take: int16 counts, then the normaliser, then the model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from components.core.config.base import Frozen
from components.core.data.batches import Batch, Normaliser
from components.core.errors import ConfigError
from components.core.members import load_model
from components.core.modalities import EMBEDDED, MODALITIES, ArrayModality, modality_of
from components.core.models.registry import build_model, model_config, model_file, models_by_name
from components.core.models.spec import DataSpec
from components.core.signals.normalise import NormStats
from tests.cohorts import LEADS

MODELS = sorted(models_by_name())
ROWS, LENGTH, COLUMNS, WIDTH = 12, 512, 5, 7
# Steps of the longest event sequence, and the width of each.
STEPS, STEP_WIDTH = 9, 11
# A multiple of the total stride of every model at its default settings.
STRIDE = 256
HEADS = {"ctrcd": 2, "grade": 3}
# Of the embeddings, one comes as patches (`<name>_valid`), the others as one vector.
ARRAYS: dict[ArrayModality, tuple[int, ...]] = {
    "ecg_image": (1, 32, 48),
    "pcg": (3, 16, 20),
    "emb_clinical": (6,),
    "emb_semantic": (5,),
    "emb_temporal": (9,),
    "emb_pathological": (4,),
    "emb_spatial": (3, 7),
}
SPEC = DataSpec(
    leads=len(LEADS), length=LENGTH, tabular=COLUMNS, text=WIDTH, arrays=ARRAYS,
    events=STEP_WIDTH, heads=HEADS,
)  # fmt: skip
NORM = NormStats(leads=LEADS, mean=(0.01,) * 8, sd=(0.5,) * 8, count=(1000,) * 8)
each_model = pytest.mark.parametrize("name", MODELS)


def build(name: str, spec: DataSpec = SPEC) -> nn.Module:
    torch.manual_seed(0)
    return build_model({"name": name}, spec)


def raw(seed: int = 0, rows: int = ROWS) -> Batch:
    """Return a batch as it lies on disk; lead 3 of row 0 is missing."""
    rng = np.random.default_rng(seed)
    mask = torch.ones(rows, len(LEADS))
    mask[0, 3] = 0
    steps = (torch.arange(STEPS) < 3 + torch.arange(rows)[:, None] % 7).float()
    events = torch.from_numpy(rng.normal(size=(rows, STEPS, STEP_WIDTH)).astype(np.float32))
    return {
        "ecg": torch.from_numpy(rng.integers(-900, 900, (rows, 8, LENGTH)).astype(np.int16)),
        "ecg_scale": torch.full((rows, 8), 0.001),
        "ecg_lead_mask": mask,
        "tabular": torch.from_numpy(rng.normal(size=(rows, COLUMNS)).astype(np.float32)),
        "text": torch.from_numpy(rng.normal(size=(rows, WIDTH)).astype(np.float32)),
        **{
            key: torch.from_numpy(rng.normal(size=(rows, *shape)).astype(np.float32))
            for key, shape in ARRAYS.items()
        },
        "pcg_valid": (torch.arange(3) <= torch.arange(rows)[:, None]).float(),
        "emb_spatial_valid": (torch.arange(3) <= torch.arange(rows)[:, None]).float(),
        **{f"{key}_quality": torch.full((rows,), 0.75) for key in EMBEDDED},
        "events": events * steps[:, :, None],
        "events_valid": steps,
        "events_hours": torch.arange(STEPS, 0, -1) * steps,
    }


def ready(batch: Batch) -> Batch:
    return Normaliser(NORM)(batch)


def answers(model: nn.Module, batch: Batch) -> Tensor:
    """Return the logits of all heads side by side, in evaluation mode."""
    with torch.no_grad():
        out = model.eval()(batch)
    return torch.cat([out[head] for head in SPEC.heads], dim=1)


def used(name: str) -> set[str]:
    """Return the modalities that the model's answer depends on."""
    batch = ready(raw())
    inputs = {key: batch[key].clone().requires_grad_() for key in MODALITIES}
    sum(t.sum() for t in build(name).eval()({**batch, **inputs}).values()).backward()  # type: ignore[union-attr]
    return {key for key, value in inputs.items() if value.grad is not None and value.grad.any()}


@each_model
def test_a_model_looks_at_its_declared_inputs_and_at_nothing_else(name: str) -> None:
    assert used(name) == set(model_file(name).INPUTS)


def test_models_are_found() -> None:
    assert {"ecg", "tabular", "ecg+tabular", "trunk"} <= set(MODELS)


@each_model
def test_every_head_gets_its_finite_logits(name: str) -> None:
    out = build(name).eval()(ready(raw()))
    assert {head: tuple(t.shape) for head, t in out.items()} == {
        "ctrcd": (ROWS, 2),
        "grade": (ROWS, 3),
    }
    assert all(t.isfinite().all() for t in out.values())


@each_model
def test_an_answer_depends_on_the_input(name: str) -> None:
    assert used(name)


@each_model
def test_the_seed_alone_decides_the_initial_weights(name: str) -> None:
    first, second = build(name).state_dict(), build(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@each_model
def test_weights_belong_to_their_heads_whatever_the_order(name: str) -> None:
    # A stored specification may name the heads in another order than training did.
    model, batch = build(name), ready(raw())
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.1 * torch.randn(weights.shape, generator=draw))
    turned = dict(reversed(HEADS.items()))
    other = build(name, SPEC.model_copy(update={"heads": turned}))
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(answers(other, batch), answers(model, batch))


@each_model
def test_the_loss_falls_on_a_small_batch(name: str) -> None:
    model, batch = build(name).train(), ready(raw())
    target = torch.arange(ROWS) % 2
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(model(batch)["ctrcd"], target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.85 * np.mean(losses[:3])


@each_model
def test_gradients_reach_every_parameter(name: str) -> None:
    model, batch = build(name).train(), ready(raw())
    present = torch.ones(ROWS)
    present[:4] = 0
    masks = {f"{key}_mask": present.roll(2 * place) for place, key in enumerate(MODALITIES)}
    out = model({**batch, **masks})
    sum(t.square().sum() for t in out.values()).backward()  # type: ignore[union-attr]
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@each_model
def test_a_row_is_answered_as_if_it_were_alone(name: str) -> None:
    model, batch = build(name), ready(raw())
    alone = {key: value[5:6] for key, value in batch.items()}
    torch.testing.assert_close(answers(model, alone), answers(model, batch)[5:6])


@each_model
def test_padding_on_both_sides_is_ignored(name: str) -> None:
    model, batch = build(name), raw()
    padded = {**batch, "ecg": nn.functional.pad(batch["ecg"], (STRIDE, 2 * STRIDE), value=31_000)}
    padded["ecg_valid"] = torch.tensor([[STRIDE, STRIDE + LENGTH]] * ROWS)
    torch.testing.assert_close(answers(model, ready(padded)), answers(model, ready(batch)))


@each_model
def test_a_padded_record_does_not_change_its_neighbours(name: str) -> None:
    model, batch = build(name), raw()
    valid = torch.tensor([[0, LENGTH]] * ROWS)
    valid[2] = torch.tensor([100, 300])
    found = answers(model, ready({**batch, "ecg_valid": valid}))
    others = [i for i in range(ROWS) if i != 2]
    torch.testing.assert_close(found[others], answers(model, ready(batch))[others])
    assert torch.equal(found[2], answers(model, ready(batch))[2]) == ("ecg" not in used(name))


@each_model
def test_padded_steps_of_a_sequence_do_not_matter(name: str) -> None:
    model, batch = build(name), ready(raw())
    longer = {
        **batch,
        "events": nn.functional.pad(batch["events"], (0, 0, 0, 5), value=3.0),
        "events_valid": nn.functional.pad(batch["events_valid"], (0, 5)),
        "events_hours": nn.functional.pad(batch["events_hours"], (0, 5)),
    }
    expected = answers(model, batch)
    torch.testing.assert_close(answers(model, longer), expected, atol=1e-5, rtol=0)


@each_model
def test_a_length_that_no_stride_divides_is_taken(name: str) -> None:
    batch = raw()
    batch["ecg"] = batch["ecg"][:, :, :501]
    assert answers(build(name), ready(batch)).isfinite().all()


@each_model
def test_what_a_masked_lead_holds_does_not_matter(name: str) -> None:
    model, batch = build(name), raw()
    noisy = batch["ecg"].clone()
    noisy[0, 3] = torch.randint(-30_000, 30_000, (LENGTH,), dtype=torch.int16)
    same = answers(model, ready({**batch, "ecg": noisy}))
    assert torch.equal(same, answers(model, ready(batch)))
    noisy[0, 4] = noisy[0, 3]  # a lead that is there
    changed = answers(model, ready({**batch, "ecg": noisy}))
    assert torch.equal(changed, same) == ("ecg" not in used(name))


@each_model
def test_the_model_is_told_which_leads_are_there(name: str) -> None:
    if "ecg" not in used(name):
        pytest.skip("takes no ECG")
    model, batch = build(name), ready(raw())
    flat = {**batch, "ecg_lead_mask": torch.ones(ROWS, 8)}
    assert not torch.equal(answers(model, flat)[0], answers(model, batch)[0])


@each_model
@pytest.mark.parametrize("modality", MODALITIES)
def test_an_absent_modality_is_a_learned_token(name: str, modality: str) -> None:
    if used(name) == {modality}:
        pytest.skip("takes one modality, and a row without it has nothing to be answered from")
    if modality not in used(name):
        pytest.skip("takes no such modality")
    model, batch = build(name), ready(raw())
    mask = torch.ones(ROWS)
    mask[:6] = 0
    masked = {**batch, f"{modality}_mask": mask}
    other = {**masked, modality: torch.where(_rows(mask, batch[modality]), batch[modality], 7.0)}
    assert torch.equal(answers(model, masked), answers(model, other))
    # Close, not equal: an encoder may leave absent records out, and sums depend on the batch.
    torch.testing.assert_close(answers(model, masked)[6:], answers(model, batch)[6:])
    assert not torch.equal(answers(model, masked)[:6], answers(model, batch)[:6])
    before = answers(model, masked)
    tokens = [p for n, p in model.named_parameters() if n.split(".")[-1] == "absent"]
    with torch.no_grad():
        for token in tokens:
            token.add_(1.0)
    after = answers(model, masked)
    assert torch.equal(after[6:], before[6:])
    assert not torch.isclose(after[:6], before[:6]).all(dim=1).any()


def _rows(mask: Tensor, like: Tensor) -> Tensor:
    return (mask > 0).reshape(-1, *[1] * (like.dim() - 1))


@each_model
def test_weights_saved_as_safetensors_reproduce_the_answer(name: str, tmp_path: Path) -> None:
    model, batch = build(name).train(), ready(raw())
    model(batch)  # moves the running statistics of normalisation layers
    file = tmp_path / "best.safetensors"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, str(file))
    torch.manual_seed(99)
    again = load_model({"name": name}, SPEC, file)
    assert not again.training
    assert torch.equal(answers(again, batch), answers(model, batch))


@each_model
def test_half_precision_arithmetic_stays_near(name: str) -> None:
    model, batch = build(name).eval(), ready(raw())
    exact = answers(model, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = answers(model, batch).float()
    assert near.isfinite().all()
    # bf16 keeps 8 bits: a few hundredths on logits of order one.
    torch.testing.assert_close(near, exact, rtol=0.1, atol=0.1)


@each_model
def test_settings_that_a_trial_draws_are_accepted_and_differ(name: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    for _ in range(25):
        trial = study.ask()
        settings = {"name": name, **model_file(name).suggest(trial)}
        assert isinstance(model_config(settings), Frozen)
        assert all(key.startswith("model.") for key in trial.params)
        drawn.append((settings, trial.params))
        study.tell(trial, 0.0)
    assert len({str(settings) for settings, _ in drawn}) > 5
    settings, params = drawn[0]
    fixed = optuna.trial.FixedTrial(params)
    assert {"name": name, **model_file(name).suggest(fixed)} == settings
    assert answers(build_model(settings, SPEC), ready(raw())).isfinite().all()


@each_model
def test_settings_are_frozen_and_documented(name: str) -> None:
    config = model_file(name).Config
    assert issubclass(config, Frozen)
    assert model_file(name).Config.model_config.get("frozen")
    own = config.__annotations__
    assert all(f"{field}:" in (config.__doc__ or "") for field in own)


@each_model
def test_an_unknown_setting_names_the_model(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"unknown key 'dropuot' in model '{_plain(name)}'; "):
        build_model({"name": name, "dropuot": 0.1}, SPEC)


def _plain(name: str) -> str:
    return name.replace("+", r"\+")


@each_model
def test_a_modality_the_data_lack_is_refused_or_left_out(name: str) -> None:
    for modality, spec in (
        ("ecg", SPEC.model_copy(update={"leads": 0, "length": 0})),
        ("tabular", SPEC.model_copy(update={"tabular": 0})),
    ):
        batch = {k: v for k, v in ready(raw()).items() if modality_of(k) != modality}
        try:
            model = build(name, spec)
        except ConfigError as error:
            assert "the model needs" in str(error)  # noqa: PT017 - either is right
            assert "use model.name=" in str(error)  # noqa: PT017
        else:
            assert answers(model, batch).isfinite().all()
