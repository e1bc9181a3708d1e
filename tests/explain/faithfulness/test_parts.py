"""Pictures, sounds and fields are removed, shaken and compared together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.data.cohort import Rows
from components.core.metrics.resampling import Plan
from components.core.store import Stage
from components.explain.faithfulness import deletion, section
from components.explain.faithfulness.examine import examine, passes
from components.explain.faithfulness.parts import PART, of_kind, parts, split
from components.explain.faithfulness.removal import preferred, removal
from components.explain.faithfulness.stability import noisy, shaken
from components.explain.methods import integrated_gradients, shapley_sampling
from tests.explain.media_toy import OneTile, Weighted, rows_of, subject_with

CONFIG = ExplainConfig(steps=4, permutations=6, randomised=2, noisy=1, checked=12, orders=3)


@pytest.fixture
def rows(cohort: Callable[..., Stage]) -> Rows:
    return rows_of(cohort)


def of(kind: str, *names: str) -> Grouped:
    return Grouped(kind=kind, names=names, values=np.zeros((2, len(names))))


def test_the_finest_of_every_modality_are_the_parts() -> None:
    whole = of("modality", "ecg_image", "pcg", "tabular", "text")
    grouped = {"modality": whole, "region": of("region", "a", "b"), "variable": of("variable", "v")}
    found = parts(grouped)
    assert found is not None
    expected = ("region a", "region b", "modality pcg", "variable v", "modality text")
    assert found.names == expected
    assert [kind for kind, _ in split(found.names)] == ["region", "modality", "variable",
                                                        "modality"]  # fmt: skip
    assert preferred({"band": of("band", "x", "y"), "region": of("region", "a")}) is None
    assert of_kind(grouped, PART).names == expected
    assert of_kind(grouped, "variable") is grouped["variable"]


def test_without_picture_and_sound_there_are_no_parts() -> None:
    grouped = {"modality": of("modality", "ecg", "tabular"), "lead": of("lead", "I", "II")}
    assert parts(grouped) is None
    assert preferred(grouped) is grouped["lead"]


def test_blocks_of_embeddings_are_parts_and_whole_embeddings_are_not() -> None:
    whole = of("modality", "emb_clinical", "emb_spatial")
    own = of("block_spatial", "spatial entry 1", "spatial entry 2")
    found = parts({"modality": whole, "block_spatial": own})
    assert found is not None
    assert found.names == ("modality emb_clinical", "block_spatial spatial entry 1",
                           "block_spatial spatial entry 2")  # fmt: skip
    assert parts({"modality": whole}) is None
    assert preferred({"modality": whole}) is whole


def test_parts_removed_take_their_own_attribution_and_all_leave_the_baseline(rows: Rows) -> None:
    subject = subject_with(Weighted(rows.tabular.shape[1]), rows)
    index = np.arange(len(subject))
    for method in (integrated_gradients, shapley_sampling):
        found = preferred(method.explain(subject, index, CONFIG).grouped)
        assert found is not None
        assert found.kind == PART
        ready = removal(subject, index, found)
        nothing = np.zeros(found.values.shape, np.bool_)
        whole = ready.log_odds(nothing)
        batch = subject.batch(index)
        empty = subject.log_odds({**batch, **subject.baselines(batch)})
        np.testing.assert_allclose(ready.log_odds(~nothing), empty, atol=1e-4)
        for place in range(0, len(found.names), 7):
            gone = nothing.copy()
            gone[:, place] = True
            own = np.nan_to_num(found.values[:, place])
            np.testing.assert_allclose(whole - ready.log_odds(gone), own, atol=1e-4)


def test_bands_can_be_removed_by_themselves(rows: Rows) -> None:
    subject = subject_with(Weighted(rows.tabular.shape[1]), rows)
    index = np.arange(len(subject))
    own = integrated_gradients.explain(subject, index, CONFIG).grouped["band"]
    ready = removal(subject, index, own)
    gone = np.zeros(own.values.shape, np.bool_)
    whole = ready.log_odds(gone)
    gone[:, 1] = True
    expected = np.nan_to_num(own.values[:, 1])
    np.testing.assert_allclose(whole - ready.log_odds(gone), expected, atol=1e-4)


def test_noise_is_on_what_was_recorded_alone(rows: Rows) -> None:
    subject = subject_with(Weighted(rows.tabular.shape[1]), rows)
    assert shaken(subject) == ("ecg_image", "pcg")
    index = np.arange(len(subject))
    before, after = subject.batch(index), noisy(subject, 0, CONFIG).batch(index)
    for name in ("ecg_image", "pcg"):
        change = (after[name] - before[name]).numpy()
        there = before[f"{name}_mask"].numpy() > 0
        assert not change[~there].any()
        real = change[there]
        if name == "pcg":
            valid = before["pcg_valid"].numpy()[there] > 0
            assert not real[~valid].any()
            real = real[valid]
        assert real.std() == pytest.approx(CONFIG.noise_sd, rel=0.05)
    assert (after["tabular"] == before["tabular"]).all()
    alone = noisy(subject, 0, CONFIG).batch(index[3:4])
    assert (alone["pcg"] == after["pcg"][3:4]).all()


def test_an_exact_explanation_passes_every_check(rows: Rows) -> None:
    subject = subject_with(Weighted(rows.tabular.shape[1]), rows)
    said = integrated_gradients.explain(subject, np.arange(len(subject)), CONFIG)
    found = examine(subject, integrated_gradients, said, CONFIG)
    told = section.figures(found, Plan(draws=200))
    assert found.kind == PART
    assert told["deletion_gain"].lo > 0
    assert told["insertion_gain"].lo > 0
    assert told["agreement"].value < 0.3
    assert told["stability"].value > 0.9
    assert told["completeness_error"].value < 0.001
    page = section.section([found], Plan(draws=100))
    assert any("parts of all inputs together" in text for text in page.text)
    assert any(
        "patches of the sound and variables of the table, 12 records." in text for text in page.text
    )
    assert passes(subject, 10.0, CONFIG) == 12 * ((5 * 9 + 2) + 10 + 2 * 10)


def test_a_map_of_zeros_gains_nothing_by_the_order_of_its_groups(rows: Rows) -> None:
    # What the network looks at stands in the first third of the parts.
    subject = subject_with(OneTile(), rows.take(np.flatnonzero(rows.arrays["ecg_image"].there)))
    index = np.arange(len(subject))
    said = preferred(integrated_gradients.explain(subject, index, CONFIG).grouped)
    assert said is not None
    zeros = replace(said, values=np.where(np.isfinite(said.values), 0.0, np.nan))

    def gain(own: Grouped, seed: int) -> float:
        found = deletion.curves(subject, index, own, CONFIG.model_copy(update={"seed": seed}))
        assert found is not None
        return deletion.gains(found, Plan(draws=100))["deletion_gain"].value

    assert abs(np.mean([gain(zeros, seed) for seed in range(6)])) < 0.06
    assert gain(said, 0) > 0.3
