"""Methods on pictures, sounds and fields, against networks whose truth is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from components.core.attribution.tiles import patches, reduced, regions
from components.core.config.explain import ExplainConfig
from components.core.data.cohort import Rows
from components.core.errors import CardioError
from components.core.models.blocks.multimodal import Branch
from components.core.store import Stage
from components.explain import planar
from components.explain.methods import (
    feature_ablation,
    grad_cam,
    integrated_gradients,
    shapley_sampling,
)
from components.explain.subject import Subject
from tests.explain.media_toy import PICTURE, SOUND, OneTile, Weighted, rows_of, subject_with
from tests.explain_subjects import made

CONFIG = ExplainConfig(steps=8, permutations=12)


@pytest.fixture
def rows(cohort: Callable[..., Stage]) -> Rows:
    return rows_of(cohort)


def linear(rows: Rows, product: float = 0.0) -> Subject:
    return subject_with(Weighted(rows.tabular.shape[1], product=product), rows)


def differences(subject: Subject) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return weight · (input − baseline) of the linear network, and who has each input."""
    index = np.arange(len(subject))
    batch = subject.batch(index)
    base = subject.baselines(batch)
    network = subject.target.models[0]
    assert isinstance(network, Weighted)
    weights = {"ecg_image": network.picture, "pcg": network.sound, "tabular": network.fields}
    found = {
        name: ((batch[name] - base[name]) * weight).detach().numpy()
        for name, weight in weights.items()
    }
    there = {name: batch[f"{name}_mask"].numpy() > 0 for name in weights}
    assert all(0 < has.sum() < len(has) for has in there.values())
    return found, there


def test_gradients_of_a_linear_network_are_exact_and_absent_inputs_have_none(rows: Rows) -> None:
    subject = linear(rows)
    truth, there = differences(subject)
    said = integrated_gradients.explain(subject, np.arange(len(subject)), CONFIG)
    for name in ("ecg_image", "pcg"):
        own = said.values[name]
        np.testing.assert_allclose(own[there[name]], reduced(truth[name])[there[name]], atol=1e-5)
        assert np.isnan(own[~there[name]]).all()
    modality = said.grouped["modality"]
    for place, name in enumerate(modality.names):
        own = np.where(there[name], truth[name].reshape(len(subject), -1).sum(1), np.nan)
        np.testing.assert_allclose(modality.values[:, place], own, atol=1e-4)
    assert said.error is not None
    assert np.abs(said.error).max() < 1e-4
    variable = said.grouped["variable"].values
    assert np.array_equal(np.isfinite(variable).any(1), there["tabular"])
    for kind, name in (("region", "ecg_image"), ("patch", "pcg"), ("band", "pcg")):
        sums = np.nansum(said.grouped[kind].values, axis=1)
        expected = np.where(there[name], truth[name].reshape(len(subject), -1).sum(1), 0)
        np.testing.assert_allclose(sums, expected, atol=1e-4)


def test_the_baseline_of_a_picture_is_white_paper(rows: Rows) -> None:
    subject = linear(rows)
    batch = subject.batch(np.arange(8))
    stats = rows.stats.arrays["ecg_image"]
    there = batch["ecg_image_mask"] > 0
    base = subject.baselines(batch)
    pixels = base["ecg_image"] * stats.sd[0] + stats.mean[0]
    torch.testing.assert_close(pixels[there], torch.full_like(pixels[there], 255.0))
    assert not base["ecg_image"][~there].any()
    assert not base["pcg"].any()


def test_records_that_all_lack_an_input_are_explained(rows: Rows) -> None:
    lacking = rows.take(np.flatnonzero(~rows.arrays["pcg"].there))
    subject = linear(lacking)
    said = integrated_gradients.explain(subject, np.arange(len(subject)), CONFIG)
    names = said.grouped["modality"].names
    assert np.isnan(said.grouped["modality"].values[:, names.index("pcg")]).all()
    assert np.isnan(said.values["pcg"]).all()
    assert np.abs(said.values["ecg_image"][lacking.arrays["ecg_image"].there]).sum() > 0


