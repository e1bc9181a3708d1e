"""The sanity checklist refuses what would spoil a long training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.data.foldstats import ids_hash
from components.core.errors import RefusedError
from components.core.signals.leads import LEADS8
from components.train import augment as aug
from components.train.checklist import check

ALL = FitConfig(aug=("noise", "scale", "shift", "leads"))


HEADS: HeadMap = {"y": BinaryHead()}


def with_ids(rows: Rows) -> Rows:
    """Return rows whose statistics are said to come from just these records."""
    stats = rows.stats.model_copy(update={"ids_sha256": ids_hash(rows.frame["sample_id"])})
    return replace(rows, stats=stats)


def frame(rows: Rows, **columns: Any) -> Rows:
    return replace(rows, frame=rows.frame.assign(**columns))


def test_what_holds_is_listed(ecg: tuple[Rows, Rows], tabular: tuple[Rows, Rows]) -> None:
    found = check(*ecg, ALL, LEADS8, HEADS)
    assert len(found) == len(set(found)) == 7
    assert "normalisation fitted on train only" in found
    assert "no identical waveform in two parts" in found
    assert check(*tabular, ALL, LEADS8, HEADS) == found[:3]
    assert len(check(ecg[0], None, ALL, LEADS8, HEADS)) == 6


@pytest.mark.parametrize("which", [0, 1])
def test_one_class_only(tabular: tuple[Rows, Rows], which: int) -> None:
    parts = list(tabular)
    parts[which] = frame(parts[which], label=0)
    name = ("train", "val")[which]
    with pytest.raises(
        RefusedError, match=f"the {name} part of fold holdout has one class only for the head 'y'"
    ):
        check(parts[0], parts[1], ALL, LEADS8, HEADS)


def test_statistics_of_other_records(tabular: tuple[Rows, Rows]) -> None:
    train, val = tabular
    with pytest.raises(RefusedError, match="normalisation of fold holdout was fitted on other"):
        check(replace(train, frame=train.frame[1:]), val, ALL, LEADS8, HEADS)


def test_a_patient_in_both_parts(tabular: tuple[Rows, Rows]) -> None:
    train, val = tabular
    ids = val.frame["patient_id"].mask(np.arange(len(val)) < 2, train.frame["patient_id"][0])
    with pytest.raises(RefusedError, match=r"checklist: 1 patient\(s\) are in train and in val"):
        check(train, frame(val, patient_id=ids), ALL, LEADS8, HEADS)


def test_a_waveform_in_both_parts(ecg: tuple[Rows, Rows]) -> None:
    train, val = ecg
    hashes = pd.Series(train.frame["ecg_sha256"].to_numpy()[: len(val)])
    with pytest.raises(RefusedError, match=rf"{len(val)} waveform\(s\) are in train and in val"):
        check(train, frame(val, ecg_sha256=hashes), ALL, LEADS8, HEADS)


def test_leads_in_another_order(ecg: tuple[Rows, Rows]) -> None:
    with pytest.raises(RefusedError, match=r"the tensors' leads \('I', 'II'.* not the task's"):
        check(*ecg, ALL, tuple(reversed(LEADS8)), HEADS)


def test_values_that_are_not_finite(ecg: tuple[Rows, Rows], tabular: tuple[Rows, Rows]) -> None:
    train, val = tabular
    broken = train.tabular.copy()
    broken[0, 0] = np.nan
    with pytest.raises(RefusedError, match="the encoded tabular features are not finite"):
        check(replace(train, tabular=broken), val, ALL, LEADS8, HEADS)
    train, val = ecg
    assert train.stats.ecg is not None
    tiny = train.stats.ecg | {"sd": [1e-44, *train.stats.ecg["sd"][1:]]}
    stats = train.stats.model_copy(update={"ecg": tiny})
    with pytest.raises(RefusedError, match="a batch is not finite or not"):
        check(replace(train, stats=stats), val, ALL, LEADS8, HEADS)


def test_an_augmentation_that_cuts(ecg: tuple[Rows, Rows], monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(batch: Batch, rng: torch.Generator) -> Batch:
        return {**batch, "ecg": batch["ecg"][:, :, 1:]}

    monkeypatch.setitem(aug.AUGMENTATIONS, "noise", cut)
    with pytest.raises(RefusedError, match="augmentation changed the shape"):
        check(*ecg, FitConfig(aug=("noise",)), LEADS8, HEADS)


def test_an_augmentation_that_moves_leads_apart(
    ecg: tuple[Rows, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    def apart(batch: Batch, rng: torch.Generator) -> Batch:
        moved = torch.stack([batch["ecg"][:, i].roll(i, -1) for i in range(8)], dim=1)
        return {**batch, "ecg": moved}

    monkeypatch.setitem(aug.AUGMENTATIONS, "shift", apart)
    with pytest.raises(RefusedError, match="augmentation moved the leads of a record apart"):
        check(*ecg, FitConfig(aug=("shift",)), LEADS8, HEADS)
