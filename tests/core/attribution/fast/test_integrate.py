"""Fast Integrated Gradients against Captum's, one record after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from captum.attr._utils.approximation_methods import approximation_parameters
from torch import Tensor

from components.core.attribution.fast.integrate import (
    fast_attributions,
    gauss_legendre,
    integrated_gradients,
)
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.data.batches import Batch
from components.core.errors import ConfigError
from components.core.models.registry import model_file, models_by_name
from tests.core.attribution.fast.conftest import MakeBatch, MakeTarget

STEPS = 50


def baselines(batch: Batch, keys: tuple[str, ...]) -> Batch:
    """Return another constant per modality; padding and missing leads stay 0, as in a batch."""
    real = batch["ecg"].ne(0)
    levels = {"ecg": 0.3 * real, "tabular": torch.full_like(batch["tabular"], -0.2)}
    return {key: levels.get(key, torch.zeros_like(batch[key])).to(batch[key]) for key in keys}


def captum(target: Target, batch: Batch, base: Batch) -> tuple[dict[str, Tensor], Tensor]:
    """Return what the library says, record by record."""
    keys, parts, deltas = list(base), [], []
    for row in range(len(batch["ecg"])):
        own = {key: value[row : row + 1] for key, value in batch.items()}
        found, delta = IntegratedGradients(attached(of_tensors(target, own, keys))).attribute(
            tuple(own[key] for key in keys),
            tuple(base[key][row : row + 1] for key in keys),
            additional_forward_args=(record_numbers(own),),
            n_steps=STEPS,
            return_convergence_delta=True,
        )
        parts.append(found)
        deltas.append(delta)
    together = [torch.cat(each) for each in zip(*parts, strict=True)]
    return dict(zip(keys, together, strict=True)), torch.cat(deltas)


def attached(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return `f` with a gradient of 0 for what it does not look at: a record's absent table."""
    return lambda *tensors: f(*tensors) + sum(0 * own.flatten(1).sum(1) for own in tensors[:-1])


