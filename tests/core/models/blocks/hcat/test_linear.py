"""The linear path against the formula, and against what ridge regression finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.linear import _GAIN, LinearPath
from components.core.models.blocks.hcat.records import Records

LAYOUT = Layout({"emb_clinical": 6, "emb_temporal": 8})


def records(values: torch.Tensor, present: list[bool], quality: float = 1.0) -> Records:
    there = torch.tensor([present] * len(values))
    return Records(
        values=values * LAYOUT.spread(there),
        present=there,
        quality=torch.full((len(values), 2), quality),
        layout=LAYOUT,
    )


@pytest.fixture
def path() -> LinearPath:
    torch.manual_seed(0)
    return LinearPath(LAYOUT, factors=3, dropout=0.0).eval()


@pytest.mark.parametrize("present", [[True, True], [True, False], [False, False]])
def test_mean_and_variance_are_those_of_the_product_of_experts(
    path: LinearPath, present: list[bool]
) -> None:
    x = torch.randn(4, 14)
    mean, variance = path(records(x, present))
    decode, encode = (_GAIN * w.detach().double().numpy() for w in (path.decode, path.encode))
    own = path.precision.detach().double().numpy()
    there = np.repeat(present, [6, 8])
    left = np.linalg.inv(
        np.eye(3) + sum(own[m] @ own[m].T for m, seen in enumerate(present) if seen)
    )
    factors = (x.double().numpy() * there) @ encode @ left
    np.testing.assert_allclose(mean.detach(), factors @ decode, rtol=1e-4, atol=1e-5)
    expected = np.diag(left) @ decode**2
    np.testing.assert_allclose(variance.detach(), np.tile(expected, (4, 1)), rtol=1e-4)


def test_what_is_seen_narrows_the_factors(path: LinearPath) -> None:
    x = torch.randn(2, 14)
    none, one, both = (
        path(records(x, seen))[1] for seen in ([False, False], [True, False], [True, True])
    )
    assert (none > one).all()
    assert (one > both).all()


def test_evidence_of_low_quality_counts_less(path: LinearPath) -> None:
    x = torch.randn(2, 14)
    assert path.heard(records(x, [True, False])).tolist() == [[1.0, 0.0]] * 2
    heard = [path.heard(records(x, [True, True], q))[0, 0].item() for q in (0.0, 0.5, 1.0)]
    assert heard == sorted(heard)
    assert heard[0] == pytest.approx(0.5)


def test_it_learns_what_ridge_regression_finds() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1500, 2))
    x = z @ rng.normal(size=(2, 14)) + rng.normal(size=(1500, 14))
    x = torch.from_numpy((x / x.std(0)).astype(np.float32))
    torch.manual_seed(0)
    path = LinearPath(LAYOUT, factors=4, dropout=0.1)
    optimiser = torch.optim.AdamW(path.parameters(), lr=3e-3)
    for _ in range(250):
        rows = x[torch.randint(1000, (64,))]
        loss = (path(records(rows, [True, False]))[0] - rows)[:, 6:].square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    train, test = x[:1000].numpy(), x[1000:]
    with torch.no_grad():
        own = (path.eval()(records(test, [True, False]))[0] - test)[:, 6:].square().mean()
    ridge = Ridge(10.0).fit(train[:, :6], train[:, 6:]).predict(test[:, :6].numpy())
    best = float(np.square(ridge - test[:, 6:].numpy()).mean())
    assert best < 0.85
    assert float(own) < 1.03 * best


def test_entries_are_dropped_while_training_alone(path: LinearPath) -> None:
    path.drop.p = 0.5
    own = records(torch.randn(3, 14), [True, True])
    assert torch.equal(path(own)[0], path(own)[0])
    path.train()
    assert not torch.equal(path(own)[0], path(own)[0])
