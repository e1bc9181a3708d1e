"""Optimism: against scikit-learn fold by fold, and on predictions with planted memory."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.config.evaluate import EvaluateConfig, OptimismConfig
from components.core.data.cohort import folds, read_part
from components.core.device import resolve
from components.core.metrics.resampling import Plan
from components.core.trained import member_logits, members_of
from components.evaluate.analyses import optimism
from components.evaluate.predictions import validation
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]


def figures(done: Example) -> dict[str, float]:
    return done.stage.facts["figures"]


@pytest.mark.parametrize("name", ["holdout", "folds"])
def test_each_part_is_the_mean_of_scikit_learns_figures(examples: Get, name: str) -> None:
    done = examples(name)
    place, train = resolve("cpu", "fp32"), done.behind.train
    own: dict[str, list[float]] = {"train": [], "validation": [], "test": []}
    for fold in folds(done.behind.cohort):
        rows = read_part(done.behind.cohort, fold, "train")
        logits = [member_logits(train, m, rows, place) for m in members_of(train, fold)]
        own["train"].append(roc_auc_score(rows.label, np.mean(logits, axis=0)))
        val = validation(train, fold)
        own["validation"].append(roc_auc_score(val["label"].astype(int), val["logit"]))
        tested = done.predictions[done.predictions["split"] == fold]
        own["test"].append(roc_auc_score(tested["label"].astype(int), tested["logit"]))
    found, means = figures(done), {part: np.mean(values) for part, values in own.items()}
    for part, expected in means.items():
        assert found[f"test/optimism/auroc_{part}"] == pytest.approx(expected)
        lo, hi = (found[f"test/optimism/auroc_{part}_{end}"] for end in ("lo", "hi"))
        assert lo < expected < hi
    for part in ("train", "validation"):
        gap = found[f"test/optimism/{part}_minus_test"]
        assert gap == pytest.approx(means[part] - means["test"])


def test_the_test_figure_is_the_headlines(examples: Get) -> None:
    """The same patients give the same value, and nearly the same interval."""
    for name, key in (("holdout", "auroc"), ("folds", "auroc_within_fold")):
        found = figures(examples(name))
        assert found["test/optimism/auroc_test"] == pytest.approx(found[f"test/{key}"])
        for end in ("lo", "hi"):
            own = found[f"test/optimism/auroc_test_{end}"]
            assert own == pytest.approx(found[f"test/{key}_{end}"], abs=0.03)


def context(**settings: Any) -> Any:
    return SimpleNamespace(
        tests=["f0", "f1"],
        plan=Plan(draws=300),
        task=SimpleNamespace(evaluate=EvaluateConfig(**settings)),
        tables=SimpleNamespace(pooled=pd.DataFrame({"label": [0, 1] * 30, "weight": 1.0})),
        stages=SimpleNamespace(cohort=SimpleNamespace(facts={"split_method": "holdout"})),
    )


def simulated(memory: float, *, patients: int = 300) -> pd.DataFrame:
    """Two folds; the logit of a part's patients is its memory of the label, and noise."""
    rng = np.random.default_rng(0)
    label = (np.arange(patients) % 4 == 0).astype(int)
    parts = np.array(["train", "train", "validation", "test"])
    frames: list[pd.DataFrame] = []
    for fold in (0, 1):
        part = parts[rng.permutation(patients) % 4]
        known = {"train": memory, "validation": 0.5 * memory, "test": 0.0}
        shift = np.array([known[p] for p in part]) * label
        frame = pd.DataFrame({"patient_id": [f"p{i:03d}" for i in range(patients)], "part": part})
        frames.append(
            frame.assign(
                label=label, weight=1.0, repeat=0, fold=fold,
                logit=shift + rng.normal(size=patients),
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def test_planted_memory_is_found_and_its_absence_too() -> None:
    found = optimism.measure(context(), simulated(2.0)).figures
    # Two normal scores two SD apart: AUROC = Phi(2 / sqrt 2) = 0.921; half of it: 0.760.
    assert found["auroc_train"].value == pytest.approx(0.921, abs=0.03)
    assert found["auroc_validation"].value == pytest.approx(0.760, abs=0.08)
    assert found["train_minus_test"].lo > 0.2
    assert found["train_minus_test"].lo > found["validation_minus_test"].lo
    none = optimism.measure(context(), simulated(0.0)).figures["train_minus_test"]
    assert none.lo < 0 < none.hi
    assert "variance of training not included" in none.method


def test_the_interval_is_as_wide_as_two_independent_parts_make_it() -> None:
    """Hanley and McNeil's standard errors of disjoint patients add up in squares."""
    frame = simulated(0.0, patients=1200)
    frame = frame[frame["fold"] == 0].reset_index(drop=True)
    one = SimpleNamespace(**{**vars(context()), "tests": ["f0"]})
    found = optimism.measure(one, frame).figures["train_minus_test"]
    variance = 0.0
    for part in ("train", "test"):
        y = frame.loc[frame["part"] == part, "label"]
        positive, negative = int(y.sum()), int((1 - y).sum())
        variance += (positive + negative + 1) / (12 * positive * negative)  # AUROC of 0.5
    assert found.hi - found.lo == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.15)


def test_words_for_a_clinician(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimism, "_every_part", lambda _: simulated(2.0))
    section = optimism.analyse(context())
    assert "the model ranks them rightly 9" in section.text[0]
    assert "(means over 2 folds)" in section.text[0]
    assert "no such optimism is shown" not in section.text[0]
    (table,) = section.tables
    assert table.header[-2:] == ("SD of folds", "Minus test")
    assert [row[0] for row in table.rows] == ["train", "validation", "test"]
    assert table.rows[2][-1] == ""
    assert "no standard error" in table.note
    assert section.plots[0].svg.count("</svg>") == 1
    monkeypatch.setattr(optimism, "_every_part", lambda _: simulated(0.0))
    shifted = context()
    shifted.stages.cohort.facts["split_method"] = "temporal"
    section = optimism.analyse(shifted)
    assert "Its interval holds 0: no such optimism is shown." in section.text[0]
    assert "also differ by calendar time" in section.text[2]


def test_one_split_has_no_spread_over_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = simulated(2.0)
    monkeypatch.setattr(optimism, "_every_part", lambda _: frame[frame["fold"] == 0])
    one = SimpleNamespace(**{**vars(context()), "tests": ["f0"]})
    section = optimism.analyse(one)
    assert section.tables[0].header == ("Part", "Patients", "With event", "AUROC", "Minus test")
    assert "means over" not in section.text[0]


def test_a_large_training_part_is_represented_by_whole_patients(examples: Get) -> None:
    done = examples("ecg")
    (fold,) = folds(done.behind.cohort)
    rows = read_part(done.behind.cohort, fold, "train")
    few = SimpleNamespace(
        plan=Plan(),
        task=SimpleNamespace(
            evaluate=SimpleNamespace(optimism=OptimismConfig.model_construct(most_patients=30))
        ),
    )
    chosen: Any = optimism._some(rows, few, 0)  # type: ignore[arg-type]
    patients = set(chosen.frame["patient_id"])
    assert len(patients) == 30
    assert len(chosen) == rows.frame["patient_id"].isin(patients).sum()
    again = optimism._some(rows, few, 0)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(again.frame, chosen.frame)
    other = optimism._some(rows, few, 1)  # type: ignore[arg-type]
    assert set(other.frame["patient_id"]) != patients
    at = rows.frame["sample_id"].tolist().index(chosen.frame["sample_id"][3])
    np.testing.assert_array_equal(chosen.tabular[3], rows.tabular[at])
    few.task.evaluate.optimism = OptimismConfig()
    assert optimism._some(rows, few, 0) is rows  # type: ignore[arg-type]


def test_it_applies_to_binary_labels_alone() -> None:
    for labels, expected in (([0, 1, 1], True), ([0, 1, 2], False)):
        own: Any = SimpleNamespace(external=False, predictions=pd.DataFrame({"label": labels}))
        assert optimism.applies(own) is expected


def test_the_report_asks_the_question(examples: Get) -> None:
    done = examples("holdout")
    assert "How much of it is learned by heart?" in (done.stage.folder / "report.html").read_text()
    assert (done.stage.folder / "plots" / "optimism.svg").is_file()
