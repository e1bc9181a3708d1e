"""Contributions of a network whose modalities have known information."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from components.core import contributions
from components.core.config.heads import BinaryHead
from components.core.contribution_facts import Network
from components.core.contributions import branched, donors, encoded, measure
from components.core.data.cohort import Rows, read_part
from components.core.heads.registry import View
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.core.store import Stage

VIEW = View(name="toy", head=BinaryHead())
NAMES = ("ecg_image", "pcg", "tabular")


class Planted(nn.Module):
    """Representations are means of the inputs; the answer is their weighted sum.

    The sound's is drowned in noise, which its own value draws.
    """

    def __init__(self, *, noise: float = 0.0, **weight: float) -> None:
        super().__init__()
        self.weight, self.noise = weight, noise
        self.branches = nn.ModuleDict({name: nn.Identity() for name in weight})

    def encode(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        size = len(next(iter(batch.values())))
        return {name: self._part(batch, name, size) for name in self.branches}

    def _part(self, batch: dict[str, Tensor], name: str, size: int) -> Tensor:
        value = batch[name].reshape(size, -1).mean(1, keepdim=True)
        if name == "pcg":
            value = value + self.noise * torch.sin(1e5 * value)
        there = batch[f"{name}_mask"][:, None] > 0
        return torch.where(there, value, self.absent(name))

    def absent(self, name: str) -> Tensor:
        return torch.full((1,), 0.1 * len(name))

    def fused(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        total = torch.stack([w * parts[name][:, 0] for name, w in self.weight.items()]).sum(0)
        return {"toy": torch.stack([-total / 2, total / 2], dim=1)}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    from tests.cohorts import CohortOptions, write_cohort

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("planted")))
        stage = write_cohort(CohortOptions(patients=1200, ecg=False, arrays=("ecg_image", "pcg")))
    found = read_part(stage, "holdout", "train")
    # Two records a patient, of one truth, so that patients are not records.
    pairs = found.frame.assign(patient_id=[f"q{i // 2}" for i in range(len(found))])
    label = pairs.groupby("patient_id")["label"].transform("max")
    return Rows(**{**vars(found), "frame": pairs.assign(label=label)})


class Told(Planted):
    """The token of one modality is what every token begins with."""

    def absent(self, name: str) -> Tensor:
        return super().absent(name) * (name != "pcg")


def measured(model: nn.Module, rows: Rows, **more: int) -> Network:
    plain = {"seed": 0, "epoch": 2} | more
    return measure(model, rows, view=VIEW, device="cpu", fold="holdout", **plain)


def test_the_dominant_modality_has_the_largest_share_and_a_useless_one_none(rows: Rows) -> None:
    found = measured(Planted(noise=1.0, ecg_image=1.0, pcg=0.4, tabular=0.0), rows)
    assert found.phi["tabular"] == 0
    assert found.fall["tabular"] == pytest.approx(0)
    assert found.share["ecg_image"] > 0.5 > found.share["pcg"] > 0
    assert found.fall["ecg_image"] > found.fall["pcg"] > 0
    assert sum(found.phi.values()) == pytest.approx(found.auroc - 0.5, abs=1e-12)
    assert (found.fold, found.seed, found.epoch) == ("holdout", 0, 2)


def test_subsets_are_the_figures_of_tokens_in_place_of_the_others(rows: Rows) -> None:
    model = Planted(ecg_image=1.0, pcg=1.0, tabular=0.3)
    found = measured(model, rows)
    data = encoded(model, rows, device="cpu")
    frame = rows.frame.assign(label=rows.frame["label"].astype(float))
    for key in ("ecg_image", "tabular+pcg", "tabular+ecg_image+pcg"):
        logit = np.zeros(len(rows))
        for name in NAMES:
            own = data.parts[name][:, 0] if name in key.split("+") else model.absent(name)
            logit += model.weight[name] * own.numpy()
        table = frame.assign(logit=logit).groupby("patient_id")
        y, score, weight = table["label"].max(), table["logit"].mean(), table["weight"].mean()
        assert found.subsets[key] == pytest.approx(roc_auc_score(y, score, sample_weight=weight))
        if len(key.split("+")) == 3:
            expected = np.average((score >= 0) == (y == 1), weights=weight)
            assert found.accuracy == pytest.approx(expected)
            share = np.average(y, weights=weight)
            assert found.constant == pytest.approx(max(share, 1 - share))
    assert found.subsets[""] == 0.5
    assert len(found.subsets) == 8


def test_shuffling_repeats_itself_by_seed_and_epoch(rows: Rows) -> None:
    model = Planted(ecg_image=1.0, pcg=1.0, tabular=0.3)
    first = measured(model, rows).fall
    assert measured(model, rows).fall == first
    assert measured(model, rows, epoch=3).fall != first
    assert measured(model, rows, seed=1).fall != first


def test_batches_and_records_that_lack_a_modality(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Planted(ecg_image=1.0, pcg=1.0)
    whole = encoded(model, rows, device="cpu")
    monkeypatch.setattr(contributions, "_BATCH", 7)
    parts = encoded(model, rows, device="cpu")
    for name in ("ecg_image", "pcg"):
        lacking = rows.frame[f"shard.{name}"].isna().to_numpy(copy=True)
        assert 0 < lacking.sum() < len(rows)
        assert (whole.there[name] == ~lacking).all()
        assert torch.equal(whole.parts[name][lacking, 0], model.absent(name).expand(lacking.sum()))
        torch.testing.assert_close(parts.parts[name], whole.parts[name])


def test_the_network_of_branches_is_measured_without_touching_it(rows: Rows) -> None:
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    torch.manual_seed(0)
    model = build_model({"name": "multimodal"}, spec).train()
    drawn = torch.get_rng_state()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = measured(model, rows)
    assert model.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert found.names == ("tabular", "ecg_image", "pcg")
    assert sum(found.phi.values()) == pytest.approx(found.auroc - 0.5, abs=1e-12)


def test_without_a_mask_every_record_has_the_modality(cohort: Callable[..., Stage]) -> None:
    rows = read_part(cohort(ecg=False), "holdout", "train")

    class Plain(Planted):
        def _part(self, batch: dict[str, Tensor], name: str, size: int) -> Tensor:
            return batch["tabular"][:, : len(name)].mean(1, keepdim=True)

    found = encoded(Plain(a=1.0, bb=1.0), rows, device="cpu")
    assert found.there["a"].all()
    assert len(found.there["bb"]) == len(rows)


def test_only_networks_of_several_branches_are_measured(rows: Rows) -> None:
    assert branched(nn.Linear(1, 1)) is None
    assert branched(Planted(pcg=1.0)) is None
    assert branched(Planted(pcg=1.0, tabular=1.0)) is not None
    with pytest.raises(ValueError, match="several branches"):
        measured(Planted(pcg=1.0), rows)


def test_patients_are_shuffled_whole_among_those_that_have_it() -> None:
    patients = np.array([0, 1, 1, 2, 0, 3, 2, 2])
    there = np.array([1, 1, 1, 1, 1, 0, 1, 0], bool)
    seen: set[tuple[int, ...]] = set()
    for seed in range(40):
        source = donors(patients, there, np.random.default_rng(seed))
        assert source[5] == 5
        assert source[7] == 7
        givers = {p: {int(patients[s]) for s in source[(patients == p) & there]} for p in (0, 1, 2)}
        assert all(len(each) == 1 for each in givers.values())
        assert set.union(*givers.values()) == {0, 1, 2}
        for patient, (giver,) in ((p, tuple(g)) for p, g in givers.items()):
            taken = source[(patients == patient) & there].tolist()
            assert taken == np.flatnonzero((patients == giver) & there).tolist()
        seen.add(tuple(source.tolist()))
    assert len(seen) == 6


def test_a_giver_with_fewer_records_gives_them_again() -> None:
    patients, there = np.array([0, 0, 0, 1, 1]), np.ones(5, bool)
    found = {
        tuple(donors(patients, there, np.random.default_rng(seed)).tolist()) for seed in range(20)
    }
    assert found == {(0, 1, 2, 3, 4), (3, 4, 3, 0, 1)}
    nobody = donors(patients, ~there, np.random.default_rng(0))
    assert nobody.tolist() == [0, 1, 2, 3, 4]


def test_a_network_that_has_diverged_has_no_figures(rows: Rows) -> None:
    found = measured(Planted(ecg_image=np.nan, pcg=1.0), rows)
    assert np.isnan([found.auroc, found.accuracy, *found.fall.values()]).all()
    assert np.isnan(list(found.share.values())).all()


def test_a_token_left_at_its_start_and_a_modality_that_nobody_has_are_named(rows: Rows) -> None:
    weight = dict.fromkeys(NAMES, 1.0)
    plain = measured(Planted(**weight), rows)
    assert (plain.untaught, plain.nowhere) == ((), ())
    lacking = rows.take(np.flatnonzero(~rows.arrays["ecg_image"].there))
    found = measured(Told(**weight), lacking)
    assert (found.untaught, found.nowhere) == (("pcg",), ("ecg_image",))
    assert found.share["ecg_image"] == 0
