"""Every recalibration keeps to one interface and is found by the name in its file."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest

from components.core.config.evaluate import EvaluateConfig
from components.core.errors import ConfigError, InputError
from components.core.metrics import recalibrate
from components.core.metrics.calibration import logit
from components.core.metrics.recalibrate import Identity
from tests.core.metrics.data import predictions

KINDS = get_args(EvaluateConfig.model_fields["recalibrate"].annotation)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_keeps_the_interface(kind: str) -> None:
    data = predictions(6, patients=400)
    x = 2 * logit(np.clip(data.prob, 0.01, 0.99)) + 0.1
    fitted = recalibrate.fit(kind, x, data.y, data.weight)
    found = fitted.logit(x)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), fitted.apply(x), atol=1e-12)
    rising = found[np.argsort(x)]
    assert (np.diff(rising) >= 0).all()
    assert json.loads(fitted.to_json())["kind"] == kind
    again = recalibrate.from_json(fitted.to_json())
    assert again == fitted
    assert type(again) is type(fitted)
    assert recalibrate.describe(kind)
    with pytest.raises(InputError, match="the logit is nan in row 1"):
        fitted.apply([0.0, np.nan])


def test_fitting_lowers_the_log_loss_the_more_the_freer_the_curve() -> None:
    data = predictions(7, patients=800, ties=False)
    x = 3 * logit(data.prob) + 1.5

    def loss(kind: str) -> float:
        p = np.clip(recalibrate.fit(kind, x, data.y).apply(x), 1e-12, 1 - 1e-12)
        return -float(np.mean(data.y * np.log(p) + (1 - data.y) * np.log1p(-p)))

    losses = [loss(kind) for kind in ("isotonic", "platt", "temperature", "none")]
    assert losses == sorted(losses)
    assert losses[-1] > 1.5 * losses[0]


def test_none_hands_logits_through() -> None:
    assert Identity().logit([-2.0, 3.5]).tolist() == [-2.0, 3.5]
    assert Identity().apply([0.0]).tolist() == [0.5]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match="no recalibration 'plat'; did you mean 'platt'"):
        recalibrate.fit("plat", [0.0], [1])
    with pytest.raises(ConfigError, match="no recalibration 'beta'; known are: isotonic, none"):
        recalibrate.from_json('{"kind": "beta"}')
    with pytest.raises(ConfigError, match="no recalibration 'beta'"):
        recalibrate.describe("beta")
    with pytest.raises(InputError, match="not readable"):
        recalibrate.from_json("3")
    with pytest.raises(InputError, match="holds kind 'platt', not 'none'"):
        Identity.from_json('{"kind": "platt"}')


def test_few_events_for_a_free_curve_are_told() -> None:
    told = recalibrate.caution("isotonic", patients=2000, events=499)
    assert told.startswith("Isotonic regression was fitted on 2,000 validation patients with 499")
    assert recalibrate.caution("isotonic", patients=2000, events=1600)
    assert not recalibrate.caution("isotonic", patients=2000, events=500)
    assert not recalibrate.caution("platt", patients=20, events=5)
