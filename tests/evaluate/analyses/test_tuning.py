"""The section on the search: planted optimism, scikit-learn fold by fold, words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.core import store
from components.core.config.tuned import INNER_PREDICTIONS
from components.core.errors import InputError
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables, pooled
from components.core.store import Stage, Workspace
from components.evaluate.analyses import tuning
from components.evaluate.searched import bar_to_promotion

PATIENTS = 400
PRINT, AUDIT = "abc", "def"
FOLDS: dict[str, Any] = {"r0f0": {}, "r0f1": {}}


def one(fold: str, value: float, untuned: float | None = 0.7) -> dict[str, Any]:
    return {
        "name": f"toy-{fold}", "fold": fold, "settings": {"fit.lr": 0.00123456, "model.hidden": 16},
        "number": 3, "value": value, "untuned": untuned, "states": {"complete": 8, "pruned": 2},
        "epochs": 4,
    }  # fmt: skip


def facts(**more: Any) -> dict[str, Any]:
    searches = [one("r0f0", 0.8), one("r0f1", 0.82), one("refit", 0.81)]
    return {
        "objective": "auroc", "nested": True, "inner_folds": 2, "seen": False, "searches": searches,
        "settings": searches[-1]["settings"], "fold_settings": FOLDS, "value": 0.81, "untuned": 0.7,
        "states": {"complete": 24, "pruned": 6},
    } | more  # fmt: skip


def scores(rng: Any, label: np.ndarray, effect: float) -> np.ndarray:
    """Two normal scores `effect` SD apart: AUROC = Phi(effect / sqrt 2)."""
    return effect * label + rng.normal(size=len(label))


def cohort(promised: float, kept: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inner predictions of two outer folds, each with two inner ones, and the test predictions."""
    rng = np.random.default_rng(0)
    label = (np.arange(PATIENTS) % 3 == 0).astype(int)
    ids = np.array([f"p{i:03d}" for i in range(PATIENTS)])
    outer = rng.permutation(PATIENTS) % 2
    inner, test = list[pd.DataFrame](), list[pd.DataFrame]()
    for fold in (0, 1):
        seen = outer != fold
        own = pd.DataFrame({"patient_id": ids[seen], "label": label[seen], "weight": 1.0})
        part = [f"r0f{fold}.i{i % 2}" for i in range(len(own))]
        inner.append(own.assign(logit=scores(rng, label[seen], promised), part=part,
                                fold=f"r0f{fold}"))  # fmt: skip
        held = pd.DataFrame({"patient_id": ids[~seen], "label": label[~seen], "weight": 1.0})
        test.append(held.assign(logit=scores(rng, label[~seen], kept), repeat=0, fold=fold))
    last = inner[0].assign(fold="refit", logit=-5.0, part="refit.i0")
    return pd.concat([*inner, last], ignore_index=True), pd.concat(test, ignore_index=True)


@pytest.fixture
def made(data_folder: Path) -> Any:
    """Builder of a context whose training has the settings of a search."""

    def build(own: dict[str, Any], promised: float = 1.5, kept: float = 1.0) -> Any:
        inner, test = cohort(promised, kept)

        def compute(work: Workspace) -> None:
            work.facts |= own
            if own["nested"]:
                inner.to_parquet(work.path(INNER_PREDICTIONS))

        inputs = {"audit": AUDIT}
        store.build("search", PRINT, config={}, inputs=inputs, compute=compute)
        train = Stage(
            folder=data_folder / "train" / "t", component="train", fingerprint="t", inputs={},
            config={"tuned": {"search": PRINT, "folds": own["fold_settings"]}},
        )  # fmt: skip
        audit = replace(train, folder=data_folder / "audit" / AUDIT, fingerprint=AUDIT, config={})
        tables = PatientTables(each=test, pooled=pooled(test, ["logit"]), folded=True)
        return SimpleNamespace(
            external=False, tables=tables, predictions=test, plan=Plan(draws=300),
            tests=[SimpleNamespace(fold="r0f0"), SimpleNamespace(fold="r0f1")],
            stages=SimpleNamespace(train=train, audit=audit), inner=inner,
        )  # fmt: skip

    return build


def means(context: Any, metric: Any) -> tuple[float, float]:
    inner = context.inner[context.inner["fold"] != "refit"]
    found = [metric(rows["label"], rows["logit"]) for _, rows in inner.groupby("part")]
    test = [metric(r["label"], r["logit"]) for _, r in context.predictions.groupby("fold")]
    return float(np.mean(found)), float(np.mean(test))


