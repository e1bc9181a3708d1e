"""Each kind of disturbance by itself: against serving's own preparation, numpy and scipy."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import signal as sps

from components.core.config.evaluate import RobustnessConfig
from components.core.errors import ConfigError
from components.core.signals import filters
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.signal import Signal
from components.evaluate.robustness import leads, modalities, noise, rates
from components.evaluate.robustness.recordings import (
    Condition,
    Recordings,
    Setup,
    nothing_given,
    to_batch,
)

FS = 500.0


def setup(**changed: Any) -> Setup:
    asked = ("snr_db", "seed", "modalities")
    config = RobustnessConfig.model_validate({k: changed.pop(k) for k in asked if k in changed})
    plain: dict[str, Any] = {
        "leads": LEADS8, "fs": FS, "unit": "mV", "highpass_hz": None, "notch_hz": None,
        "fewest_leads": 6, "inputs": ("ecg", "tabular"), "rms": 0.2,
    }  # fmt: skip
    return Setup(config=config, **(plain | changed))


def recordings(*, size: int = 3, length: int = 2500, padded: bool = False) -> Recordings:
    rng = np.random.default_rng(4)
    time = np.arange(length) / FS
    wave = np.sin(2 * np.pi * 7 * time) + 0.5 * np.sin(2 * np.pi * 13 * time)
    values = (wave * rng.uniform(0.3, 1.5, (size, 8, 1)) + 0.1).astype(np.float32)
    mask = np.ones((size, 8), np.bool_)
    mask[0, 3] = False
    valid = np.tile(np.array([0, length], np.int32), (size, 1))
    if padded:
        valid[1] = (200, length - 300)
    made = Recordings(
        ids=tuple(f"r{i}" for i in range(size)), values=values, lead_mask=mask, valid=valid,
        tabular=np.ones((size, 2), np.float32), absent=np.array([0, 1], np.float32),
        text=np.ones((size, 3), np.float32), text_mask=np.ones(size, np.bool_),
    )  # fmt: skip
    return replace(made, values=values * made.real())


def apply(condition: Condition, to: Recordings) -> Recordings:
    assert condition.change is not None
    return condition.change(to)


def by_key(found: Any) -> dict[str, Condition]:
    return {condition.key: condition for condition in found}


def prepared(recorded: tuple[str, ...], config: PrepareConfig) -> Any:
    rng = np.random.default_rng(0)
    limb = rng.normal(0, 0.5, (2, config.length)).astype(np.float32)
    every = {"I": limb[0], "II": limb[1], "III": limb[1] - limb[0], "aVR": -(limb[0] + limb[1]) / 2,
             "aVL": limb[0] - limb[1] / 2, "aVF": limb[1] - limb[0] / 2}  # fmt: skip
    chest = np.random.default_rng(1)
    every |= {f"V{n}": chest.normal(0, 1, config.length) for n in range(1, 7)}
    values = np.stack([every[lead] for lead in recorded]).astype(np.float32)
    count = len(recorded)
    return prepare(
        Signal(values=values, fs=config.fs, leads=recorded, unit="mV", lsb=np.ones(count),
               offset=np.zeros(count)), config,
    )  # fmt: skip


@pytest.mark.parametrize("wanted", [LEADS8, LEADS12, ("aVF", "III", "V2")])
@pytest.mark.parametrize("count", [12, 8, 2, 1])
def test_fewer_leads_leave_what_serving_makes_of_such_a_recording(
    wanted: tuple[str, ...], count: int
) -> None:
    config = PrepareConfig(leads=wanted, length=1000, min_leads=1, judge=False)
    whole = prepared(LEADS12, config)
    given = Recordings(
        ids=("a",), values=whole.values[None], lead_mask=whole.lead_mask[None],
        valid=np.array([[0, 1000]], np.int32), tabular=np.empty((1, 0), np.float32),
        absent=np.empty(0, np.float32),
        text=np.empty((1, 0), np.float32), text_mask=np.zeros(1, np.bool_),
    )  # fmt: skip
    (condition,) = leads.conditions(_only(wanted, count))
    recorded = leads._RECORDED[count]
    if condition.change is None:
        kept = leads.available(wanted, recorded)
        assert all(kept) or not any(kept)
        return
    served = prepared(recorded, config)
    found = condition.change(given)
    np.testing.assert_array_equal(found.lead_mask[0], served.lead_mask)
    np.testing.assert_allclose(found.values[0], served.values, atol=1e-5)


def _only(wanted: tuple[str, ...], count: int) -> Setup:
    made = setup(leads=wanted)
    config = RobustnessConfig.model_validate({"leads": [count]})
    return replace(made, config=config)


def test_a_lead_that_cannot_be_had_leaves_no_answer() -> None:
    (one,) = leads.conditions(_only(("V1", "V2"), 1))
    assert one.change is None
    assert one.remark == "none of the task's leads: the model gives no answer"


def test_few_leads_are_refused_in_use_unless_the_task_takes_them() -> None:
    (strict,) = leads.conditions(_only(LEADS8, 2))
    assert "in use refused, fewer than 6 (preprocess.ecg.min_leads)" in strict.remark
    (loose,) = leads.conditions(replace(_only(LEADS8, 2), fewest_leads=1))
    assert loose.remark == "2 of the task's 8 leads"


@pytest.mark.parametrize("name", ["mains", "muscle", "wander"])
@pytest.mark.parametrize("snr", [6.0, -3.0])
def test_the_ratio_of_signal_to_noise_is_as_stated(name: str, snr: float) -> None:
    given = recordings()
    condition = by_key(noise.conditions(setup(snr_db=[snr])))[f"{name}_{snr:g}db"]
    added = apply(condition, given).values - given.values
    for record in range(3):
        there = given.lead_mask[record]
        power = given.values[record, there].var(axis=1).mean()
        found = 10 * np.log10(power / np.square(added[record, there]).mean())
        assert found == pytest.approx(snr, abs=0.05)
        assert not added[record, ~there].any()


@pytest.mark.parametrize(
    ("name", "low", "high"), [("mains", 49.5, 50.5), ("muscle", 20, 150), ("wander", 0.05, 0.5)]
)
def test_noise_has_its_own_band(name: str, low: float, high: float) -> None:
    given = recordings(length=5000)
    added = apply(by_key(noise.conditions(setup(snr_db=[0])))[f"{name}_0db"], given)
    frequency, power = sps.periodogram(added.values[1] - given.values[1], FS)
    inside = (frequency >= low) & (frequency <= high)
    assert power[:, inside].sum() / power.sum() > 0.999


def test_noise_is_a_records_own_and_the_same_each_time() -> None:
    condition = by_key(noise.conditions(setup()))["muscle_6db"]
    given = recordings()
    first, again = apply(condition, given), apply(condition, given)
    np.testing.assert_array_equal(first.values, again.values)
    part = replace(
        given, ids=given.ids[1:], values=given.values[1:], lead_mask=given.lead_mask[1:],
        valid=given.valid[1:],
    )  # fmt: skip
    np.testing.assert_allclose(apply(condition, part).values, first.values[1:], atol=1e-6)
    other = by_key(noise.conditions(setup(seed=1)))["muscle_6db"]
    assert not np.allclose(apply(other, given).values, first.values)


def test_padding_stays_silent() -> None:
    given = recordings(padded=True)
    for condition in (*noise.conditions(setup()), *rates.conditions(setup())):
        found = apply(condition, given)
        assert not found.values[~found.real()].any()
        assert "ecg_valid" in to_batch(found)


def test_noise_goes_through_the_tasks_own_filters() -> None:
    given = recordings(length=5000)
    config = {"highpass_hz": 0.5, "notch_hz": 50}
    plain = apply(by_key(noise.conditions(setup()))["mains_0db"], given)
    filtered = apply(by_key(noise.conditions(setup(**config)))["mains_0db"], given)
    added = plain.values[1] - given.values[1]
    expected = filters.apply(added, FS, highpass_hz=0.5, notch_hz=50)
    np.testing.assert_allclose(filtered.values[1] - given.values[1], expected, atol=1e-4)
    assert np.square(expected).mean() < 0.05 * np.square(added).mean()


def test_noise_above_half_the_rate_cannot_be_shown() -> None:
    found = by_key(noise.conditions(setup(fs=100.0)))
    assert found["mains_0db"].change is None
    assert found["mains_0db"].remark == "cannot be shown at 100 Hz"
    assert found["muscle_0db"].change is not None
    assert found["wander_6db"].remark == "about 0.1 mV root mean square"


def test_a_record_shorter_than_the_wander_still_gets_some() -> None:
    given = recordings(length=400)
    found = apply(by_key(noise.conditions(setup(snr_db=[0])))["wander_0db"], given)
    assert np.abs(found.values - given.values).max() > 0.1


@pytest.mark.parametrize("padded", [False, True])
def test_a_lower_rate_keeps_what_it_can_hold(padded: bool) -> None:
    given = recordings(padded=padded)
    found = by_key(rates.conditions(setup(fs=FS)))
    inner = slice(400, 2000)
    for key in ("fs_250", "fs_125", "fs_100"):
        changed = apply(found[key], given)
        np.testing.assert_allclose(changed.values[..., inner], given.values[..., inner], atol=0.02)
    fast = replace(given, values=np.sin(2 * np.pi * 90 * np.arange(2500) / FS)[None, None]
                   .repeat(3, 0).repeat(8, 1).astype(np.float32) * given.real())  # fmt: skip
    lost = apply(found["fs_100"], fast).values[..., inner]
    assert np.abs(lost).max() < 0.02


def test_a_rate_that_is_not_lower_changes_nothing() -> None:
    found = by_key(rates.conditions(setup(fs=250.0)))
    assert found["fs_250"].change is None
    assert found["fs_250"].remark == "the task's own rate is 250 Hz: nothing changes"


def test_absent_clinical_fields_are_as_serving_encodes_them() -> None:
    found = by_key(modalities.conditions(setup()))
    assert list(found) == ["without_tabular", "without_ecg", "without_ecg_tabular"]
    changed = apply(found["without_tabular"], recordings())
    assert changed.tabular.tolist() == [[0, 1]] * 3
    assert found["without_ecg"].change is None
    assert found["without_ecg_tabular"].title == "nothing"


def test_a_cohort_without_clinical_fields_has_none_to_leave_out() -> None:
    bare = replace(recordings(), tabular=np.empty((3, 0), np.float32))
    assert nothing_given(SimpleNamespace(), {}).shape == (0,)
    assert "tabular" not in to_batch(bare)


def test_one_input_or_none_asked_for_has_no_subsets() -> None:
    assert not list(modalities.conditions(setup(inputs=("ecg",))))
    assert not list(modalities.conditions(setup(modalities=False)))


def test_more_inputs_than_subsets_can_be_tried_of_are_refused() -> None:
    many = setup(inputs=("ecg", "tabular", "a", "b", "c", "d"))
    with pytest.raises(ConfigError, match=r"has 6 inputs; subsets of at most 5 are tried"):
        list(modalities.conditions(many))
