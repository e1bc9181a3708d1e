"""Records with pictures and sounds: batches, what is absent, leaving one out, a model on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from components.core.data.batches import raw_batch
from components.core.data.cohort import Rows, read_part
from components.core.data.finish import Finisher
from components.core.device import Place
from components.core.errors import InputError
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.core.predict import predict_logits
from components.core.store import Stage
from tests.cohorts import ARRAY_SHAPES

CPU = Place(device="cpu", precision="fp32", name="CPU")


@pytest.fixture
def rows(cohort: Callable[..., Stage]) -> Rows:
    stage = cohort(ecg=False, arrays=("ecg_image", "pcg"))
    return read_part(stage, "holdout", "train")


def test_a_batch_holds_every_modality_and_says_who_lacks_it(rows: Rows) -> None:
    assert rows.modalities == ("tabular", "ecg_image", "pcg")
    index = np.arange(len(rows))
    batch = raw_batch(rows, index)
    assert batch["ecg_image"].dtype == torch.uint8
    assert tuple(batch["pcg"].shape[1:]) == ARRAY_SHAPES["pcg"]
    for name in ("ecg_image", "pcg"):
        there = rows.frame[f"shard.{name}"].notna().to_numpy(copy=True)
        assert 0 < there.sum() < len(there)
        assert batch[f"{name}_mask"].bool().tolist() == there.tolist()
        assert not batch[name][~torch.from_numpy(there)].any()
    assert batch["pcg_valid"].shape == (len(rows), 3)
    assert batch["tabular_mask"].all()


def test_finished_arrays_have_the_training_part_s_mean_and_sd(rows: Rows) -> None:
    batch = Finisher(rows.stats)(raw_batch(rows, np.arange(len(rows))))
    image = batch["ecg_image"][batch["ecg_image_mask"] > 0]
    assert abs(float(image.mean())) < 1e-4
    assert abs(float(image.std(correction=0)) - 1) < 1e-4
    assert not batch["pcg"][batch["pcg_valid"] == 0].any()


def test_a_patient_without_any_field_is_told_apart(rows: Rows) -> None:
    frame = rows.frame.copy()
    frame.loc[0, ["tab.age", "tab.sex"]] = None
    lacking = Rows(**{**vars(rows.take(np.arange(len(rows)))), "frame": frame})  # type: ignore[arg-type]
    assert raw_batch(lacking, np.arange(2))["tabular_mask"].tolist() == [0, 1]


def test_taken_rows_take_their_arrays_with_them(rows: Rows) -> None:
    index = np.array([3, 1])
    taken, all_ = raw_batch(rows.take(index), np.arange(2)), raw_batch(rows, index)
    assert all(torch.equal(taken[key], all_[key]) for key in all_)


def test_a_modality_left_out_is_in_no_batch(rows: Rows) -> None:
    batch = raw_batch(rows.without("pcg"), np.arange(2))
    assert not [key for key in batch if key.startswith("pcg")]
    with pytest.raises(InputError, match="no modality 'video'; they hold tabular, ecg_image, pcg$"):
        rows.without("video")


def test_the_network_of_branches_answers_a_cohort(rows: Rows) -> None:
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    assert spec.arrays == {"ecg_image": (1, 24, 36), "pcg": (3, 8, 20)}
    model = build_model({"name": "multimodal"}, spec)
    logits = predict_logits(model, rows, place=CPU, batch=7)
    assert list(logits) == ["toy"]
    assert logits["toy"].shape == (len(rows), 2)
    assert np.isfinite(logits["toy"]).all()
    without = predict_logits(model, rows.without("pcg"), place=CPU, batch=7)
    lacking = rows.frame["shard.pcg"].isna().to_numpy()
    # Who has no sound is answered alike whether the data hold sounds or not: by the token.
    np.testing.assert_allclose(without["toy"][lacking], logits["toy"][lacking], atol=1e-5)
    assert not np.allclose(without["toy"][~lacking], logits["toy"][~lacking])


def test_one_modality_alone_keeps_everybody(rows: Rows) -> None:
    alone = rows.only("pcg")
    assert alone.modalities == ("pcg",)
    assert alone.frame.equals(rows.frame)
    batch = raw_batch(alone, np.arange(len(rows)))
    assert {key for key in batch if key.startswith(("ecg", "tabular"))} == set()
    assert 0 < batch["pcg_mask"].sum() < len(rows)
    with pytest.raises(InputError, match="no modality 'ecg'; they hold tabular, ecg_image, pcg$"):
        rows.only("ecg")


def test_clinical_fields_alone_still_tell_who_has_none(rows: Rows) -> None:
    frame = rows.frame.copy()
    frame.loc[0, ["tab.age", "tab.sex"]] = None
    alone = replace(rows, frame=frame).only("tabular")
    assert alone.modalities == ("tabular",)
    mask = raw_batch(alone, np.arange(len(rows)))["tabular_mask"]
    assert mask.tolist() == [0.0] + [1.0] * (len(rows) - 1)
    assert "tabular_mask" not in raw_batch(replace(alone, tabular_masked=False), np.arange(2))
    assert alone.only("tabular").tabular_masked