def test_a_modality_taken_away_leaves_its_token(rows: Rows) -> None:
    subject = linear(rows)
    index = np.arange(len(subject))
    said = feature_ablation.explain(subject, index, CONFIG)
    batch = subject.batch(index)
    network = subject.target.models[0]
    assert isinstance(network, Weighted)
    parts = [own.detach().numpy() for own in network.each(batch)]
    own = said.grouped["modality"]
    assert own.names == ("ecg_image", "pcg", "tabular")
    for place, name in enumerate(own.names):
        has = batch[f"{name}_mask"].numpy() > 0
        expected = np.where(has, parts[place] - Weighted.TOKENS[place], np.nan)
        np.testing.assert_allclose(own.values[:, place], expected, atol=1e-4)
    assert "the token of absent fields" in said.remark


def test_a_region_or_patch_taken_away_takes_its_own_attribution(rows: Rows) -> None:
    subject = linear(rows)
    index = np.arange(len(subject))
    exact = integrated_gradients.explain(subject, index, CONFIG)
    said = feature_ablation.explain(subject, index, CONFIG)
    for kind in ("region", "patch", "band", "variable"):
        assert said.grouped[kind].names == exact.grouped[kind].names
        np.testing.assert_allclose(
            said.grouped[kind].values, exact.grouped[kind].values, atol=1e-4, err_msg=kind
        )


def test_a_network_of_one_tile_is_told_by_that_tile(rows: Rows) -> None:
    subject = subject_with(OneTile(), rows)
    has = np.flatnonzero(rows.arrays["ecg_image"].there)
    place = regions(PICTURE).names.index(f"row {OneTile.ROW + 1} column {OneTile.COLUMN + 1}")
    for method in (integrated_gradients, feature_ablation):
        own = method.explain(subject, has, CONFIG).grouped["region"].values
        others = np.delete(own, place, axis=1)
        assert (own[:, place] != 0).all()
        np.testing.assert_allclose(others, 0, atol=1e-5)


def test_shapley_values_of_modalities_are_those_of_all_subsets(rows: Rows) -> None:
    subject = linear(rows, product=0.3)
    index = np.arange(len(subject))
    said = shapley_sampling.explain(subject, index, CONFIG)
    own = said.grouped["modality"]
    expected = enumerated(subject, own.names)
    there = differences(subject)[1]
    for place, name in enumerate(own.names):
        wanted = np.where(there[name], expected[:, place], np.nan)
        np.testing.assert_allclose(own.values[:, place], wanted, rtol=1e-4, atol=1e-3)
    fields = own.names.index("tabular")
    sums = said.grouped["variable"].values.sum(axis=1)
    np.testing.assert_allclose(sums, own.values[:, fields], atol=1e-4)


def enumerated(subject: Subject, names: tuple[str, ...]) -> np.ndarray:
    """Return exact Shapley values `[n, M]`: the mean gain over every order of the modalities."""
    batch = subject.batch(np.arange(len(subject)))
    base = subject.baselines(batch)
    orders = list(itertools.permutations(names))
    found = np.zeros((len(subject), len(names)))
    for order in orders:
        gone = {name: base[name] for name in names}
        before = subject.log_odds({**batch, **gone})
        for name in order:
            del gone[name]
            after = subject.log_odds({**batch, **gone})
            found[:, names.index(name)] += (after - before) / len(orders)
            before = after
    return found


