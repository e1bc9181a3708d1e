"""What is read out of a batch: absent ones as zeros, patches pooled, quality 1 by default."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.records import Reader, together

SHAPES = {"emb_clinical": (2,), "emb_spatial": (3, 4)}


@pytest.fixture
def reader() -> Reader:
    torch.manual_seed(0)
    return Reader(SHAPES)


def batch(rows: int = 5) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    return {
        "emb_clinical": torch.randn(rows, 2, generator=rng),
        "emb_clinical_mask": torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])[:rows],
        "emb_spatial": torch.randn(rows, 3, 4, generator=rng),
        "emb_spatial_valid": torch.tensor(
            [[1.0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1], [1, 1, 1]]
        ),
        "emb_spatial_quality": torch.linspace(0, 1, rows),
    }


def test_presence_and_quality_default_to_one(reader: Reader) -> None:
    records = reader(batch())
    assert records.present.tolist() == [[i != 1, True] for i in range(5)]
    assert records.quality[:, 0].tolist() == [1.0] * 5
    assert records.quality[:, 1].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_what_an_absent_embedding_holds_does_not_matter(reader: Reader) -> None:
    own = batch()
    other = {**own, "emb_clinical": own["emb_clinical"].clone()}
    other["emb_clinical"][1] = torch.nan
    assert torch.equal(reader(other).values, reader(own).values)
    assert not reader(own).values[1, :2].any()


def test_a_modality_that_the_batch_lacks_is_absent_from_all(reader: Reader) -> None:
    own = {key: value for key, value in batch().items() if not key.startswith("emb_clinical")}
    own["emb_clinical_mask"] = torch.ones(5)  # a mask of nothing
    records = reader(own)
    assert not records.present[:, 0].any()
    assert not records.values[:, :2].any()


def test_patches_start_near_their_mean_and_missing_ones_do_not_count(reader: Reader) -> None:
    own = batch()
    pooled = reader(own).values[:, 2:]
    mean = torch.stack([own["emb_spatial"][0, :2].mean(0), own["emb_spatial"][1, 0]])
    torch.testing.assert_close(pooled[:2], mean, rtol=0, atol=0.05)
    other = {**own, "emb_spatial": own["emb_spatial"].clone()}
    other["emb_spatial"][0, 2] = torch.nan
    assert torch.equal(reader(other).values, reader(own).values)


def test_weights_over_patches_are_learned(reader: Reader) -> None:
    own = batch()
    with torch.no_grad():
        reader.pools["emb_spatial"].score.weight.copy_(torch.tensor([[50.0, 0, 0, 0]]))
    whole = {key: value for key, value in own.items() if not key.endswith("valid")}
    top = own["emb_spatial"][4][own["emb_spatial"][4, :, 0].argmax()]
    torch.testing.assert_close(reader(whole).values[4, 2:], top, rtol=0, atol=1e-3)


def test_a_view_shows_only_what_is_kept_with_noise_on_it(reader: Reader) -> None:
    records = reader(batch())
    kept = records.present.clone()
    kept[2:, 0] = False
    plain, noisy = records.seen(kept), records.seen(kept, noise=0.5)
    assert torch.equal(plain.present, kept)
    assert torch.equal(plain.values[0], records.values[0])
    assert not noisy.values[2:, :2].any()
    off = noisy.values[:, 2:] - records.values[:, 2:]
    assert 0.2 < off.std().item() < 1.0


def test_two_views_stand_one_after_the_other(reader: Reader) -> None:
    records = reader(batch())
    both = together(records, records.seen(torch.zeros_like(records.present)))
    assert torch.equal(both.values[:5], records.values)
    assert not both.values[5:].any()
    assert both.present.shape == both.quality.shape == (10, 2)


def test_entries_that_are_lacking_are_known_of_in_the_order_of_the_values(reader: Reader) -> None:
    own = batch()
    assert reader(own).known is None
    known = torch.ones(5, 2)
    known[3, 1] = 0
    records = reader({**own, "emb_clinical_known": known})
    assert records.known is not None
    assert (~records.known).nonzero().tolist() == [[3, 1]]
    shown = records.seen(torch.zeros_like(records.present))
    assert shown.known is records.known
    both = together(records, records).known
    assert both is not None
    assert (~both).nonzero().tolist() == [[3, 1], [8, 1]]
    assert together(records, reader(own)).known is None
