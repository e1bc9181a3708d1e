"""The robustness section of a whole evaluation, and that it does what serving does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from components.core.bundle import Predictor
from components.core.config.evaluate import EvaluateConfig, RobustnessConfig
from components.core.errors import CardioError, InputError
from components.core.report.section import Section
from components.evaluate.analyses import robustness
from components.evaluate.analysis import Context
from components.evaluate.predictions import position
from components.evaluate.robustness.battery import conditions, disturbed_logits, draw
from components.evaluate.robustness.recordings import Condition, decode, nothing_given, signal_rms
from components.evaluate.robustness.setting import kinds_of, network_of
from components.evaluate.robustness.setting import setup_of as setup_from
from tests.evaluate.conftest import Example, context_of

Get = Callable[[str], Example]


def asking(context: Context, **config: Any) -> Context:
    wanted = RobustnessConfig.model_validate(config)
    both = EvaluateConfig(draws=100, robustness=wanted)
    return replace(context, task=context.task.model_copy(update={"evaluate": both}))


@pytest.fixture(scope="module")
def context(examples: Get) -> Context:
    return context_of(examples("ecg"))


@pytest.fixture(scope="module")
def section(context: Context) -> Section:
    return robustness.analyse(asking(context, leads=[8, 2, 1], snr_db=[0], fs=[500, 100]))


def logits(context: Context, *wanted: Condition) -> np.ndarray:
    (test,) = context.tests
    return disturbed_logits(
        network_of(context, test.fold),
        test.rows,
        np.arange(len(test.rows)),
        [c.change for c in wanted if c.change is not None],
        absent=nothing_given(test.rows, kinds_of(context)),
        advance=lambda done: None,
    )


def setup_of(context: Context):
    index = [np.arange(len(test.rows)) for test in context.tests]
    return setup_from(context, context.tests, index)


def test_it_is_off_for_models_without_an_ecg(examples: Get, context: Context) -> None:
    assert robustness.applies(context)
    assert not robustness.applies(context_of(examples("holdout")))
    tabular = context.task.model_copy(update={"model": {"name": "tabular"}})
    assert not robustness.applies(replace(context, task=tabular))


def test_undisturbed_recordings_give_the_logged_logits(context: Context) -> None:
    same = Condition(kind="", key="same", title="same", change=lambda recordings: recordings)
    expected = context.tests[0].frame["logit"]
    np.testing.assert_allclose(logits(context, same)[0], expected, atol=1e-5)


def test_several_networks_see_the_same_recordings(context: Context) -> None:
    (test,) = context.tests
    one = network_of(context, test.fold)
    twice = replace(one, models=[*one.models, *one.models])
    expected = test.frame["logit"]
    found = disturbed_logits(
        twice, test.rows, np.arange(len(expected)), [lambda recordings: recordings],
        absent=nothing_given(test.rows, kinds_of(context)), advance=lambda done: None,
    )  # fmt: skip
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_another_logit_than_the_reported_one_is_a_fault(context: Context) -> None:
    (test,) = context.tests
    wrong = replace(test, frame=test.frame.assign(logit=test.frame["logit"] + 0.1))
    with pytest.raises(CardioError, match=r"differ by 0\.1 from those reported; this is a fault"):
        robustness.analyse(replace(context, tests=[wrong]))


def test_without_clinical_fields_it_answers_as_serving_does(
    examples: Get, context: Context
) -> None:
    done = examples("ecg")
    (absent,) = [c for c in conditions(setup_of(context)) if c.key == "without_tabular"]
    (folder,) = (done.stage.folder.parents[1] / "synthetic").iterdir()
    raw = pd.read_csv(folder / "manifest.csv").set_index("recording_id")
    raw = raw.loc[done.predictions["sample_id"]]
    files = raw.assign(ecg_path=[str(folder / name) for name in raw["path"]])
    sent = files[["ecg_path", "ecg_fs", "ecg_unit", "ecg_leads"]]
    answers = Predictor(done.stage.folder / "bundle").predict(sent)
    served = [each.logit for each in answers]
    np.testing.assert_allclose(logits(context, absent)[0], served, atol=1e-4)
    refused = Predictor(done.stage.folder / "bundle").predict(files[["age", "sex"]])
    assert "send the ECG as either" in refused[0].error


def test_rows_say_what_was_done_and_what_cannot_be(section: Section) -> None:
    rows = {row[0]: row for table in section.tables for row in table.rows}
    assert [table.caption for table in section.tables] == [
        "Leads", "Noise", "Sampling rate", "Inputs",
    ]  # fmt: skip
    assert rows["8 leads"][-1] == "all of the task's leads: nothing changes"
    assert rows["8 leads"][2:-1] == ("",) * 6
    assert "2 of the task's 8 leads; in use refused, fewer than 6" in rows["2 leads (I, II)"][-1]
    assert rows["500 Hz"][-1] == "the task's own rate is 500 Hz: nothing changes"
    assert "mV root mean square" in rows["50 Hz mains hum, 0 dB"][-1]
    assert rows["clinical fields alone"][-1] == "the model refuses to answer without ECG"
    assert rows["nothing"][-1] == "the model refuses to answer without ECG"
    assert rows["ECG alone"][-1] == "each clinical field counts as missing"
    assert section.plots[0].svg.startswith("<?xml")


def test_figures_are_scikit_learns_and_differences_are_paired(
    section: Section, context: Context
) -> None:
    (lead,) = [c for c in conditions(setup_of(context)) if c.key == "leads_1"]
    frame = context.tests[0].frame.assign(one=logits(context, lead)[0])
    line = context.tests[0].calibration.recalibrator
    each = frame.groupby("patient_id").agg(
        label=("label", "max"),
        one=("one", "mean"),
        logit=("logit", "mean"),
        weight=("weight", "mean"),
    )
    y, weight = each["label"].astype(int), each["weight"]
    own = sk.roc_auc_score(y, each["one"], sample_weight=weight)
    before = sk.roc_auc_score(y, each["logit"], sample_weight=weight)
    found = section.figures
    assert found["robustness/leads_1/auroc"].value == pytest.approx(own)
    assert found["robustness/leads_1/auroc_diff"].value == pytest.approx(own - before)
    prob = line.apply(each["one"].to_numpy())
    brier = sk.brier_score_loss(y, prob, sample_weight=weight)
    assert found["robustness/leads_1/brier"].value == pytest.approx(brier)
    assert {"robustness/mains_0db/auprc_diff", "robustness/fs_100/brier"} <= set(found)
    assert "robustness/leads_8/auroc" not in found


def test_few_events_are_called_underpowered(section: Section) -> None:
    assert any("Underpowered: fewer than 20 patients" in text for text in section.text)


def test_a_part_of_the_records_is_drawn_by_patients(context: Context) -> None:
    (all_,) = draw(context.tests, records=10_000, seed=0)
    assert len(all_) == len(context.tests[0].frame)
    (some,) = draw(context.tests, records=12, seed=0)
    assert 0 < len(some) <= 12
    (again,) = draw(context.tests, records=12, seed=0)
    (other,) = draw(context.tests, records=12, seed=1)
    np.testing.assert_array_equal(some, again)
    assert some.tolist() != other.tolist()
    frame = context.tests[0].frame
    drawn = frame["patient_id"].iloc[some]
    assert frame["patient_id"].isin(drawn).sum() == len(some)  # whole patients
    (one,) = draw(context.tests, records=1, seed=0)
    assert frame["patient_id"].iloc[one].unique().size == 1
    told = robustness.analyse(
        asking(context, records=12, leads=[1], snr_db=[], fs=[], modalities=False)
    )
    assert f"drawn by seed 0 from {len(frame)}, whole patients" in told.text[0]
    assert [table.caption for table in told.tables] == ["Leads"]


def test_cross_validation_uses_the_first_repeat(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (test,) = context.tests
    seen: list[str] = []

    def fold(context, test, index, wanted, advance):
        seen.append(test.fold)
        repeat, number = position(test.fold)
        own = test.frame.iloc[index].assign(repeat=repeat, fold=number)
        return own.assign(**{"logit.base": own["logit"], "calibrated.base": own["logit"]})

    monkeypatch.setattr(robustness, "_fold", fold)
    half = len(test.frame) // 2
    tests = [
        replace(test, fold=name, frame=frame)
        for name, frame in (
            ("r0f0", test.frame.iloc[:half]), ("r0f1", test.frame.iloc[half:]),
            ("r1f0", test.frame.iloc[:half]), ("r1f1", test.frame.iloc[half:]),
        )
    ]  # fmt: skip
    folded = replace(context, tests=tests, tables=replace(context.tables, folded=True))
    found = robustness.analyse(asking(folded, leads=[8], snr_db=[], fs=[], modalities=False))
    assert seen == ["r0f0", "r0f1"]
    assert "the first repeat alone is used" in found.text[1]


def test_an_ecg_is_needed(examples: Get) -> None:
    (test,) = context_of(examples("holdout")).tests
    nothing = np.empty(0, np.float32)
    with pytest.raises(InputError, match=r"a tabular cohort has no ECG to disturb"):
        decode(test.rows, np.arange(2), nothing)
    with pytest.raises(InputError, match=r"the fold has no ECG statistics"):
        disturbed_logits(
            None, test.rows, np.arange(2), [], absent=nothing, advance=lambda done: None
        )
    assert not signal_rms(test.rows, np.arange(2)).size
