"""Subsets of the inputs: what is taken away is absent, and who is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from components.core.data.cohort import Rows
from components.core.errors import CardioError, ConfigError
from components.core.metrics.resampling import Plan
from components.core.predict import predict
from components.evaluate.analyses import input_subsets
from components.evaluate.analysis import Context
from components.evaluate.inputs import masked
from components.evaluate.inputs.subsets import fold_frame, lost_of, patterns, spoken, subsets
from components.evaluate.robustness.setting import network_of
from tests.evaluate.conftest import Example, context_of

INPUTS = ("ecg_image", "pcg", "tabular")


@pytest.fixture(scope="module")
def context(examples: Callable[[str], Example]) -> Iterator[Context]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.get_num_threads", lambda: 1)
        yield context_of(examples("media"))


def lacking(rows: Rows, lost: tuple[str, ...]) -> Rows:
    """Return rows whose shards and fields say that nothing of `lost` was recorded."""
    nobody = np.full(len(rows), -1, np.int64)
    arrays = {
        name: replace(part, shard=nobody) if name in lost else part
        for name, part in rows.arrays.items()
    }
    frame = rows.frame
    if "tabular" in lost:
        frame = frame.assign(**{"tab.x": np.nan, "tab.arm": None})
    return replace(rows, arrays=arrays, frame=frame)


def test_all_seven_subsets_of_three_inputs() -> None:
    found = list(subsets(INPUTS))
    assert len(found) == 6  # the seventh is all of them
    assert [len(each) for each in found] == [2, 2, 2, 1, 1, 1]
    assert lost_of(("pcg",), INPUTS) == ("ecg_image", "tabular")
    assert spoken(INPUTS) == "ECG image, heart sound and clinical fields"


@pytest.mark.parametrize("kept", list(subsets(INPUTS)))
def test_what_is_taken_away_is_as_if_never_recorded(
    kept: tuple[str, ...], context: Context
) -> None:
    (test,) = context.tests
    network, index = network_of(context, test.fold), np.arange(len(test.rows))
    lost = lost_of(kept, INPUTS)
    (found,) = masked.changed_logits(
        network, test.rows, index, [masked.without(lost)], advance=lambda _: None
    )
    (model,) = network.models
    expected = predict(model, lacking(test.rows, lost), head=network.head, place=network.place)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - test.frame["logit"].to_numpy()).max() > 1e-3


def test_a_record_without_any_of_a_subset_has_no_answer(context: Context) -> None:
    (test,) = context.tests
    index = np.arange(len(test.rows))
    network = network_of(context, test.fold)
    frame = fold_frame(network, test, index, INPUTS, advance=lambda _: None)
    own = frame["logit.without_ecg_image_tabular"].isna().to_numpy()
    there = test.rows.arrays["pcg"].there
    assert 0 < own.sum() < len(own)
    assert (own == ~there).all()
    assert frame["logit.without_pcg"].notna().all()
    assert frame["calibrated.without_pcg"].notna().all()
    np.testing.assert_array_equal(frame["logit.base"], test.frame["logit"])


def test_reported_logits_that_the_networks_do_not_give_are_refused() -> None:
    masked.check_base(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-5]))
    with pytest.raises(CardioError, match=r"differ by 0\.5 from those reported"):
        masked.check_base(np.array([1.0, 2.0]), np.array([1.0, 2.5]))


def test_patterns_are_those_of_the_manifest(context: Context) -> None:
    found = patterns(context.predictions, context.tests, INPUTS, Plan(draws=100))
    frame = context.tests[0].rows.frame
    assert sum(each.records for each in found) == len(frame)
    for each in found:
        own = np.ones(len(frame), np.bool_)
        for name in ("ecg_image", "pcg"):
            has = frame[f"shard.{name}"].notna().to_numpy()
            own &= has if name in each.kept else ~has
        assert each.records == own.sum()
        assert each.events == frame.loc[own, "label"].sum()
        assert each.powered == (min(each.events, each.patients - each.events) >= 20)
    assert found[0].kept == INPUTS


def test_a_pattern_without_one_class_has_sizes_alone(context: Context) -> None:
    (test,) = context.tests
    one = context.predictions.assign(label=1)
    found = patterns(one, [test], INPUTS, Plan(draws=100))
    assert all(each.auroc is None for each in found)
    table = input_subsets.patterns_table(found)
    assert {row[4] for row in table.rows} == {"a class has nobody"}


def test_too_many_inputs_are_refused(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_subsets, "inputs_of", lambda _: tuple("abcdef"))
    with pytest.raises(ConfigError, match="the model has 6 inputs; subsets of at most 5"):
        input_subsets.analyse(context)


def test_an_ecg_or_a_table_alone_has_no_subsets_here(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert input_subsets.applies(context)
    for inputs in (("ecg", "pcg"), ("tabular",), ("tabular", "text")):
        monkeypatch.setattr(input_subsets, "inputs_of", lambda _, own=inputs: own)
        assert not input_subsets.applies(context)