def distance(one: Tensor, two: Tensor) -> float:
    return float((one - two).norm() / two.norm())


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("name", sorted(models_by_name()))
def test_every_model_agrees_with_captum(
    name: str, padded: bool, make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    target, batch = make_target(name), make_batch(padded=padded)
    base = baselines(batch, tuple(key for key in model_file(name).INPUTS if key in batch))
    found, error = integrated_gradients(target, batch, base, steps=STEPS, internal_batch=100)
    expected, delta = captum(target, batch, base)
    assert list(found) == list(expected)
    for key, values in found.items():
        assert values.shape == batch[key].shape
        assert distance(values, expected[key]) < 1e-5
    torch.testing.assert_close(error, delta, rtol=0, atol=1e-4)


def test_the_path_is_captums() -> None:
    sizes, alphas = approximation_parameters("gausslegendre")
    path = gauss_legendre(7)
    np.testing.assert_allclose(path.alphas, alphas(7), rtol=0, atol=1e-15)
    np.testing.assert_allclose(path.weights, sizes(7), rtol=0, atol=1e-15)
    parts = list(path.slices(3))
    assert [len(each.alphas) for each in parts] == [3, 3, 1]
    assert sum((each.weights for each in parts), ()) == path.weights


def test_the_size_of_internal_batches_does_not_matter(
    make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    target, batch = make_target("ecg+tabular", 2), make_batch()
    base = baselines(batch, ("ecg", "tabular"))
    whole, error = integrated_gradients(target, batch, base, steps=STEPS, internal_batch=250)
    for internal in (7, 120):
        found, missed = integrated_gradients(
            target, batch, base, steps=STEPS, internal_batch=internal
        )
        assert distance(found["ecg"], whole["ecg"]) < 1e-5
        assert distance(found["tabular"], whole["tabular"]) < 1e-5
        torch.testing.assert_close(missed, error, rtol=0, atol=1e-5)


def test_several_networks_are_averaged(make_target: MakeTarget, make_batch: MakeBatch) -> None:
    target, batch = make_target("ecg", 3), make_batch()
    base = baselines(batch, ("ecg",))
    found, _ = integrated_gradients(target, batch, base, steps=STEPS, internal_batch=50)
    singles = [
        integrated_gradients(Target([each], target.view), batch, base, steps=STEPS,
                             internal_batch=50)[0]["ecg"]
        for each in target.models
    ]  # fmt: skip
    assert distance(singles[0], singles[1]) > 0.1
    assert distance(found["ecg"], torch.stack(singles).mean(0)) < 1e-5


def test_bf16_correlates_and_stays_complete(make_target: MakeTarget, make_batch: MakeBatch) -> None:
    target, batch = make_target("ecg+tabular"), make_batch(32, padded=True)
    base = baselines(batch, ("ecg", "tabular"))
    full, _ = integrated_gradients(target, batch, base, steps=STEPS, internal_batch=200)
    half, error = integrated_gradients(
        target, batch, base, steps=STEPS, internal_batch=200, precision="bf16"
    )
    together = np.corrcoef(full["ecg"].flatten(), half["ecg"].flatten())[0, 1]
    assert 0.99 <= together < 1
    with torch.no_grad():
        gained = target(batch) - target({**batch, **base})
    assert error.abs().median() < 0.02 * gained.std()


def test_padding_and_missing_leads_get_nothing(
    make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    target, batch = make_target("trunk"), make_batch()
    base = baselines(batch, ("ecg", "tabular", "text"))
    found, _ = fast_attributions(target, batch, base, 8)
    assert not found["ecg"][0, :, :37].any()
    assert not found["ecg"][0, :, 150:].any()
    assert found["ecg"][0, :, 37:150].any()
    assert not found["ecg"][1, 2].any()
    assert not found["text"][2].any()
    assert not found["tabular"][3].any()
    assert found["text"][1].any()


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16"), (False, "fp32")])
def test_precision_is_what_the_device_multiplies_natively(
    native: bool,
    precision: str,
    make_target: MakeTarget,
    make_batch: MakeBatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "components.core.attribution.fast.integrate.native_bf16", lambda device: native
    )
    target, batch = make_target("ecg"), make_batch()
    base = baselines(batch, ("ecg",))
    found, _ = fast_attributions(target, batch, base, 8)
    expected, _ = integrated_gradients(
        target, batch, base, steps=8, internal_batch=50, precision=precision
    )
    torch.testing.assert_close(found["ecg"], expected["ecg"], rtol=0, atol=0)


def test_the_networks_and_the_batch_stay_as_they_were(
    make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    target, batch = make_target("ecg+tabular"), make_batch()
    base = baselines(batch, ("ecg", "tabular"))
    state = {key: value.clone() for key, value in target.state_dict().items()}
    given = {key: value.clone() for key, value in batch.items()}
    with torch.no_grad():  # the caller's mode does not matter
        integrated_gradients(target, batch, base, steps=4, internal_batch=8, precision="bf16")
    torch.testing.assert_close(dict(target.state_dict()), state, rtol=0, atol=0)
    torch.testing.assert_close(batch, given, rtol=0, atol=0)
    assert all(p.grad is None and p.requires_grad for p in target.parameters())
    assert not any(value.requires_grad for value in batch.values())


def peak(target: Target, batch: Batch, *, steps: int, internal: int) -> int:
    """Return the most bytes that tensors held at once."""
    base = baselines(batch, ("ecg",))
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        integrated_gradients(target, batch, base, steps=steps, internal_batch=internal)
    events = profile.profiler.kineto_results.events()  # pyright: ignore[reportOptionalMemberAccess]
    memory = [event for event in events if event.name() == "[memory]"]
    changes = [each.nbytes() for each in sorted(memory, key=lambda each: each.start_ns())]
    return int(np.cumsum(changes).max())


def test_memory_is_bounded_by_the_internal_batch(
    make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    target, batch = make_target("ecg"), make_batch(4, padded=False)
    few = peak(target, batch, steps=10, internal=10)
    assert peak(target, batch, steps=80, internal=10) < 1.1 * few
    assert peak(target, batch, steps=80, internal=80) > 2 * few


@pytest.mark.parametrize("sizes", [{"steps": 0}, {"internal_batch": 0}])
def test_a_size_below_one_is_refused(
    sizes: dict[str, int], make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    batch = make_batch()
    message = f"{next(iter(sizes))} is 0, but a path has at least 1 point; raise it"
    with pytest.raises(ConfigError, match=message):
        integrated_gradients(
            make_target("tabular"), batch, baselines(batch, ("tabular",)),
            **{"steps": 5, "internal_batch": 5, **sizes},
        )  # fmt: skip
