"""Batches of which a part is hidden or filled in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.core.data.batches import raw_batch
from components.core.data.finish import Finisher
from components.core.errors import InputError
from components.core.imputation.answers import concealed, filled, read_vectors
from components.core.imputation.vectors import Vectors, centres, mean_of_known
from components.core.modalities import EmbeddingModality
from tests.core.imputation.linear_gaussian import (
    CPU,
    NAMES,
    WIDTHS,
    Conditional,
    Parts,
    write_parts,
)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("parts"), dependent=True, sizes=(60, 40, 150))


@pytest.fixture(scope="module")
def batch(parts: Parts) -> dict[str, torch.Tensor]:
    own = Finisher(parts.test.stats)(raw_batch(parts.test, np.arange(20)))
    return own | {f"{NAMES[0]}_known": torch.ones(20, WIDTHS[NAMES[0]])}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_concealed_is_as_if_never_recorded(
    batch: dict[str, torch.Tensor], name: EmbeddingModality
) -> None:
    gone = torch.arange(20) < 10
    changed = concealed(batch, {name: gone})
    for key in batch:
        assert torch.equal(changed[key][10:], batch[key][10:])
        if key.startswith(name):
            assert not changed[key][:10].any()
        else:
            assert torch.equal(changed[key], batch[key])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_filled_in_counts_as_recorded(
    parts: Parts, batch: dict[str, torch.Tensor], name: EmbeddingModality
) -> None:
    gone = torch.arange(20) < 10
    value = torch.randn(20, WIDTHS[name], generator=torch.Generator().manual_seed(0))
    lacking = {key: own * 0 for key, own in batch.items() if key.endswith("known")}
    changed = filled(batch | lacking, name, gone, value)
    assert all(changed[key][:10].eq(1).all() for key in lacking if key.startswith(name))
    assert changed[f"{name}_mask"][:10].all()
    assert changed[f"{name}_quality"][:10].eq(1).all()
    model = Conditional(parts.law, parts.test.stats)
    torch.testing.assert_close(model.targets(changed)[name][:10], value[:10])
    torch.testing.assert_close(model.targets(changed)[name][10:], model.targets(batch)[name][10:])


def test_a_modality_without_quality_is_filled_in_all_the_same(
    batch: dict[str, torch.Tensor],
) -> None:
    plain = {key: value for key, value in batch.items() if not key.endswith("_quality")}
    changed = filled(plain, "emb_clinical", torch.ones(20, dtype=torch.bool), torch.ones(20, 6))
    assert changed["emb_clinical"].eq(1).all()
    assert "emb_clinical_quality" not in changed


def test_vectors_are_nan_where_a_record_or_an_entry_is_missing(parts: Parts) -> None:
    model = Conditional(parts.law, parts.test.stats)
    found = read_vectors([model], parts.test, CPU)
    assert found.names == NAMES
    for place, name in enumerate(NAMES):
        known = np.isfinite(found.entries[name])
        np.testing.assert_array_equal(known.all(axis=1), found.there[:, place])
        np.testing.assert_array_equal(known.any(axis=1), found.there[:, place])
    has = np.flatnonzero(found.column("emb_clinical"))[0]
    stored = parts.test.arrays["emb_clinical"]
    stored.reader._values[0] = np.array(stored.reader._values[0])
    stored.reader._values[0][int(stored.row[has]), 2] = np.nan
    gap = read_vectors([model], parts.test, CPU)
    assert np.isnan(gap.entries["emb_clinical"][has]).tolist() == [False] * 2 + [True] + [False] * 3


def test_without_what_is_hidden_records_lack_it() -> None:
    own = Vectors(
        names=("emb_clinical",), entries={"emb_clinical": np.ones((2, 3))},
        there=np.ones((2, 1), np.bool_), patient=np.array(["a", "b"]),
    )  # fmt: skip
    np.testing.assert_allclose(centres(own)["emb_clinical"], 1)
    less = own.without(np.array([[True], [False]]))
    assert less.column("emb_clinical").tolist() == [False, True]
    assert np.isnan(less.entries["emb_clinical"]).all(axis=1).tolist() == [True, False]
    with pytest.raises(InputError, match="two records of a training part have 'emb_clinical'"):
        centres(less)
    assert mean_of_known(np.full((2, 3), np.nan)).tolist() == [0, 0, 0]
