"""Strange recordings are told from those of training, at the rate that is promised."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from components.core.bundle import Predictor
from components.core.data.cohort import Rows, read_part
from components.core.data.values import ecg_values
from components.core.errors import ConfigError, InputError
from components.core.out_of_distribution import summaries
from components.evaluate.abstention import conformal_threshold, familiarity, fit
from components.evaluate.reproduction import Stored
from tests.chain import manifest_of, task_config
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]


def test_the_fit_is_scikit_learns() -> None:
    x = np.random.default_rng(0).normal(size=(60, 5)) * [1, 2, 3, 4, 5]
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    found = fit(x)
    np.testing.assert_allclose(
        found.covariance, LedoitWolf(assume_centered=True).fit(z).covariance_
    )
    np.testing.assert_allclose(found.mean, x.mean(axis=0))


def test_gaps_and_constants_do_not_stop_the_fit() -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    x[:, 1], x[:, 2], x[3, 0] = np.nan, 7.0, np.nan
    found = fit(x)
    assert np.isnan(found.mean[1])
    assert found.sd[2] == 0
    assert found.mean[0] == pytest.approx(np.nanmean(x[:, 0]))
    assert np.isfinite(found.distance(x)).all()


def test_the_threshold_keeps_its_promise() -> None:
    rng = np.random.default_rng(0)
    passed = []
    for _ in range(400):
        threshold, rate = conformal_threshold(rng.exponential(size=99), 0.05)
        passed.append((rng.exponential(size=50) > threshold).mean())
    assert rate == 0.05
    assert np.mean(passed) == pytest.approx(0.05, abs=0.006)  # 2.5 standard errors
    assert conformal_threshold(np.array([3.0, 1.0, 2.0]), 0.01) == (3.0, 0.25)


def _values(rows: Rows) -> tuple[np.ndarray, dict[str, Any]]:
    return ecg_values(rows, np.flatnonzero(rows.frame["shard"].notna()))


def test_noise_and_exchanged_leads_are_strange_and_validation_is_not(examples: Get) -> None:
    cohort = examples("ecg").behind.cohort
    fold, leads = cohort.facts["folds"][0], tuple(cohort.facts["ecg"]["leads"])
    known = familiarity(cohort, fold, rate=0.1)
    assert known is not None
    values, where = _values(read_part(cohort, fold, "val"))

    def strange(changed: np.ndarray) -> float:
        found = summaries(changed.astype(np.float32), 500.0, leads, **where)
        return float((known.distribution.distance(found) > known.threshold).mean())

    assert strange(values) <= known.rate
    rng = np.random.default_rng(0)
    assert strange(rng.normal(0, 0.3, values.shape)) == 1
    chest = [leads.index(f"V{k}") for k in range(1, 7)]
    swapped = values.copy()
    swapped[:, chest] = values[:, chest[::-1]]
    assert strange(swapped) > 0.9


def test_a_written_bundle_abstains_from_a_reversal(examples: Get) -> None:
    done = examples("ecg")
    predictor = Predictor(done.stage.folder / "bundle")
    assert {"arm_reversal", "wrong_polarity"} <= set(predictor.facts.reject)
    assert predictor.facts.ood_threshold is not None
    rows = manifest_of(done.behind.cohort)
    clean = rows[rows["flag_arm_reversal"].eq(False)]
    cells = [{str(k): v for k, v in row.items()} for row in clean.head(12).to_dict("records")]
    stored = Stored(done.behind.cohort, done.behind.ingest)
    assert sum(stored.ask(predictor, row).abstain for row in cells) <= 1
    read = stored._reader.read

    def reversed_arms(found: dict[str, Any]) -> Any:
        signal = read(found)
        values = signal.values.copy()
        i = signal.leads.index("I")
        values[i] = -values[i]
        return type(signal)(**{**vars(signal), "values": values})

    stored._reader.read = reversed_arms
    assert sum(stored.ask(predictor, row).abstain for row in cells) >= 10


def test_a_tabular_cohort_has_no_such_distance(examples: Get) -> None:
    done = examples("holdout")
    assert familiarity(done.behind.cohort, "holdout", rate=0.05) is None
    facts = json.loads((done.stage.folder / "bundle" / "bundle.json").read_text())
    assert facts["ood_threshold"] is None
    with pytest.raises(InputError, match="a tabular cohort has no ECG to summarise"):
        ecg_values(read_part(done.behind.cohort, "holdout", "val"), np.arange(1))


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="'arm_reversed' is no quality flag; did you mean"):
        task_config(evaluate={"abstain": {"flags": ["arm_reversed"]}})
    assert ConfigError.exit_status == 2
