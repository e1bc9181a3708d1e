"""Arrays as networks take them in: z-scores by the training part, exactly 0 where absent."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.core.data.arrays import ArrayStats
from components.core.data.batches import Batch
from components.core.data.finish import Finisher
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import TabularEncoder
from components.core.errors import InputError

PCG = ArrayStats(axis=1, shape=(2, 2, 3), mean=(1.0, 2.0), sd=(2.0, 4.0))


@pytest.fixture
def finish() -> Finisher:
    return Finisher(
        FoldStats(fold="f", records=1, ids_sha256="", ecg=None, tabular=TabularEncoder(),
                  arrays={"pcg": PCG})
    )  # fmt: skip


def raw() -> Batch:
    values = np.arange(3 * 2 * 2 * 3, dtype=np.float16).reshape(3, 2, 2, 3)
    return {
        "pcg": torch.from_numpy(values),
        "pcg_mask": torch.tensor([1.0, 0.0, 1.0]),
        "pcg_valid": torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]),
    }


def test_channels_are_standardised_and_what_is_absent_is_zero(finish: Finisher) -> None:
    batch = raw()
    before = batch["pcg"].clone()
    out = finish(batch)["pcg"]
    expected = (before.float() - torch.tensor([1.0, 2.0])[:, None]) / torch.tensor([2.0, 4.0])[
        :, None
    ]
    assert out.dtype == torch.float32
    torch.testing.assert_close(out[0], expected[0])
    torch.testing.assert_close(out[2, 0], expected[2, 0])
    assert not out[1].any()
    assert not out[2, 1].any()
    assert torch.equal(batch["pcg"], before)


def test_a_batch_without_the_modality_stays_without(finish: Finisher) -> None:
    assert set(finish({"label": torch.ones(1)})) == {"label"}


def test_another_shape_than_in_training_is_refused(finish: Finisher) -> None:
    with pytest.raises(InputError, match=r"the heart sound comes as \(2, 2, 4\), the model was"):
        finish({"pcg": torch.zeros(1, 2, 2, 4)})


def test_entries_that_an_embedding_lacks_are_at_the_mean_and_named() -> None:
    own = ArrayStats(axis=0, shape=(3,), mean=(1.0, 2.0, 3.0), sd=(1.0, 1.0, 1.0))
    finish = Finisher(
        FoldStats(fold="f", records=1, ids_sha256="", ecg=None, tabular=TabularEncoder(),
                  arrays={"emb_clinical": own, "emb_semantic": own})
    )  # fmt: skip
    some = torch.tensor([[5.0, torch.nan, 5.0], [2.0, 2.0, 2.0]])
    out = finish({"emb_clinical": some, "emb_semantic": torch.ones(2, 3)})
    assert out["emb_clinical"].tolist() == [[4.0, 0.0, 2.0], [1.0, 0.0, -1.0]]
    assert out["emb_clinical_known"].tolist() == [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    assert "emb_semantic_known" not in out