@pytest.mark.parametrize(("sizes", "permutations"), [((3, 1, 1), 12), ((2, 1), 1), ((4,), 3)])
def test_unions_stay_together_in_every_order_and_its_reverse(
    sizes: tuple[int, ...], permutations: int
) -> None:
    ends = np.cumsum(sizes)
    unions = [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
    orders = list(shapley_sampling.union_orders(unions, permutations, seed=1))
    assert orders[::2] == [order[::-1] for order in orders[1::2]]
    turns = [tuple(dict.fromkeys(int(np.searchsorted(ends, g, "right")) for g in order))
             for order in orders]  # fmt: skip
    every = set(itertools.permutations(range(len(sizes))))
    assert {turns.count(turn) for turn in every} == {len(turns) // len(every)}
    for order in orders:
        numbers = np.searchsorted(ends, order, "right")
        assert (np.diff(numbers) != 0).sum() == len(sizes) - 1
        assert sorted(order) == list(range(ends[-1]))


def test_orders_of_many_modalities_are_drawn() -> None:
    orders = list(shapley_sampling.union_orders([[k] for k in range(6)], 10, seed=1))
    assert len(orders) == 10
    assert len({tuple(order) for order in orders}) > 5


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        return made("multimodal", members=1)


@pytest.mark.parametrize("name", ["ecg_image", "pcg"])
def test_maps_are_gradients_times_the_last_convolution(branches: Subject, name: str) -> None:
    batch = branches.batch(np.flatnonzero(branches.rows.arrays[name].there)[:4])  # type: ignore[index]
    target = branches.target.each()[0]
    seen: list[torch.Tensor] = []
    hook = planar.only(target, name).register_forward_hook(lambda _m, _i, out: seen.append(out))
    said = target(batch).sum()
    hook.remove()
    (gradient,) = torch.autograd.grad(said, seen[0])
    coarse = (gradient.mean((2, 3), keepdim=True) * seen[0]).sum(1).detach()
    found = grad_cam.planar_map(target, batch, name)
    assert found.shape == ((4, 1, *PICTURE[1:]) if name == "ecg_image" else (4, *SOUND))
    own = found[:, 0] if name == "ecg_image" else found[batch["pcg_valid"] > 0]
    torch.testing.assert_close(own, planar.spread(coarse, tuple(own.shape[1:])))  # type: ignore[arg-type]
    if name == "pcg":
        assert not found[batch["pcg_valid"] == 0].any()


def test_a_map_s_amount_lies_where_its_step_does() -> None:
    maps = torch.zeros(1, 3, 4)
    maps[0, 1, 2] = 2.0
    found = planar.spread(maps, (24, 30))
    assert found.shape == (1, 24, 30)
    assert np.unravel_index(int(found.argmax()), (24, 30)) == (11, 19)
    assert float(found.sum()) == pytest.approx(2.0, rel=1e-5)


def test_maps_are_of_records_that_have_the_input(branches: Subject) -> None:
    every = np.arange(len(branches))
    said = grad_cam.explain(branches, every, CONFIG)
    has = branches.rows.arrays["ecg_image"].there
    assert np.isnan(said.values["ecg_image"][~has]).all()
    assert (said.values["ecg_image"][has] >= 0).all()
    assert np.isnan(said.grouped["region"].values[~has]).all()
    lacking = grad_cam.explain(branches, every[~has], CONFIG)
    assert np.isnan(lacking.values["ecg_image"]).all()


def test_a_network_without_branches_has_no_map(rows: Rows) -> None:
    subject = linear(rows)
    assert planar.mapped(subject) == ()
    assert grad_cam.why_not(subject)
    with pytest.raises(CardioError, match="reads no 'pcg' by convolutions; ask `mapped` first"):
        planar.only(subject.target, "pcg")


def test_a_branch_of_another_kind_ends_with_its_last_convolution() -> None:
    own = nn.Conv2d(1, 2, 3)
    encoder = nn.Sequential(nn.Conv2d(1, 1, 3), own, nn.ReLU())
    for body, expected in ((encoder, own), (nn.Identity(), None)):
        branch = Branch("ecg_image", body, features=2, hidden=3, dropout=0.0)
        assert planar.last_convolution(nn.ModuleList([branch]), "ecg_image") is expected


def test_groups_of_a_window_that_is_not_there_are_unknown(rows: Rows) -> None:
    subject = replace(linear(rows), sound=None)
    index = np.flatnonzero(rows.arrays["pcg"].there)
    own = integrated_gradients.explain(subject, index, CONFIG).grouped["patch"]
    assert own.names == patches(SOUND, None).names
    valid = subject.batch(index)["pcg_valid"].numpy() > 0
    per_window = np.isfinite(own.values).reshape(len(index), SOUND[0], -1)
    assert np.array_equal(per_window.all(2), valid)
    assert np.array_equal(per_window.any(2), valid)
