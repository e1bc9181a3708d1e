"""Cox regression on the public BC_cardiotox cohort, by 5 × 3 grouped cross-validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.preprocessing import StandardScaler

from components.core.config.sections import IngestConfig
from components.core.data.cohort import folds, read_part
from components.core.errors import InputError
from components.core.metrics.concordance import concordance
from components.core.metrics.followed import followed
from components.core.metrics.metric import RowWeights
from components.core.store import Stage
from components.core.survival.cox import cohort, fit_cox
from components.core.survival.penalty import choose_penalty
from tests.chain import ingested, manifest_of, prepared


@pytest.fixture
def stage(root: Path, data_folder: Path) -> Stage:
    """All 531 patients in 5 folds, repeated 3 times; the event is CTRCD at any time."""
    table = root.parent / "shared/data/bc_cardiotox/BC_cardiotox_clinical_variables.csv"
    if not table.is_file():
        pytest.skip("the real sample data ../shared/data is absent")
    example = yaml.safe_load((root / "pipelines/examples/bc_cardiotox.yaml").read_text())["ingest"]
    source = ingested(IngestConfig.model_validate(example | {"path": str(table), "workers": 1}))
    return prepared(source, modalities=("tabular",), label={"censoring": "as_given"})


@pytest.mark.real_data
def test_the_nested_penalty_reaches_an_honest_concordance(stage: Stage) -> None:
    manifest = manifest_of(stage)
    assert manifest["event_code"].value_counts().to_dict() == {0: 477, 1: 54}
    everyone = followed(manifest["time_days"], manifest["event_code"])
    found: list[float] = []
    for fold in folds(stage):
        seen = [read_part(stage, fold, part, unlabelled=True) for part in ("train", "val")]
        frame = pd.concat([rows.frame for rows in seen])
        x = np.concatenate([rows.tabular for rows in seen])
        scale = StandardScaler().fit(x)
        data = cohort(scale.transform(x), frame["time_days"], frame["event_code"])
        with pytest.raises(InputError, match="is singular: columns repeat each other"):
            fit_cox(data)  # flags that are missing together
        tested = np.flatnonzero(manifest[f"part.{fold}"] == "test")
        columns = [c for c in manifest if str(c).startswith("tab.")]
        plain = manifest[columns].rename(columns=lambda c: str(c).removeprefix("tab."))
        mine = scale.transform(seen[0].stats.tabular.transform(plain.iloc[tested]))
        risk = fit_cox(data, penalty=choose_penalty(data, frame["patient_id"])).risk(mine)
        statistic = concordance(everyone.part(tested), risk, kind="harrell")
        found.append(statistic.value(RowWeights.observed(tested.size))["harrell_c"])
    assert 0.65 < np.mean(found) < 0.68
