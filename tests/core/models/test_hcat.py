"""`hcat` as a whole: what it refuses, its own losses, and how well it imputes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.impute import KNNImputer
from torch import nn

from components.core.errors import ConfigError
from components.core.imputation.calibrate import trusted_slope
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.blocks.hcat.network import HcatModel
from components.core.models.extra import advance, own_losses, weighted_sum
from components.core.models.imputing import Imputation, Imputing
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec

WIDTHS = dict(zip(EMBEDDED, (4, 6, 8, 5, 7), strict=True))
SMALL = {"d_model": 16, "n_heads": 2, "latent": 6, "n_global_layers": 1}
Batch = dict[str, torch.Tensor]


def spec(names: tuple[EmbeddingModality, ...] = EMBEDDED) -> DataSpec:
    return DataSpec(arrays={name: (WIDTHS[name],) for name in names}, heads={"toy": 2})


def build(names: tuple[EmbeddingModality, ...] = EMBEDDED, **settings: Any) -> HcatModel:
    torch.manual_seed(0)
    model = build_model({"name": "hcat", **SMALL, **settings}, spec(names))
    assert isinstance(model, HcatModel)
    return model


def cohort(rows: int, *, seed: int, missing: float = 0.2) -> Batch:
    """Four modalities of three common factors; the semantic one has factors of its own."""
    world, rng = np.random.default_rng(5), np.random.default_rng(seed)
    common, own = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 3))
    batch: Batch = {}
    for name, width in WIDTHS.items():
        factors = own if name == "emb_semantic" else common
        loadings = world.normal(size=(3, width))
        x = factors @ loadings + 0.7 * rng.normal(size=(rows, width))
        sd = np.sqrt(np.square(loadings).sum(0) + 0.49)
        there = rng.random(rows) >= missing
        batch[name] = torch.from_numpy((x / sd * there[:, None]).astype(np.float32))
        batch[f"{name}_mask"] = torch.from_numpy(there.astype(np.float32))
    return batch


def without(batch: Batch, *names: EmbeddingModality) -> Batch:
    absent = {f"{name}_mask": torch.zeros(len(batch[name])) for name in names}
    return {**batch, **absent}


def pretrain(model: nn.Module, batch: Batch, *, epochs: int, lr: float = 3e-3) -> None:
    """Let a model learn from its own losses alone, with a falling rate."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr)
    steps = len(batch["emb_clinical"]) // 64
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=epochs * steps + 1)
    for epoch in range(epochs):
        advance(model, epoch)
        for rows in torch.randperm(64 * steps).split(64):
            out = model({key: value[rows] for key, value in batch.items()})
            loss = weighted_sum(own_losses(out), model.loss_weights)  # pyright: ignore[reportArgumentType]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_heads": 3}, r"d_model=16 is not divisible by n_heads=3"),
        ({"d_model": 8, "scales": 4}, r"d_model=8 cannot be halved for scales=4"),
        ({"moddrop_mode": "all"}, r"'moddrop_mode' in model 'hcat' is 'all'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**settings)


def test_data_without_any_embedding_are_refused() -> None:
    with pytest.raises(ConfigError, match="the model needs at least one of the five embeddings"):
        build_model({"name": "hcat"}, DataSpec(tabular=3, heads={"toy": 2}))


@pytest.mark.parametrize(
    "names",
    [each for size in (1, 2, 5) for each in combinations(EMBEDDED, size)],
    ids=lambda names: "+".join(each.removeprefix("emb_")[:4] for each in names),
)
def test_any_subset_trains_and_answers(names: tuple[EmbeddingModality, ...]) -> None:
    model, batch = build(names), cohort(9, seed=1)
    out = model.train()(batch)
    assert all(value.isfinite().all() for value in out.values())
    sum(value.square().sum() for value in out.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(batch)["toy"].isfinite().all()
    assert model.impute(batch).modalities == names


def test_own_losses_come_while_training_alone() -> None:
    model, batch = build(alpha_kl=0.3), cohort(20, seed=1)
    own = own_losses(model.train()(batch))
    assert set(own) == set(model.loss_weights) == {"kl", "impute", "consistency", "contrastive"}
    assert all(value.shape == () and value > 0 for value in own.values())
    assert model.loss_weights["kl"] == 0.3
    assert set(model.eval()(batch)) == {"toy"}


def test_chance_decides_while_training_alone() -> None:
    model, batch = build(), cohort(20, seed=1)
    assert not torch.equal(model.train()(batch)["toy"], model(batch)["toy"])
    model.eval()
    assert torch.equal(model(batch)["toy"], model(batch)["toy"])
    assert torch.equal(model.embed(batch), model.embed(batch))
    assert torch.equal(model.impute(batch).confidence, model.impute(batch).confidence)


def test_draws_follow_torchs_seed() -> None:
    model, batch, found = build().train(), cohort(20, seed=1), []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append(float(model(batch)["loss:impute"].detach()))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(("warmup", "factors"), [(4, [0.25, 0.5, 0.75, 1, 1]), (0, [1, 1])])
def test_the_divergence_warms_up(warmup: int, factors: list[float]) -> None:
    model, batch = build(kl_warmup=warmup, free_bits=0.0).train(), cohort(20, seed=1)
    found = []
    for epoch in range(len(factors)):
        advance(model, epoch)
        torch.manual_seed(7)
        found.append(float(model(batch)["loss:kl"].detach()))
    assert found == pytest.approx([factor * found[-1] for factor in factors])


def test_heads_do_not_change_what_is_imputed() -> None:
    model, batch = build().train(), cohort(20, seed=1)
    model(batch)["toy"].square().sum().backward()
    assert all(p.grad is None for p in model.imputer.parameters())
    assert any(p.grad is not None for p in model.fusion.parameters())


def test_the_heads_answer_from_the_embeddings_themselves_too() -> None:
    model, batch = build().eval(), cohort(6, seed=1)
    lacking = without(batch, "emb_clinical")
    with torch.no_grad():
        before = [model(batch)["toy"], model(lacking)["toy"], model.masked(lacking)["toy"]]
        torch.nn.init.ones_(model.wide.each["toy"])
        after = [model(batch)["toy"], model(lacking)["toy"], model.masked(lacking)["toy"]]
    added = [late - early for early, late in zip(before, after, strict=True)]
    assert added[0].abs().max() > 0.1
    # What is imputed counts, unless nothing is to be imputed.
    assert not torch.allclose(added[0], added[1])
    assert not torch.allclose(added[1], added[2])


def test_nothing_hidden_leaves_nothing_to_impute() -> None:
    model, batch = build(moddrop=0.0).train(), cohort(20, seed=1)
    before = model(batch)["loss:impute"]
    (before * 1.0).backward()
    last = model.imputer.refiner
    assert last is not None
    assert not any(p.grad is not None and p.grad.any() for p in last.out.parameters())


def test_a_record_without_any_embedding_is_answered() -> None:
    model, batch = build().eval(), cohort(6, seed=1)
    empty = without(batch, *EMBEDDED)
    other = {**empty, **{name: empty[name] + 3 for name in EMBEDDED}}
    assert model(empty)["toy"].isfinite().all()
    assert torch.equal(model(empty)["toy"], model(other)["toy"])
    out = model.train()(empty)
    assert all(value.isfinite().all() for value in out.values())


def test_quality_counts_and_is_one_where_none_is_given() -> None:
    model, batch = build().eval(), cohort(6, seed=1, missing=0.0)
    full = {**batch, "emb_spatial_quality": torch.ones(6)}
    poor = {**batch, "emb_spatial_quality": torch.full((6,), 0.1)}
    assert torch.equal(model(full)["toy"], model(batch)["toy"])
    assert not torch.isclose(model(poor)["toy"], model(batch)["toy"]).all()


def test_an_imputation_tells_all_that_the_protocol_asks_for() -> None:
    model, batch = build(n_impute_iterations=3).eval(), cohort(6, seed=1)
    assert isinstance(model, Imputing)
    found = model.impute(batch)
    assert isinstance(found, Imputation)
    for name, width in WIDTHS.items():
        assert found.mean[name].shape == found.sd[name].shape == (6, width)
        assert (found.sd[name] > 0).all()
    there = torch.stack([batch[f"{name}_mask"] > 0 for name in EMBEDDED], dim=1)
    assert (found.confidence[there] == 1).all()
    assert (found.confidence[~there] < 1).all()
    assert found.rounds.shape == (3, 6, 5)
    torch.testing.assert_close(found.rounds[-1, :, 0], found.sd["emb_clinical"].mean(1))
    assert model.embed(batch).shape == (6, 16)
    assert model.active_units(batch).shape == (6,)


def test_without_the_refinement_the_autoencoder_alone_imputes() -> None:
    model, batch = build(use_advanced_imputation=False), cohort(20, seed=1)
    assert model.imputer.refiner is None
    assert model.eval().impute(batch).rounds.shape == (1, 20, 5)
    model.train()(batch)["loss:impute"].backward()
    assert model.imputer.certainty.body.weight.grad is not None


def test_patches_are_imputed_as_one_vector() -> None:
    model = build_model(
        {"name": "hcat", **SMALL},
        DataSpec(arrays={"emb_clinical": (4,), "emb_spatial": (3, 7)}, heads={"toy": 2}),
    )
    assert isinstance(model, HcatModel)
    own = cohort(5, seed=1)
    batch = {
        "emb_clinical": own["emb_clinical"],
        "emb_spatial": torch.randn(5, 3, 7),
        "emb_spatial_valid": torch.ones(5, 3),
        "emb_spatial_mask": torch.tensor([1.0, 1, 1, 0, 1]),
    }
    target = model.targets(batch)["emb_spatial"]
    assert target.shape == model.impute(batch).mean["emb_spatial"].shape == (5, 7)
    assert not target[3].any()
    model.train()(batch)["loss:impute"].backward()
    pool = model.reader.pools["emb_spatial"]
    # The truth must not move towards what is easily imputed; what is seen may be chosen.
    assert pool.score.weight.grad is not None  # pyright: ignore[reportAttributeAccessIssue]


def test_half_precision_imputes_nearly_the_same() -> None:
    model, batch = build().eval(), cohort(20, seed=1)
    with torch.no_grad():
        exact = model.impute(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            near = model.impute(batch)
            out = model.train()(batch)
    torch.testing.assert_close(
        near.mean["emb_clinical"], exact.mean["emb_clinical"], rtol=0, atol=0.05
    )
    assert near.sd["emb_clinical"].dtype == torch.float32
    assert all(value.isfinite().all() for value in out.values())


@pytest.fixture(scope="module")
def trained() -> tuple[HcatModel, Batch, Batch]:
    """A model after pretraining on 640 records, those records, and 400 others."""
    train, test = cohort(640, seed=1), cohort(400, seed=2, missing=0.1)
    # Dropout makes errors larger while training than after it, and what is stated with them.
    model = build(free_bits=0.02, dropout=0.1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small steps: threads would wait for each other
    pretrain(model.train(), train, epochs=40)
    torch.set_num_threads(threads)
    return model.eval(), train, test


def hidden_errors(model: HcatModel, test: Batch, name: EmbeddingModality) -> tuple[np.ndarray, ...]:
    """Return the errors and stated SDs of one modality, hidden where it is there."""
    rows = test[f"{name}_mask"] > 0
    with torch.no_grad():
        found = model.impute(without(test, name))
    off = (found.mean[name] - test[name])[rows]
    return off.numpy(), found.sd[name][rows].numpy()


@pytest.mark.parametrize("name", [name for name in EMBEDDED if name != "emb_semantic"])
def test_hidden_modalities_are_imputed_better_than_by_neighbours(
    trained: tuple[HcatModel, Batch, Batch], name: EmbeddingModality
) -> None:
    model, train, test = trained
    own, _ = hidden_errors(model, test, name)
    rows = test[f"{name}_mask"] > 0
    near = (
        KNNImputer(n_neighbors=10).fit(_with_gaps(train)).transform(_with_gaps(without(test, name)))
    )
    start = sum(
        width for other, width in WIDTHS.items() if EMBEDDED.index(other) < EMBEDDED.index(name)
    )
    by_neighbours = near[rows.numpy(), start : start + WIDTHS[name]] - test[name][rows].numpy()
    error = float(np.square(own).mean())
    assert error < 0.65 * float(test[name][rows].square().mean())
    assert error < 0.95 * float(np.square(by_neighbours).mean())


def _with_gaps(batch: Batch) -> np.ndarray:
    parts = [torch.where(batch[f"{n}_mask"][:, None] > 0, batch[n], torch.nan) for n in EMBEDDED]
    return torch.cat(parts, dim=1).numpy()


def test_what_nothing_tells_of_is_given_out_as_good_as_its_mean(
    trained: tuple[HcatModel, Batch, Batch],
) -> None:
    """By itself the network is 3.1 % worse on these records: given out is what is mended."""
    model, _, test = trained
    off, _ = hidden_errors(model, test, "emb_semantic")
    truth = test["emb_semantic"][test["emb_semantic_mask"] > 0].numpy()
    taught = np.arange(len(truth)) % 2 == 0
    patient = np.array([f"p{n}" for n in range(len(truth))])
    kept = trusted_slope(truth[taught], (truth + off)[taught], patient[taught])
    given = kept * (truth + off)[~taught] - truth[~taught]
    assert np.square(given).mean() < 1.02 * np.square(truth[~taught]).mean()
    assert kept < 0.5


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_stated_sd_covers_the_truth(
    trained: tuple[HcatModel, Batch, Batch], name: EmbeddingModality
) -> None:
    off, sd = hidden_errors(trained[0], trained[2], name)
    # The 90 % interval of a Gaussian.
    assert float((np.abs(off) < 1.645 * sd).mean()) == pytest.approx(0.9, abs=0.04)


def test_confidence_tells_what_is_imputed_well(trained: tuple[HcatModel, Batch, Batch]) -> None:
    model, _, test = trained
    with torch.no_grad():
        found = {
            name: float(model.impute(without(test, name)).confidence[:, place].mean())
            for place, name in enumerate(EMBEDDED)
        }
    assert min(found, key=found.__getitem__) == "emb_semantic"
    # e⁻¹ of what is imputed by its mean.
    assert found["emb_semantic"] == pytest.approx(0.37, abs=0.1)


def test_the_latent_is_in_use(trained: tuple[HcatModel, Batch, Batch]) -> None:
    assert (trained[0].active_units(trained[2]) > 0.01).sum() >= 3


def test_views_of_a_patient_are_alike_after_training(
    trained: tuple[HcatModel, Batch, Batch],
) -> None:
    model, _, test = trained
    whole = {key: value[:60] for key, value in test.items()}
    with torch.no_grad():
        one = model.contrast(model.embed(without(whole, "emb_clinical")))
        two = model.contrast(model.embed(without(whole, "emb_pathological")))
    found = nn.functional.normalize(one, dim=1) @ nn.functional.normalize(two, dim=1).T
    assert float((found.argmax(1) == torch.arange(60)).double().mean()) > 0.3
