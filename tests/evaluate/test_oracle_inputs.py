"""Which column of the planted truth belongs to a task's inputs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from components.core.models.spec import DataSpec
from components.core.store import Stage
from components.evaluate import assemble
from components.evaluate.oracle import inputs_of_spec, oracle_logits, unseen_embeddings

HEADS = {"toy": 2}
IMAGE: dict[str, tuple[int, ...]] = {"ecg_image": (1, 8, 8)}
SOUND: dict[str, tuple[int, ...]] = {"pcg": (2, 8, 8)}


def spec(**more: Any) -> DataSpec:
    return DataSpec.model_validate({"heads": HEADS} | more)


@pytest.mark.parametrize(
    ("own", "inputs"),
    [
        (spec(leads=8, length=10, text=4, tabular=3), ("ecg", "text", "tabular")),
        (spec(leads=8, length=10, tabular=3), ("ecg", "tabular")),
        (spec(tabular=3), ("tabular",)),
        (spec(tabular=3, events=20), ("events", "tabular")),
        (spec(events=20), ("events",)),
        (spec(tabular=3, arrays=SOUND | IMAGE), ("tabular", "ecg_image", "pcg")),
        (spec(arrays=SOUND | IMAGE), ("ecg_image", "pcg")),
        (spec(tabular=3, arrays=SOUND), ("tabular", "pcg")),
    ],
)
def test_inputs_are_in_the_order_of_the_columns(own: DataSpec, inputs: tuple[str, ...]) -> None:
    assert inputs_of_spec(own) == inputs


def test_the_truth_is_that_of_the_task_s_own_inputs(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    truth = pd.DataFrame({
        "patient_id": ["a", "a", "b"], "p_toy_tabular_ecg_image_pcg": [0.5, 0.7, 0.2],
        "p_toy_pcg": [0.1, 0.1, 0.9],
    })  # fmt: skip
    truth.to_parquet(tmp_path / "truth" / "truth.parquet")
    ingest = cast(Stage, SimpleNamespace(folder=tmp_path))
    patients = pd.DataFrame({"patient_id": ["b", "a"]})
    whole = oracle_logits(ingest, spec(tabular=3, arrays=IMAGE | SOUND), "toy", patients)
    assert whole is not None
    np.testing.assert_allclose(whole, [np.log(0.2 / 0.8), np.log(0.6 / 0.4)])
    alone = oracle_logits(ingest, spec(arrays=SOUND), "toy", patients)
    assert alone is not None
    np.testing.assert_allclose(alone, [np.log(9), np.log(1 / 9)])
    assert oracle_logits(ingest, spec(arrays=IMAGE), "toy", patients) is None


def test_embeddings_that_no_model_saw_make_the_best_possible_an_upper_bound(
    tmp_path: Path,
) -> None:
    cohort = cast(Stage, SimpleNamespace(
        folder=tmp_path, facts={"patients_known": True, "timed": False},
    ))  # fmt: skip

    def told(*rejects: tuple[str, str], oracle: object = "known") -> list[str]:
        pd.DataFrame(rejects, columns=["field", "code"]).to_parquet(tmp_path / "rejects.parquet")
        stages = SimpleNamespace(
            cohort=cohort, ingest=SimpleNamespace(facts={"absent_features": []})
        )
        done = SimpleNamespace(oracle=oracle, tables=SimpleNamespace(folded=False), seeds={})
        found: Any = assemble._notices(
            cast(Any, stages), cast(Any, done), cast(Any, SimpleNamespace(count=1))
        )
        return [text for text in found if "best possible" in text]

    low = ("emb_pathological", "low_quality")
    assert told(low, low, ("ecg", "low_quality"), ("emb_spatial", "not_finite")) == [
        "The best possible AUROC is not exact but an upper bound: it knows 2 embedding(s) of the "
        "cohort that preprocess.embeddings.min_quality left out, which no model saw."
    ]
    assert told(low, oracle=None) == []
    assert told(("ecg", "low_quality")) == []
    assert unseen_embeddings(cohort) == ""
