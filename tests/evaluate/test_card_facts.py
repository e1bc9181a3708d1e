"""What stages know of the model card's items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from components.core.report.tripod import ITEMS
from components.core.schemas import MANIFEST
from components.core.upstream import Upstream
from components.evaluate.card_facts import card_facts
from components.evaluate.tracking import promotable
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]


def test_an_ecg_cohort_answers_from_its_stages(examples: Get) -> None:
    done = examples("ecg")
    found = card_facts(done.behind, done.task)
    assert set(found) <= {item.number for item in ITEMS}
    counts = done.behind.ingest.counts
    assert f"{counts['records']:,.0f} records of {counts['patients']:,.0f} patients" in found["20a"]
    assert "at most 90 days before the index date" in found["6b"]
    assert "8 leads (I, II, V1" in found["7"]
    assert found["9b"].startswith("the ECG (8 leads), age (numeric)")
    assert "Trained with AdamW (learning rate 0.003" in found["12c"]
    assert "classes weighted inversely" in found["13"]
    assert "recalibrated on validation afterwards" in found["13"]
    assert "Every ECG is judged" in found["27a"]
    manifest = pd.read_parquet(done.behind.cohort.folder / MANIFEST)
    years = manifest["index_time"].dt.year
    assert f"from {years.min()} to {years.max()}" in found["5b"]
    assert "median" in found["5b"]
    assert f"{manifest['site'].nunique()} sites in the data." == found["6a"]
    for patient in manifest["patient_id"].head(20):
        assert patient not in repr(found)


def test_a_table_alone_leaves_open_what_it_lacks(examples: Get) -> None:
    done = examples("holdout")
    found = card_facts(done.behind, done.task)
    assert {"5b", "6a"} & set(found) == set()
    assert found["7"] == "No recordings; tables only."
    assert found["6b"] == "Every patient with a readable record."
    assert "the model answers even so" in found["27a"]
    task = done.task.model_copy(
        update={"evaluate": done.task.evaluate.model_copy(update={"recalibrate": "none"})}
    )
    assert card_facts(done.behind, task)["13"].endswith("Probabilities are not recalibrated.")


def test_unpaired_modalities_are_said_and_bar_a_promotion(examples: Get) -> None:
    done = examples("holdout")
    assert "of different patients" not in card_facts(done.behind, done.task)["16"]
    audit = done.behind.audit
    behind = replace(done.behind, audit=replace(audit, facts=audit.facts | {"unpaired": True}))
    said = card_facts(behind, done.task)["16"]
    assert said.endswith("nothing is claimed of what the modalities bring together.")
    assert promotable(done.behind, []) == "yes"
    assert promotable(behind, []) == "no, its modalities are of different patients"


def _gated(behind: Upstream, **ecg: Any) -> Upstream:
    cohort = behind.cohort
    section = cohort.config["preprocess"] | {"ecg": cohort.config["preprocess"]["ecg"] | ecg}
    return replace(behind, cohort=replace(cohort, config=cohort.config | {"preprocess": section}))


@pytest.mark.parametrize(
    ("ecg", "said"),
    [
        ({"missing": "drop"}, "no missing lead"),
        ({"reject": ["noisy"]}, "none of the quality flags noisy"),
        ({"min_quality": 0.4}, "signal quality of at least 0.4"),
    ],
)
def test_rules_of_the_gate_are_told(examples: Get, ecg: dict[str, Any], said: str) -> None:
    done = examples("ecg")
    found = card_facts(_gated(done.behind, **ecg), done.task)
    assert said in found["6b"]
    if "missing" in ecg:
        assert "masked" not in found["11"]
    else:
        assert "No quality gate" not in found["27a"]


def test_features_none_at_all(examples: Get) -> None:
    done = examples("ecg")
    cohort = done.behind.cohort
    bare = replace(done.behind, cohort=replace(cohort, facts=cohort.facts | {"features": []}))
    found = card_facts(bare, done.task)
    assert found["9b"] == "the ECG (8 leads)."
    assert found["11"] == "Missing leads are masked."
    assert "12b" not in found
