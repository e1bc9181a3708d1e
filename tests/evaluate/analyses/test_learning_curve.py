"""The learning curve: its steps against scikit-learn, its verdict, and when there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.metrics.resampling import Plan
from components.evaluate.analyses import learning_curve
from components.evaluate.growth import Growth


def context(**settings: Any) -> Any:
    own = SimpleNamespace(**({"most_patients": 1000, "shares": (0.2, 0.6, 1.0)} | settings))
    pooled = pd.DataFrame({"label": [0, 1] * 40, "weight": 1.0})
    return SimpleNamespace(
        plan=Plan(draws=300), tests=[SimpleNamespace(fold="holdout")],
        task=SimpleNamespace(evaluate=SimpleNamespace(learning_curve=own)),
        tables=SimpleNamespace(pooled=pooled),
    )  # fmt: skip


def growth(skill: dict[float, float], *, patients: int = 300, draws: int = 4) -> Growth:
    """Predictions whose separation in SD depends on the share."""
    rng = np.random.default_rng(0)
    label = (np.arange(patients) % 4 == 0).astype(int)
    weight = np.where(np.arange(patients) % 3 == 0, 2.0, 1.0)
    frames: list[pd.DataFrame] = []
    sizes: list[dict[str, float]] = []
    for share, gap in skill.items():
        for draw in range(1 if share == 1 else draws):
            frames.append(
                pd.DataFrame(
                    {
                        "patient_id": [f"p{i:03d}" for i in range(patients)],
                        "label": label,
                        "weight": weight,
                        "logit": gap * label + rng.normal(size=patients),
                    }
                ).assign(share=share, repeat=draw, fold=0)
            )
            sizes.append({"share": share, "patients": 500 * share, "events": 60 * share})
    return Growth(sizes=pd.DataFrame(sizes), predictions=pd.concat(frames, ignore_index=True))


def test_a_step_is_the_mean_over_its_fits() -> None:
    own = growth({0.2: 0.5, 0.6: 1.0, 1.0: 2.0})
    steps, gain = learning_curve.measure(context(), own)
    for step in steps:
        part = own.predictions[own.predictions["share"] == step.share]
        expected = [
            roc_auc_score(f["label"], f["logit"], sample_weight=f["weight"])
            for _, f in part.groupby("repeat")
        ]
        assert step.auroc.value == pytest.approx(np.mean(expected))
        assert step.each == pytest.approx(expected)
        assert step.auroc.lo < step.auroc.value < step.auroc.hi
    assert [(s.patients, s.events) for s in steps] == [(100, 12), (300, 36), (500, 60)]
    assert gain.value == pytest.approx(steps[2].auroc.value - steps[1].auroc.value)
    assert gain.lo > 0


def test_two_steps_gain_over_the_first() -> None:
    steps, gain = learning_curve.measure(context(), growth({0.5: 0.0, 1.0: 2.0}))
    assert gain.value == pytest.approx(steps[1].auroc.value - steps[0].auroc.value)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (2.5, "were still paying off at the upper end"),
        (0.8, "upper end of this range is not shown"),
    ],
)
def test_the_verdict_is_the_intervals(
    monkeypatch: pytest.MonkeyPatch, last: float, words: str
) -> None:
    own = growth({0.2: 0.5, 0.6: 1.0, 1.0: last})
    _stub(monkeypatch, own)
    section = learning_curve.analyse(context())
    assert words in section.text[0]
    assert "on 100 training patients, 12 with the event" in section.text[0]
    assert "From 60 % of them to all the gain is" in section.text[0]
    assert section.text[0].endswith("Nothing is said about cohorts larger than this one.")
    assert set(section.figures) == {
        "learning_curve/auroc_at_20", "learning_curve/auroc_at_60", "learning_curve/auroc_at_100",
        "learning_curve/gain_from_60",
    }  # fmt: skip
    (table,) = section.tables
    assert [row[:4] for row in table.rows] == [
        ("20 %", "100", "12", "4"), ("60 %", "300", "36", "4"), ("100 %", "500", "60", "1"),
    ]  # fmt: skip
    assert table.rows[2][-1] == "undefined"
    assert "</svg>" in section.plots[0].svg


def test_shares_without_a_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _stub(monkeypatch, growth({0.6: 1.0, 1.0: 2.0}))
    sentence = learning_curve.analyse(context()).text[0]
    assert sentence.endswith("Smaller shares have fewer than 5 patients with the event and no fit.")


def _stub(monkeypatch: pytest.MonkeyPatch, own: Growth | None, *, patients: int = 500) -> None:
    labels = pd.Series(np.arange(patients) % 2)
    monkeypatch.setattr(learning_curve, "training_patients", lambda *_: ([], labels))
    monkeypatch.setattr(learning_curve, "grow", lambda _: own)
    if own is not None:
        network = learning_curve.measure(context(), own)[0][-1].auroc
        monkeypatch.setattr(learning_curve, "headline_figures", lambda *_: {"auroc": network})


def test_too_many_patients_or_too_few_events_have_no_curve_and_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _stub(monkeypatch, None)
    section = learning_curve.analyse(context())
    assert section.text == (
        "Left out: the training part has too few events to be cut into shares.",
    )
    assert not section.figures
    _stub(monkeypatch, None, patients=1001)
    (sentence,) = learning_curve.analyse(context()).text
    assert sentence.startswith("Left out: 1,001 training patients are more than evaluate.learning")


def test_it_applies_to_binary_labels_alone() -> None:
    for labels, expected in (([0, 1, 1], True), ([0, 1, 2], False)):
        own: Any = SimpleNamespace(predictions=pd.DataFrame({"label": labels}))
        assert learning_curve.applies(own) is expected


@pytest.mark.parametrize(("name", "key"), [("holdout", "auroc"), ("folds", "auroc")])
def test_on_everyone_it_ends_at_the_baselines_figure(examples: Any, name: str, key: str) -> None:
    done = examples(name)
    found = done.stage.facts["figures"]
    own = found["test/learning_curve/auroc_at_100"]
    assert own == pytest.approx(found[f"baseline/logistic_regression/{key}"])
    gain = own - found["test/learning_curve/auroc_at_60"]
    assert found["test/learning_curve/gain_from_60"] == pytest.approx(gain)
    assert "Would more patients help?" in (done.stage.folder / "report.html").read_text()
