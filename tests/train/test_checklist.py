"""The sanity checklist refuses what would spoil a long training."""

from __future__ import annotations

import math
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
from components.core.errors import ConfigError, RefusedError
from components.core.signals.leads import LEADS8
from components.train import augment as aug
from components.train.branches import check_branches
from components.train.checklist import check
from tests.train import embedded

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


def own_stats(parts: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
    return with_ids(parts[0]), parts[1]


def test_arrays_are_finite_and_apart(branched: tuple[Rows, Rows]) -> None:
    train, val = own_stats(branched)
    found = check(train, val, ALL, LEADS8, HEADS)
    assert found[3:] == ["finite arrays of one shape", "no identical array in two parts"]
    assert check(train, None, ALL, LEADS8, HEADS)[3:] == ["finite arrays of one shape"]


@pytest.mark.parametrize(
    ("name", "spoken"), [("ecg_image", "the ECG image"), ("pcg", "the heart sound")]
)
def test_one_content_of_two_patients(
    branched: tuple[Rows, Rows], name: str, spoken: str
) -> None:  # fmt: skip
    train, val = own_stats(branched)
    column = f"sha256.{name}"
    shared = val.frame[column].mask(val.frame.index < 3, train.frame[column].dropna().iloc[0])
    with pytest.raises(
        RefusedError, match=rf"checklist: 1 content\(s\) of {spoken} are in train and in val, of"
    ):
        check(train, frame(val, **{column: shared}), ALL, LEADS8, HEADS)


def test_one_of_several_sounds_of_two_patients(branched: tuple[Rows, Rows]) -> None:
    train, val = own_stats(branched)
    ours = train.frame["sha256.pcg"].map(lambda own: [own, "shared"], na_action="ignore")
    theirs = val.frame["sha256.pcg"].map(lambda own: ["shared", own], na_action="ignore")
    given = (
        frame(part, **{"files_sha256.pcg": files}) for part, files in ((train, ours), (val, theirs))
    )
    with pytest.raises(RefusedError, match=r"checklist: 1 content\(s\) of the heart sound"):
        check(*given, ALL, LEADS8, HEADS)


def test_contents_that_nobody_can_compare(branched: tuple[Rows, Rows]) -> None:
    train, val = own_stats(branched)
    bare = replace(val, frame=val.frame.drop(columns="sha256.pcg"))
    with pytest.raises(RefusedError, match=r"the manifest lacks 'sha256.pcg', so that nobody"):
        check(train, bare, ALL, LEADS8, HEADS)


def test_an_array_that_is_not_finite(branched: tuple[Rows, Rows]) -> None:
    train, val = own_stats(branched)
    stats = train.stats.arrays["pcg"]
    broken = stats.model_copy(update={"mean": (math.nan, *stats.mean[1:])})
    arrays = {**train.stats.arrays, "pcg": broken}
    bad = replace(train, stats=train.stats.model_copy(update={"arrays": arrays}))
    with pytest.raises(RefusedError, match="checklist: the heart sound of a record is not finite"):
        check(bad, val, ALL, LEADS8, HEADS)


def test_arrays_of_two_shapes(branched: tuple[Rows, Rows]) -> None:
    train, val = own_stats(branched)
    lost = replace(val, arrays={n: p for n, p in val.arrays.items() if n != "pcg"})
    with pytest.raises(RefusedError, match=r"shape \(3, 8, 20\) in train and None in val"):
        check(train, lost, ALL, LEADS8, HEADS)


@pytest.fixture(scope="module")
def embedded_rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        return own_stats(embedded.parts(embedded.cohort()))


def same_as(train: Rows, val: Rows, names: tuple[str, ...]) -> Rows:
    """Return validation rows whose first two have the contents of the first training record."""
    first = train.frame[
        train.frame[[f"sha256.{name}" for name in embedded.NAMES]].notna().all(axis=1)
    ]
    given = {
        f"sha256.{name}": val.frame[f"sha256.{name}"].mask(
            val.frame.index < 2, first[f"sha256.{name}"].iloc[0]
        )
        for name in names
    }
    return frame(val, **given)


def test_one_equal_embedding_is_told_and_all_of_them_are_refused(
    embedded_rows: tuple[Rows, Rows],
) -> None:
    train, val = embedded_rows
    heads = embedded.HEADS
    found = check(train, val, ALL, LEADS8, heads)
    assert found[3:] == ["finite arrays of one shape", "no patient's embeddings all in two parts"]
    alike = check(train, same_as(train, val, ("emb_clinical",)), ALL, LEADS8, heads)
    assert alike[4].endswith("all in two parts (1 single one(s) are, as of equal tables)")
    with pytest.raises(RefusedError, match=r"1 set\(s\) of embeddings are in train and in val, eq"):
        check(train, same_as(train, val, embedded.NAMES), ALL, LEADS8, heads)
    bare = replace(val, frame=val.frame.drop(columns="sha256.emb_spatial"))
    with pytest.raises(RefusedError, match=r"lacks 'sha256.emb_spatial', so that nobody can tell"):
        check(train, bare, ALL, LEADS8, heads)


def test_one_patient_under_two_ids_of_which_one_lacks_a_modality(
    embedded_rows: tuple[Rows, Rows],
) -> None:
    train, val = embedded_rows
    copy = same_as(train, val, embedded.NAMES)
    columns = [f"sha256.{name}" for name in embedded.NAMES]
    one = {c: copy.frame[c].where(copy.frame.index != 1, val.frame[c]) for c in columns}
    copy = frame(copy, **one)
    lacking = {column: copy.frame[column].mask(copy.frame.index < 1) for column in columns[2:]}
    with pytest.raises(
        RefusedError,
        match=r"checklist: 1 pair\(s\) of patients, one in train and one in val, have the same "
        "embedding wherever both have one, though either lacks others; mend the pairing",
    ):
        check(train, frame(copy, **lacking), ALL, LEADS8, embedded.HEADS)
    # Another one that both have differs, or the shared one is of a few values that many share.
    other = lacking | {columns[1]: val.frame[columns[1]].mask(val.frame.index < 1, "another")}
    assert check(train, frame(copy, **other), ALL, LEADS8, embedded.HEADS)
    many = [
        rows.frame[columns[0]].mask(np.arange(len(rows.frame)) % 2 == 0, copy.frame[columns[0]][0])
        for rows in (train, copy)
    ]
    gone = lacking | {columns[1]: copy.frame[columns[1]].mask(copy.frame.index < 1)}
    told = check(
        frame(train, **{columns[0]: many[0]}),
        frame(copy, **gone | {columns[0]: many[1]}),
        ALL, LEADS8, embedded.HEADS,
    )  # fmt: skip
    assert told[4].endswith("single one(s) are, as of equal tables)")


def test_a_network_of_fewer_embeddings_is_judged_by_all(embedded_rows: tuple[Rows, Rows]) -> None:
    train, val = embedded_rows
    first, *rest = embedded.NAMES
    # Two patients may have one vector in common, and a network on it alone is no worse for that.
    alike = same_as(train, val, (first,))
    assert check(train.only(first), alike.only(first), ALL, LEADS8, embedded.HEADS)
    copy = same_as(train, val, embedded.NAMES)
    with pytest.raises(RefusedError, match="equal in all modalities, under different patients"):
        check(train.only(first), copy.only(first), ALL, LEADS8, embedded.HEADS)
    with pytest.raises(RefusedError, match="equal in all modalities, under different patients"):
        check(train.without(rest[0]), copy.without(rest[0]), ALL, LEADS8, embedded.HEADS)


def test_an_embedding_that_no_training_record_has(embedded_rows: tuple[Rows, Rows]) -> None:
    train, val = embedded_rows
    part = train.arrays["emb_spatial"]
    gone = replace(part, shard=np.full_like(part.shard, -1))
    arrays = {**train.arrays, "emb_spatial": gone}
    with pytest.raises(
        RefusedError, match="no record of the train part of fold f0 has the spatial"
    ):
        check(replace(train, arrays=arrays), val, ALL, LEADS8, embedded.HEADS)


def test_settings_of_branches_name_what_an_imputing_model_has(
    embedded_rows: tuple[Rows, Rows],
) -> None:
    model = embedded.network(embedded_rows[0])
    with pytest.raises(ConfigError, match=r"this one hides modalities by model.moddrop; this mod"):
        check_branches(model, FitConfig(modality_dropout=0.2))
