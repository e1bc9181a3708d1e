"""Several heads on one trunk: masks, variants, the truth of a confidence head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, ConfidenceHead
from components.core.data.cohort import Rows, read_part
from components.core.errors import InputError, RefusedError
from components.core.heads.registry import from_json
from components.core.members import load_model
from components.core.models.spec import DataSpec
from components.core.store import Stage
from components.train.checklist import check
from components.train.confidence import with_truth
from components.train.losses import JointLoss
from tests.chain import manifest_of, trained
from tests.head_cohort import HEADS, audited_cohort, prepared_cohort, task

KNOWN = ("y.lvef", "time_days", "y.risk")
KINDS = from_json(HEADS)


@pytest.fixture(scope="module")
def cohort(toy_data: Path) -> Stage:
    (toy_data / "heads").mkdir()
    return prepared_cohort(toy_data / "heads")


@pytest.fixture(scope="module")
def training(toy_data: Path) -> Stage:
    (toy_data / "whole").mkdir()
    audit = audited_cohort(toy_data / "whole")
    return trained(audit, task(ablate=["text", "ecg"], alone=True, seeds=(0, 1)))


def parts(cohort: Stage) -> tuple[Rows, Rows]:
    train, val = (read_part(cohort, "holdout", part, known=KNOWN) for part in ("train", "val"))
    return train, val


def test_records_that_teach_any_head_are_taken(cohort: Stage) -> None:
    train, _ = parts(cohort)
    assert train.frame["label"].isna().any()
    assert train.frame["y.risk"].isna().any()
    assert len(train) == train.stats.records
    labelled = read_part(cohort, "holdout", "train")
    assert len(labelled) < len(train)


def test_notes_are_embedded_by_what_the_training_part_taught(cohort: Stage) -> None:
    train, val = parts(cohort)
    assert train.text.shape == (len(train), 8)
    absent = train.frame["text.note"].isna().to_numpy()
    assert absent.any()
    assert not train.text[absent].any()
    assert train.text_mask.tolist() == (~absent).tolist()
    np.testing.assert_allclose(train.text[~absent].mean(0), 0, atol=1e-3)
    assert np.abs(val.text[val.text_mask].mean(0)).max() > 1e-3


def test_every_variant_is_trained_on_the_same_fold(training: Stage) -> None:
    found = [(m["variant"], m["seed"]) for m in training.facts["members"]]
    assert found == [
        ("", 0), ("", 1), ("without:text", 0),
        *[(f"alone:{name}", 0) for name in HEADS],
    ]  # fmt: skip
    specs = {k: DataSpec.model_validate(v) for k, v in training.facts["specs"].items()}
    assert specs["holdout"].heads == {"lvef": 2, "survival": 6, "risk": 3, "sure": 2}
    assert specs["holdout"].text == 8
    assert specs["without:text/holdout"].text == 0
    assert specs["alone:risk/holdout"].heads == {"risk": 3}
    for member in training.facts["members"]:
        key = f"{member['variant']}/holdout" if member["variant"] else "holdout"
        file = training.folder / member["folder"] / "best.safetensors"
        load_model(training.facts["model"], specs[key], file)


def test_validation_predictions_have_every_head(training: Stage) -> None:
    (first, *_) = training.facts["members"]
    val = pd.read_parquet(training.folder / first["folder"] / "val_predictions.parquet")
    for name in HEADS:
        assert {f"truth.{name}", f"logit.{name}"} <= set(val.columns)
    assert (val["logit"] == val["logit.lvef"]).all()
    assert val["truth.sure"].dropna().isin([0, 1]).all()
    highest = val["truth.risk"].mean()
    assert 0 < highest < 0.5  # the binary view of three categories


def test_the_trunk_learns_both_modalities(training: Stage) -> None:
    from sklearn.metrics import roc_auc_score

    def auroc(folder: str) -> float:
        val = pd.read_parquet(training.folder / folder / "val_predictions.parquet")
        known = val[val["label"].notna()]
        return float(roc_auc_score(known["label"].astype(int), known["logit"]))

    folders = {m["variant"]: m["folder"] for m in training.facts["members"] if m["seed"] == 0}
    assert auroc(folders[""]) > 0.8
    assert auroc(folders["without:text"]) < auroc(folders[""])


def test_class_shares_of_a_weighted_loss_are_kept(training: Stage, cohort: Stage) -> None:
    train, _ = parts(cohort)
    counts = train.frame["y.risk"].dropna().astype(int).value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(training.facts["class_shares"]["holdout"]["risk"], counts)


def test_a_head_of_one_class_is_named(cohort: Stage) -> None:
    train, val = parts(cohort)
    frame = train.frame.assign(**{"y.risk": train.frame["y.risk"].where(train.frame["y.risk"] < 2)})
    broken = _with(train, frame)
    heads = {"lvef": KINDS["lvef"], "risk": KINDS["risk"]}
    with pytest.raises(RefusedError, match="train part of fold holdout has one class only for the "
                                           "head 'risk'"):  # fmt: skip
        check(broken, val, FitConfig(), (), heads)


def _with(rows: Rows, frame: pd.DataFrame) -> Rows:
    from dataclasses import replace

    return replace(rows, frame=frame)


def drawn(cohort: Stage) -> tuple[JointLoss, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    train, _ = parts(cohort)
    heads = {name: KINDS[name] for name in ("lvef", "survival", "risk")}
    loss = JointLoss(heads, train, FitConfig(multitask="uncertainty"))
    from components.core.data.batches import raw_batch

    batch = raw_batch(train, np.arange(32, dtype=np.int64))
    rng = torch.Generator().manual_seed(0)
    logits = {n: torch.randn((32, k), generator=rng) for n, k in
              (("lvef", 2), ("survival", 6), ("risk", 3))}  # fmt: skip
    return loss, logits, batch


def test_fixed_weights_sum_the_heads(cohort: Stage) -> None:
    train, _ = parts(cohort)
    _, logits, batch = drawn(cohort)
    each = []
    for name in ("lvef", "survival", "risk"):
        each.append(JointLoss({name: KINDS[name]}, train, FitConfig())(logits, batch).item())
    heavy = KINDS["risk"].model_copy(update={"weight": 3.0})
    heads = {"lvef": KINDS["lvef"], "survival": KINDS["survival"], "risk": heavy}
    found = JointLoss(heads, train, FitConfig())(logits, batch).item()
    assert found == pytest.approx(each[0] + each[1] + 3 * each[2], rel=1e-5)


def test_learned_weights_settle_at_the_losses_themselves(cohort: Stage) -> None:
    loss, logits, batch = drawn(cohort)
    optimiser = torch.optim.LBFGS(loss.parameters(), max_iter=100)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(logits, batch)
        value.backward()
        return value

    optimiser.step(closure)
    train, _ = parts(cohort)
    for name, spread in loss.log_variance.items():
        alone = JointLoss({name: KINDS[name]}, train, FitConfig())(logits, batch).item()
        # exp(-s) L + s / 2 is least at s = log(2 L)
        assert spread.item() == pytest.approx(np.log(2 * alone), abs=0.02)


def told(logit: Callable[[Rows], np.ndarray]) -> Any:
    """Return a fit whose network says `logit` of any rows, and what it was trained on."""
    seen: list[Rows] = []

    def fit(rows: Rows, name: str, place: int) -> Callable[[Rows], np.ndarray]:
        seen.append(rows)
        return logit

    return fit, seen


def test_a_confidence_head_learns_from_patients_the_network_had_not_seen(cohort: Stage) -> None:
    train, val = parts(cohort)
    head = ConfidenceHead(of="lvef", inner_folds=3)
    fit, seen = told(lambda rows: -rows.frame["tab.x"].to_numpy(float))  # wrong way round
    own, checked = with_truth("sure", head, train, val, fit=fit, seed=0)
    assert len(seen) == 3
    patients = [set(rows.frame["patient_id"]) for rows in seen]
    assert set.intersection(*patients) == set()
    assert all(rows.frame["y.lvef"].notna().all() for rows in seen)
    known = own.frame["y.lvef"].notna()
    assert own.frame.loc[~known, "y.sure"].isna().all()
    assert own.frame.loc[known, "y.sure"].mean() < 0.7
    assert checked is not None
    assert checked.frame["y.sure"].notna().any()
    good, _ = told(lambda rows: rows.frame["y.lvef"].fillna(0).to_numpy(float))
    perfect, _ = with_truth("sure", head, train, None, fit=good, seed=0)
    assert (perfect.frame.loc[known, "y.sure"] == 1).all()


def test_disagreement_asks_two_networks(cohort: Stage) -> None:
    train, _ = parts(cohort)
    head = ConfidenceHead(of="lvef", truth="disagreement", inner_folds=2)
    signs = iter([1.0, 1.0, 1.0, -1.0])

    def fit(rows: Rows, name: str, place: int) -> Callable[[Rows], np.ndarray]:
        sign = next(signs)
        return lambda asked: sign * asked.frame["tab.x"].to_numpy(float)

    own, _ = with_truth("sure", head, train, None, fit=fit, seed=0)
    agreed = own.frame["y.sure"]
    assert agreed.notna().all()
    assert 0.4 < agreed.mean() < 0.9


def test_too_few_patients_of_a_class_for_the_inner_folds(cohort: Stage) -> None:
    train, _ = parts(cohort)
    rare = train.frame["y.lvef"].where(train.frame["y.lvef"].ne(1) | (train.frame.index < 8), 0)
    few = _with(train, train.frame.assign(**{"y.lvef": rare}))
    fit, _ = told(lambda rows: np.zeros(len(rows)))
    with pytest.raises(InputError, match=r"rarer class of 'lvef' has \d+ training patients, fewer"):
        with_truth("sure", ConfidenceHead(of="lvef", inner_folds=9), few, None, fit=fit, seed=0)


def test_nothing_of_the_test_part_is_among_the_rows(cohort: Stage) -> None:
    frame = manifest_of(cohort)
    tested = set(frame.loc[frame["part.holdout"] == "test", "patient_id"])
    assert not tested & {p for rows in parts(cohort) for p in rows.frame["patient_id"]}


def test_a_binary_head_of_a_target_is_not_weighted_for_censoring(cohort: Stage) -> None:
    train, _ = parts(cohort)
    heads = {"lvef": BinaryHead(target="lvef", below=50)}
    _, logits, batch = drawn(cohort)
    doubled = {**batch, "weight": batch["weight"] * 2}
    loss = JointLoss(heads, train, FitConfig())
    assert loss(logits, doubled).item() == pytest.approx(loss(logits, batch).item())
