"""Simple imputations: fitted on training alone, of components, in native width."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.imputation.pairs import pair_frame
from components.core.imputation.peers import ITERATIVE, KNN, MEAN, fit_axes, fit_peers
from components.core.imputation.vectors import Vectors
from components.core.modalities import EmbeddingModality

NAMES: tuple[EmbeddingModality, ...] = ("emb_clinical", "emb_spatial")


def records(n: int, *, seed: int) -> Vectors:
    """Two modalities of 30 and 12 entries from the same three factors."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(9).normal(size=(3, 42))
    x = rng.normal(size=(n, 3)) @ loadings + rng.normal(0, 0.1, (n, 42))
    there = np.ones((n, 2), np.bool_)
    there[::5, 0] = False
    there[1::5, 1] = False
    entries: dict[EmbeddingModality, np.ndarray] = {
        "emb_clinical": np.where(there[:, :1], x[:, :30], np.nan),
        "emb_spatial": np.where(there[:, 1:], x[:, 30:], np.nan),
    }
    patient = np.array([f"p{i}" for i in range(n)])
    return Vectors(names=NAMES, entries=entries, there=there, patient=patient)


TRAIN, TEST = records(200, seed=0), records(60, seed=1)


@pytest.mark.parametrize(("way", "most"), [(MEAN, 1.2), (KNN, 0.6), (ITERATIVE, 0.05)])
def test_each_imputes_what_is_hidden_as_well_as_it_can(way: str, most: float) -> None:
    axes = fit_axes(TRAIN)
    hidden = np.zeros_like(TEST.there)
    hidden[:, 0] = TEST.there.all(axis=1)
    said = fit_peers(TRAIN, axes)[way](TEST.without(hidden))
    assert said["emb_clinical"].shape == (60, 30)
    rows = hidden[:, 0]
    truth = TEST.entries["emb_clinical"][rows]
    error = ((said["emb_clinical"][rows] - truth) ** 2).mean()
    base = ((axes.centre["emb_clinical"] - truth) ** 2).mean()
    assert error / base < most
    assert np.isfinite(said["emb_spatial"]).all()


def test_components_are_of_the_training_part_and_lead_back() -> None:
    axes = fit_axes(TRAIN, components=3)
    assert axes.scores(TEST).shape == (60, 6)
    np.testing.assert_array_equal(np.isnan(axes.scores(TEST)[:, 0]), ~TEST.column("emb_clinical"))
    whole = TEST.there.all(axis=1)
    back = axes.vectors(axes.scores(TEST)[whole])["emb_spatial"]
    assert np.abs(back - TEST.entries["emb_spatial"][whole]).mean() < 0.15
    again = fit_axes(TRAIN, components=3)
    np.testing.assert_array_equal(again.scores(TEST), axes.scores(TEST))


def test_records_that_do_not_differ_give_no_scale_but_an_answer() -> None:
    same = Vectors(
        names=("emb_clinical",), entries={"emb_clinical": np.ones((2, 4))},
        there=np.ones((2, 1), np.bool_), patient=np.array(["a", "b"]),
    )  # fmt: skip
    axes = fit_axes(same)
    assert axes.scale["emb_clinical"] == 1
    np.testing.assert_allclose(axes.vectors(axes.scores(same))["emb_clinical"], 1)


def test_pairs_leave_out_unknown_entries_and_the_mean_has_no_cosine() -> None:
    truth = Vectors(
        names=("emb_clinical",),
        entries={"emb_clinical": np.array([[1.0, np.nan], [2.0, 2.0], [np.nan, np.nan]])},
        there=np.ones((3, 1), np.bool_), patient=np.array(["a", "b", "c"]),
    )  # fmt: skip
    zero, half = np.zeros((3, 2)), np.full((3, 2), 0.5)
    centre: dict[EmbeddingModality, np.ndarray] = {"emb_clinical": np.zeros(2)}
    found = pair_frame(
        truth, np.ones((3, 1), np.bool_),
        {"model": {"emb_clinical": half}, "mean": {"emb_clinical": zero}},
        {"emb_clinical": np.ones((3, 2))}, centre=centre,
    )  # fmt: skip
    assert found["error.model"].tolist()[:2] == [0.25, 2.25]
    assert np.isnan(found["error.model"][2])
    assert found["cosine.model"].tolist()[:2] == pytest.approx([1.0, 1.0])
    assert found["cosine.mean"].isna().all()
    assert found["covered.0.5"].tolist()[:2] == [1.0, 0.0]  # 0.67 SD to either side
    assert found["covered.0.9"].tolist()[:2] == [1.0, 1.0]