def test_planted_optimism_is_found(made: Any) -> None:
    context = made(facts())
    figures = tuning.analyse(context).figures
    assert set(figures) == {"optimism/inner", "optimism/inner_minus_test"}
    inner, test = means(context, roc_auc_score)
    assert figures["optimism/inner"].value == pytest.approx(inner)
    # Phi(1.5 / sqrt 2) = 0.856 and Phi(1 / sqrt 2) = 0.760.
    gap = figures["optimism/inner_minus_test"]
    assert gap.value == pytest.approx(inner - test)
    assert gap.value == pytest.approx(0.096, abs=0.05)
    assert gap.lo > 0
    assert "variance of training and of the search not included" in gap.method


def test_its_absence_is_found_too_and_said(made: Any) -> None:
    section = tuning.analyse(made(facts(), promised=1.0))
    gap = section.figures["optimism/inner_minus_test"]
    assert gap.lo < 0 < gap.hi
    assert section.text[-1].endswith("The interval holds 0 or lies below: none is shown.")


@pytest.mark.parametrize("objective", ["auprc", "loss"])
def test_the_figure_is_the_objective_or_auroc_where_that_is_the_loss(
    made: Any, objective: str
) -> None:
    context = made(facts(objective=objective))
    section = tuning.analyse(context)
    metric = average_precision_score if objective == "auprc" else roc_auc_score
    assert section.figures["optimism/inner"].value == pytest.approx(means(context, metric)[0])
    name = {"auprc": "AUPRC", "loss": "AUROC"}[objective]
    assert f"the chosen settings came to {name} " in section.text[-1]


def test_words_and_table(made: Any) -> None:
    section = tuning.analyse(made(facts()))
    assert section.text[0].startswith(
        "30 trials (24 complete, 6 pruned) were trained with other values of fit.lr, model.hidden; "
        "the first has the untuned settings. The best came to a validation AUROC of 0.810, the "
        "untuned settings to 0.700."
    )
    assert "on 2 inner folds of its training and validation patients alone" in section.text[1]
    (table,) = section.tables
    assert [row[0] for row in table.rows] == [
        "inner folds of r0f0", "inner folds of r0f1", "everyone, for the refit",
    ]  # fmt: skip
    assert table.rows[0][1:] == ("10", "0.700", "0.800", "fit.lr 0.001235, model.hidden 16")
    assert "A selected maximum without an interval" in table.note
    assert section.notices == ()


def test_one_search_on_patients_who_are_tested_elsewhere_is_warned_of(made: Any) -> None:
    own = facts(nested=False, seen=True, untuned=None, searches=[one("", 0.8, None)])
    section = tuning.analyse(made(own))
    assert section.figures == {}
    assert "the untuned settings to none (that trial failed)" in section.text[0]
    assert section.tables[0].rows[0][:3] == ("every fold's validation part", "10",
                                             "none (that trial failed)")  # fmt: skip
    (notice,) = section.notices
    assert notice.level == "warning"
    assert "chosen on validation patients whom other folds test" in notice.text


def test_it_applies_where_a_search_chose_the_settings(made: Any) -> None:
    context = made(facts())
    assert tuning.applies(context)
    context.external = True
    assert not tuning.applies(context)
    context.external = False
    context.stages.train = replace(context.stages.train, config={"tuned": None})
    assert not tuning.applies(context)
    with pytest.raises(ValueError, match="nobody searched"):
        tuning.analyse(context)


def test_no_figure_where_the_label_is_not_binary(made: Any) -> None:
    context = made(facts())
    context.predictions = context.predictions.assign(label=2)
    assert tuning.analyse(context).figures == {}


def test_a_search_whose_folder_is_not_here(made: Any) -> None:
    context = made(facts())
    context.stages.train = replace(context.stages.train, config={"tuned": {"search": "elsewhere"}})
    with pytest.raises(
        InputError,
        match=r"the settings were searched for by elsewhere, and data/search/elsewhere, which says "
        r"on whom, is not there; copy it there",
    ):
        tuning.analyse(context)
    assert "data/search/elsewhere" in bar_to_promotion(context.stages)


def test_a_nested_search_on_the_same_split_is_no_bar(made: Any) -> None:
    assert bar_to_promotion(made(facts()).stages) == ""


def test_a_search_on_patients_whom_other_folds_test_bars_the_promotion(made: Any) -> None:
    own = facts(nested=False, seen=True, fold_settings={}, searches=[one("", 0.8)])
    context = made(own)
    assert bar_to_promotion(context.stages) == (
        "the settings were chosen on patients whom other folds test; search with tune.nested=true"
    )
    context.stages.train = replace(context.stages.train, config={"tuned": None})
    assert bar_to_promotion(context.stages) == ""
