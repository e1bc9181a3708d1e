"""The requirement on fusing: chosen on validation, judged by the lower limit, told in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.errors import CardioError
from components.core.metrics.interval import Interval
from components.core.trained import members_of
from components.evaluate.analyses import best_single
from components.evaluate.analyses.best_single import Single, is_met, validation_auroc, verdict
from components.evaluate.analysis import Context
from components.evaluate.heads.trained import _seen, variants_frame
from components.evaluate.heads.variants import Pair
from components.evaluate.inputs.unpaired import SENTENCE, declared_unpaired
from components.evaluate.report.verdict import tiles
from tests.evaluate.conftest import Example, context_of
from tests.evaluate.report.example import example

Get = Callable[[str], Example]


@pytest.fixture(scope="module", params=["media", "media_folds"])
def context(request: pytest.FixtureRequest, examples: Get) -> Context:
    done = examples(request.param)
    own = context_of(done)
    split = str(done.behind.cohort.facts["test_split_sha256"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.core.data.held_out.run_tag", lambda run_id, tag: split)
        table = variants_frame(done.behind, own.tests, own.opening, own.place)
    return replace(own, variants=table)


def interval(value: float, lo: float, hi: float) -> Interval:
    return Interval(value, lo, hi, 100, 0, "planted")


def single(gap: Interval, *, validation: float = 0.8, powered: bool = True) -> Single:
    figures = {"auroc": interval(0.8, 0.7, 0.9), "auprc": interval(0.8, 0.7, 0.9)}
    pair = Pair(
        variant="only:pcg", head="toy", patients=80, events=40, prevalence=0.5, powered=powered,
        whole=figures, other=figures, gap=figures | {"auroc": gap},
    )  # fmt: skip
    return Single(name="pcg", validation=validation, pair=pair)


@pytest.mark.parametrize(
    ("gap", "met", "words"),
    [
        ((0.03, 0.01, 0.05), True, "the requirement is met; better by the whole interval"),
        ((0.0, -0.019, 0.02), True, "its lower limit above −0.02: the requirement is met."),
        ((0.01, -0.021, 0.04), False, "its lower limit not above −0.02"),
        ((-0.05, -0.08, -0.03), False, "all of it below −0.02: the requirement is not met"),
        ((np.nan, np.nan, np.nan), False, "the requirement is not met"),
    ],
)
def test_the_bound_is_on_the_lower_limit(
    gap: tuple[float, float, float], met: bool, words: str
) -> None:
    found = single(interval(*gap))
    assert is_met(found) == met
    assert words in verdict(found)
    assert "the heart sound, AUROC on validation 0.800" in verdict(found)
    notice = best_single._notice(found)
    assert notice.level == ("note" if met else "warning")
    assert "Underpowered" not in verdict(found)
    assert "Underpowered" in verdict(single(interval(*gap), powered=False))


def test_the_best_is_chosen_on_validation_alone(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"only:pcg": 0.1, "only:ecg_image": 0.9, "only:tabular": 0.5}
    monkeypatch.setattr(best_single, "validation_auroc", lambda _, __, variant: wanted[variant])
    section = best_single.analyse(context)
    assert section.tags == {"best_single": "ecg_image"}
    assert section.figures["fused_minus_single"] == section.figures["single/ecg_image/auroc_diff"]
    assert len(section.tables[0].rows) == 4


def test_the_figure_of_validation_is_scikit_learns(context: Context) -> None:
    train, folds = context.stages.train, [test.fold for test in context.tests]
    expected: list[float] = []
    for fold in folds:
        (member,) = members_of(train, fold, "only:pcg")
        val = pd.read_parquet(train.folder / member.folder / "val_predictions.parquet")
        expected.append(roc_auc_score(val["label"].astype(int), val["logit"]))
    found = validation_auroc(train, folds, "only:pcg")
    assert found == pytest.approx(np.mean(expected))


def test_a_network_of_one_input_sees_no_other(context: Context) -> None:
    rows = context.tests[0].rows
    assert _seen("only:pcg", rows).modalities == ("pcg",)
    assert _seen("without:pcg", rows).modalities == ("tabular", "ecg_image")
    assert _seen("", rows).modalities == _seen("alone:toy", rows).modalities == rows.modalities


def test_inputs_declared_unpaired_have_no_claim(context: Context) -> None:
    audit = context.stages.audit
    assert declared_unpaired(context.stages) == ""
    told = replace(audit, config=audit.config | {"audit": {"unpaired": True}})
    stages = replace(context.stages, audit=told)
    assert declared_unpaired(stages) == SENTENCE
    section = best_single.analyse(replace(context, stages=stages))
    assert "fused_minus_single" not in section.figures
    assert section.notices[0].text == SENTENCE
    assert "requirement" not in " ".join(section.text).lower()
    assert not [name for name in section.figures if name.endswith("_diff")]
    assert "Fused minus it" not in section.tables[0].header
    assert {len(row) for row in section.tables[0].rows} == {len(section.tables[0].header)}


def test_without_a_table_of_variants_there_is_nothing(context: Context) -> None:
    assert best_single.applies(context)
    none = replace(context, variants=None)
    assert not best_single.applies(none)
    with pytest.raises(CardioError, match="there is no table of variants"):
        best_single.found_singles(none)


def test_a_requirement_that_rests_on_the_choice_of_validation_says_so(context: Context) -> None:
    best = single(interval(0.157, 0.089, 0.224), validation=0.715)
    fields = replace(single(interval(0.049, -0.022, 0.124), validation=0.709), name="tabular")
    page = replace(single(interval(0.02, -0.05, 0.09), validation=0.691), name="ecg_image")
    fine = replace(single(interval(0.02, -0.01, 0.09), validation=0.7), name="ecg_image")
    assert best_single.rival([best, fields, fine], best) is fields
    assert best_single.rival([best, fields, page], best) is page
    assert best_single.rival([best, fine], best) is None
    assert best_single.rival([best, fields], fields) is None  # not met anyway
    assert best_single.caution(fields) == (
        "That rests on which input was the best on validation. Against the clinical fields alone "
        "(AUROC on validation 0.709, on the test part 0.800 (0.700 to 0.900)) the difference in "
        "AUROC is 0.049 (−0.022 to 0.124), its lower limit not above −0.02: the fused network is "
        "not shown to be no worse than that."
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_single, "found_singles", lambda _: [best, fields])
        section = best_single.analyse(context)
    assert [each.level for each in section.notices] == ["note", "warning"]
    assert section.text[-1] == section.notices[1].text == best_single.caution(fields)
    tile = next(t for t in tiles(replace(example(drawn=False), sections=(section,)))
                if t.label == "Fused against the best single input")  # fmt: skip
    assert (tile.value, tile.tone) == ("no worse", "warning")
    assert (
        tile.details[-1] == "not shown against the clinical fields alone: +0.049 (−0.022 to 0.124)"
    )


@pytest.mark.parametrize(
    ("lo", "value", "tone"),
    [(-0.01, "no worse", "good"), (-0.03, "not shown to be no worse", "warning")],
)
def test_the_first_screen_has_the_verdict(
    lo: float, value: str, tone: str, context: Context
) -> None:
    section = replace(
        best_single.analyse(context),
        figures={"fused_minus_single": interval(0.01, lo, 0.05)},
        tags={"best_single": "pcg"},
    )
    data = example(drawn=False)
    found = next(
        each
        for each in tiles(replace(data, sections=(section,)))
        if each.label == "Fused against the best single input"
    )
    assert (found.value, found.tone) == (value, tone)
    assert found.details[0] == "the heart sound alone, chosen on validation"
    assert "+0.010" in found.details[1]
