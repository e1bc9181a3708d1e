"""The 763 patients of HANCOCK through ingest and preprocess: counts of both endpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data.arrays import open_arrays
from components.core.metrics.discrimination import auroc
from components.core.modalities import EMBEDDED
from components.core.store import Stage
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of

pytestmark = pytest.mark.real_data
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "hancock" / "features"
LABEL: dict[str, Any] = {"name": "survival", "horizon_days": 1826, "censoring": "ipcw"}
HEADS: dict[str, Any] = {
    "survival": {"kind": "binary"},
    "recurrence": {"kind": "binary", "endpoint": "recurrence", "horizon_days": 730},
    "survival_time": {"kind": "survival", "horizons_days": [365, 730, 1826]},
    "recurrence_time": {"kind": "survival", "endpoint": "recurrence", "horizons_days": [365, 730]},
}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Stage]:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data/hancock is absent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("hancock")))
        source = ingested(ingest_config("hancock", DATA))
        return source, prepared(
            source, label=LABEL, heads=HEADS, modalities=list(EMBEDDED), split={"method": "folds"}
        )


def test_everyone_is_read(stages: tuple[Stage, Stage]) -> None:
    source, _ = stages
    assert rejects_of(source)["code"].tolist() == ["filled_in"] * 9
    counts = {name: int(source.counts[f"records_with_{name}"]) for name in EMBEDDED}
    assert source.counts["patients"] == 763
    assert counts == {
        "emb_clinical": 763, "emb_semantic": 712, "emb_temporal": 683, "emb_pathological": 763,
        "emb_spatial": 763,
    }  # fmt: skip
    assert manifest_of(source)["sample_id"].str.fullmatch(r"\d{3}").all()


def test_the_counts_of_both_endpoints(stages: tuple[Stage, Stage]) -> None:
    _, cohort = stages
    frame = manifest_of(cohort)
    assert len(frame) == 763
    death, relapse = frame["y.survival"], frame["y.recurrence"]
    assert [int(death.eq(v).sum()) for v in (1, 0)] == [173, 243]
    assert int(death.isna().sum()) == 347
    assert [int(relapse.eq(v).sum()) for v in (1, 0)] == [133, 508]
    assert int(relapse.isna().sum()) == 122
    told = {
        name: json.loads((cohort.folder / f"followup{name}.json").read_text())
        for name in ("", "_recurrence")
    }
    kept = ("events", "known_non_events", "competing_deaths", "censored", "evaluable")
    assert [told[""][name] for name in kept] == [173, 243, 0, 347, 416]
    assert [told["_recurrence"][name] for name in kept] == [133, 508, 52, 122, 641]
    # The older view leaves the 52 out.
    assert told["_recurrence"]["event_free"] == 456


def test_no_entry_tells_the_outcome(stages: tuple[Stage, Stage]) -> None:
    _, cohort = stages
    frame = manifest_of(cohort)
    part = open_arrays(cohort.folder, frame)
    worst: dict[str, float] = {}
    for name in EMBEDDED:
        values = part[name].values(np.arange(len(frame))).astype(np.float64)
        for truth in ("y.survival", "y.recurrence"):
            known = frame[truth].notna().to_numpy() & part[name].there
            label = frame[truth][known].to_numpy(np.float64)
            for column in values[known].T:
                there = ~np.isnan(column)
                if there.sum() > 50 and np.ptp(column[there]) > 0:
                    score = auroc(label[there], column[there])
                    worst[name] = max(worst.get(name, 0), score, 1 - score)
            gap = auroc(frame[truth].dropna(), part[name].there[frame[truth].notna()].astype(float))
            worst[name] = max(worst[name], gap, 1 - gap)
    assert set(worst) == set(EMBEDDED)
    # Pathological and blood entries reach 0.67; what tells the outcome would lie near 1.
    assert max(worst.values()) < 0.7, worst


def test_what_is_missing(stages: tuple[Stage, Stage]) -> None:
    _, cohort = stages
    frame = manifest_of(cohort)
    density = pd.read_csv(DATA / "tma_cell_density.csv", dtype={"patient_id": str})["patient_id"]
    spatial = frame.set_index("sample_id")["quality.emb_spatial"]
    assert int((~spatial.index.isin(density)).sum()) == 27
    assert (spatial[~spatial.index.isin(density)].round(4) == np.float32(512 / 516).round(4)).all()
    assert int((spatial < 0.1).sum()) == 3
