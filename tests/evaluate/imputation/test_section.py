"""The report's section on imputation, on a cohort whose joint law is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from components.core.imputation import calibrate
from components.core.imputation.fold import fit_fold
from components.core.metrics.resampling import Plan
from components.core.planted_factors import PlantedFactors, PlantedModality
from components.core.report.section import Section
from components.core.schemas import MANIFEST
from components.core.store import Workspace
from components.evaluate.analyses import imputation
from components.evaluate.imputation import files
from tests.core.imputation.linear_gaussian import (
    CPU,
    NAMES,
    NOISE,
    WIDTHS,
    Conditional,
    Parts,
    write_parts,
)
from tests.tracking_names import uncovered


@pytest.fixture(scope="module")
def dependent(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("dependent"), dependent=True)


@pytest.fixture(scope="module")
def independent(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("independent"), dependent=False)


class Idle(Conditional):
    """A latent that says nothing, and no refinement."""

    def active_units(self, batch: dict[str, Any]) -> Any:
        return 0 * super().active_units(batch)


class Masked(Conditional):
    """Can answer without imputing."""

    def masked(self, batch: dict[str, Any]) -> dict[str, Any]:
        score = sum(own.sum(1) for own in self.targets(batch).values())
        return {"toy": score[:, None] * self.head.new_tensor([-1.0, 1.0])}


def context(
    parts: Parts, patch: pytest.MonkeyPatch, *, kind: type[Conditional] = Conditional, **more: Any
) -> Any:
    """Return what the analysis sees of an evaluation with one fixed test part."""
    model = kind(parts.law, parts.train.stats, **more)
    imputer = fit_fold([model], parts.train, parts.val, CPU)
    for module in (imputation, files):
        patch.setattr(module, "held_out_rows", lambda *args: parts.test)
    patch.setattr(imputation, "truth_factors", lambda stage: None)
    facts = {
        "heads": {"toy": {"kind": "binary"}}, "head": "toy",
        "members": [{"fold": "holdout", "seed": 0, "folder": "m", "best_epoch": 0}],
    }  # fmt: skip
    stages = SimpleNamespace(train=SimpleNamespace(facts=facts), cohort=None, ingest=None)
    task = SimpleNamespace(preprocess=SimpleNamespace(embeddings=SimpleNamespace(pool="mean")))
    return SimpleNamespace(
        imputers={"holdout": imputer}, stages=stages, plan=Plan(draws=100), opening=None, task=task,
        tables=SimpleNamespace(folded=False),
    )  # fmt: skip


@pytest.fixture(scope="module")
def section(dependent: Parts) -> Section:
    with pytest.MonkeyPatch.context() as patch:
        return imputation.analyse(context(dependent, patch, kind=Masked))


def test_it_applies_to_models_that_impute(
    dependent: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = context(dependent, monkeypatch)
    assert imputation.applies(own)
    assert not imputation.applies(SimpleNamespace(imputers={}))  # type: ignore[arg-type]


def test_one_modality_alone_has_nothing_to_be_imputed_from(
    dependent: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = context(dependent, monkeypatch)
    (fold,) = own.imputers.values()
    assert len(fold.names) > 1
    held = dict(list(fold.calibration.modalities.items())[:1])
    single = replace(fold, calibration=fold.calibration.model_copy(update={"modalities": held}))
    own.imputers = {"holdout": single}
    assert not imputation.applies(own)
    own.imputers = {"0": single, "1": fold}
    assert imputation.applies(own)


def test_the_first_sentence_says_what_is_gained_over_the_mean(section: Section) -> None:
    assert section.text[0].startswith("Imputation does away with 0.")
    assert "better than k-NN imputation" in section.text[0]
    assert (
        "Uncertainty: hidden at random, intervals that are to hold 90 % hold 0." in section.text[1]
    )
    assert "more often by its own value" in section.text[1]
    assert not section.notices


def test_its_figures_are_those_of_docs_tracking(section: Section) -> None:
    names = [f"test/{name}" for name in section.figures]
    assert uncovered(names) == []
    assert "test/imputation/gain_over_mean" in names
    assert "test/imputation/spatial/coverage_90" in names
    assert "test/head/toy/imputation/auroc_minus_masked" in names
    for interval in section.figures.values():
        assert np.isnan(interval.value) or interval.lo <= interval.value <= interval.hi


def test_hiding_costs_and_imputing_wins_some_of_it_back(section: Section) -> None:
    figures = section.figures.items()
    own = {name.rpartition("/")[2]: each for name, each in figures if "toy" in name}
    assert own["auroc_hidden_mean"].value < own["auroc_hidden_model"].value
    assert own["auroc_hidden_model"].value < own["auroc_whole"].value
    gap = own["auroc_minus_mean"]
    expected = own["auroc_hidden_model"].value - own["auroc_hidden_mean"].value
    assert gap.value == pytest.approx(expected)
    table = section.tables[-1]
    assert [row[1] for row in table.rows] == [
        "nothing hidden", "imputed by the model", "filled by training mean", "filled by k-NN",
        "filled by iterative", "left out (mask only)",
    ]  # fmt: skip


def test_intervals_cover_less_of_what_is_hidden_by_its_value(section: Section) -> None:
    figures = section.figures
    assert 0.85 < figures["imputation/coverage_90"].value < 0.95
    by_value = figures["imputation/by_value/coverage_90"].value
    assert by_value < figures["imputation/coverage_90"].value + 0.02
    rounds = figures["imputation/sd_first"].value / figures["imputation/sd_last"].value
    assert rounds == pytest.approx(1.5, rel=0.01)
    assert any("a share of 1.000" in text for text in section.text)


def test_independent_modalities_are_told_first_and_warned_of(
    independent: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = imputation.analyse(context(independent, monkeypatch, kind=Idle, bold=0.3))
    assert "not shown to be better than the training mean" in own.text[0] or (
        "worse than the training mean" in own.text[0]
    )
    (notice,) = own.notices
    assert notice.level == "warning"
    assert "the modalities may be independent" in notice.text
    assert any("The latent has collapsed in 1 of 1 network(s)" in text for text in own.text)
    assert own.figures["imputation/mse_relative_model"].value < 1.02


def test_a_network_that_imputes_nothing_where_it_could_is_warned_of(
    dependent: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mean(Conditional):
        """Imputes the mean whatever it sees; one round."""

        def impute(self, batch: dict[str, Any]) -> Any:
            said = super().impute(batch)
            mean = {name: 0 * own for name, own in said.mean.items()}
            return replace(said, mean=mean, rounds=said.rounds[:1])

    own = imputation.analyse(context(dependent, monkeypatch, kind=Mean))
    assert "although the modalities depend on each other" in own.notices[0].text
    assert any("There is one round of refinement" in text for text in own.text)


def test_nothing_beats_the_conditional_expectation_of_the_planted_law(
    dependent: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = np.cumsum([0, *WIDTHS.values()])
    planted = PlantedFactors(
        modalities={
            name: PlantedModality(
                mean=np.zeros(b - a), loadings=dependent.law.loadings[a:b],
                noise=np.full(b - a, 0.8 * NOISE**2),
            )
            for name, (a, b) in zip(NAMES, pairwise(cuts), strict=True)
        },
        risks={},
    )  # fmt: skip
    own = context(dependent, monkeypatch)
    monkeypatch.setattr(imputation, "truth_factors", lambda stage: planted)
    figures = imputation.analyse(own).figures
    best, ours = (figures[f"imputation/mse_relative_{way}"].value for way in ("best", "model"))
    assert best <= ours < best + 0.02
    own.task.preprocess.embeddings.pool = "max"
    assert "imputation/mse_relative_best" not in imputation.analyse(own).figures


def test_embeddings_are_kept_with_ids_and_shown_without(
    dependent: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = context(dependent, monkeypatch)
    rows = dependent.test.frame
    (tmp_path / "cohort").mkdir()
    rows[["sample_id"]].assign(row=np.arange(len(rows))).to_parquet(tmp_path / "cohort" / MANIFEST)
    own.stages.cohort = SimpleNamespace(folder=tmp_path / "cohort")
    work = Workspace(folder=tmp_path / "stage")
    files.write_embeddings(work, own)
    table = pd.read_parquet(work.path("embeddings", "imputed_spatial.parquet"))
    assert table["sample_id"].tolist() == rows["sample_id"].tolist()
    assert (table["imputed"] == rows["shard.emb_spatial"].isna()).all()
    with h5py.File(work.path("embeddings", "imputed.h5"), "r") as file:
        mean, sd = file["spatial/mean"][:], file["spatial/sd"][:]  # type: ignore[index]
        assert file["sample_id"].asstr()[0] == rows["sample_id"][0]  # type: ignore[union-attr]
    np.testing.assert_array_equal(np.stack(table["mean"].to_list()), mean)
    there = ~table["imputed"].to_numpy()
    assert (sd[there] == 0).all()
    assert (sd[~there] > 0).all()
    part = dependent.test.arrays["emb_spatial"]
    stored = part.values(np.flatnonzero(there)).mean(axis=1)
    np.testing.assert_allclose(mean[there], stored, atol=1e-4)
    shown = work.path("published", "embeddings")
    assert sorted(file.name for file in shown.iterdir()) == sorted(
        file.name for file in work.path("embeddings").iterdir()
    )
    for name in ("patients", "imputed_clinical"):
        ids = pd.read_parquet(shown / f"{name}.parquet")["sample_id"]
        assert ids.str.fullmatch(r"row-\d+").all()
    patients = pd.read_parquet(work.path("embeddings", "patients.parquet"))
    assert list(patients) == ["sample_id", "fold", "seed0"]
    assert len(patients["seed0"][0]) == sum(WIDTHS.values())
    kept = calibrate.load(work.path("imputation", "holdout.json"))
    assert kept == own.imputers["holdout"].calibration


def test_nothing_is_kept_of_a_model_that_does_not_impute(tmp_path: Path) -> None:
    work = Workspace(folder=tmp_path)
    files.write_embeddings(work, SimpleNamespace(imputers={}))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
