"""The first lines: what they say about small test sets, simple models, waivers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.core.errors import CardioError, ConfigError
from components.core.metrics.interval import Interval
from components.core.report.section import Section
from components.evaluate.report import wording
from components.evaluate.report.data import AuditCheck, Baseline, ReportData
from tests.evaluate.report.example import example, tiny


def interval(value: float, lo: float, hi: float) -> Interval:
    return Interval(value, lo, hi, 200, 0, "m")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example(drawn=False)


def against(data: ReportData, difference: Interval, figure: str = "auroc") -> ReportData:
    baseline = Baseline(
        name="logistic regression",
        figures={figure: data.figures[figure]},
        difference={figure: difference},
    )
    return replace(data, baselines=(baseline,), headline=figure)


def test_headline_is_the_figure_with_interval_prevalence_and_sizes(data: ReportData) -> None:
    found = data.figures["auroc"]
    line = wording.headline(data)
    assert line.startswith(f"AUROC {found.value:.3f} (95 % interval {found.lo:.3f} to ")
    assert line.endswith("prevalence 13.4 %, 900 patients, 121 events")


def test_what_a_section_has_for_the_first_line_stands_first(data: ReportData) -> None:
    told = Section(name="endpoints", title="Endpoints", first="back: loses against another.")
    line = wording.headline(replace(data, sections=(Section(name="a", title="A"), told)))
    assert line.startswith("back: loses against another. AUROC ")
    assert line.endswith(wording.headline(data))


def test_a_small_test_set_has_its_interval_first_and_fewer_digits() -> None:
    small = tiny()
    figure = small.figures["auroc"]
    assert wording.headline(small).startswith(
        f"Underpowered: AUROC anywhere from {figure.lo:.2f} to {figure.hi:.2f} (95 % interval; "
    )
    first = wording.notices(small)[0]
    assert first.level == "warning"
    assert first.text.startswith("Underpowered: 9 patients with and 81 patients without the event")
    assert wording.out_of_a_thousand(small) == ""
    assert f"AUPRC {small.figures['auprc'].value:.2f} (" in wording.key_figures(small)


@pytest.mark.parametrize(("events", "censored", "small"), [(20, 0, False), (19, 0, True)])
def test_twenty_patients_in_each_class_are_enough(
    data: ReportData, events: int, censored: int, small: bool
) -> None:
    split = replace(data.splits[-1], patients=100, events=events, censored=censored)
    assert wording.is_underpowered(split) is small
    assert wording.is_underpowered(replace(split, events=100 - events)) is small
    assert wording.is_underpowered(replace(split, events=50, censored=31))


@pytest.mark.parametrize(
    ("difference", "verdict", "shown"),
    [
        ((-0.01, -0.03, 0.02), "does not beat", "−0.010, −0.030 to 0.020"),
        ((0.0, 0.0, 0.0), "does not beat", "0.000, 0.000 to 0.000"),
        ((0.02, -0.01, 0.05), "is not shown to beat", "0.020, −0.010 to 0.050"),
        ((0.05, 0.01, 0.09), "beats", "0.050, 0.010 to 0.090"),
    ],
)
def test_the_first_line_says_whether_a_simple_model_is_beaten_and_by_how_much(
    data: ReportData, difference: tuple[float, float, float], verdict: str, shown: str
) -> None:
    judged = against(data, interval(*difference))
    assert f", {verdict} logistic regression (difference {shown}), " in wording.headline(judged)
    sentence = f"The model {verdict} logistic regression: difference in AUROC "
    warned = [n for n in wording.notices(judged) if n.text.startswith(sentence)]
    assert [n.level for n in warned] == ([] if verdict == "beats" else ["warning"])


def test_where_lower_is_better_a_negative_difference_wins(data: ReportData) -> None:
    better = against(data, interval(-0.05, -0.09, -0.01), "brier")
    worse = against(data, interval(0.05, 0.01, 0.09), "brier")
    unsure = against(data, interval(-0.05, -0.09, 0.01), "brier")
    assert ", beats logistic regression (difference −0.050" in wording.headline(better)
    assert "does not beat" in wording.headline(worse)
    assert "is not shown to beat" in wording.headline(unsure)


def test_a_small_test_set_has_the_interval_of_the_difference_alone(data: ReportData) -> None:
    judged = against(data, interval(-0.01, -0.2345, 0.2))
    few = replace(data.splits[-1], patients=100, events=9)
    line = wording.headline(replace(judged, splits=(few,)))
    assert line.startswith("Underpowered: AUROC anywhere from ")
    assert "does not beat logistic regression (difference anywhere from −0.23 to 0.20)" in line
    assert line.endswith("100 patients, 9 events")


def test_folds_are_judged_by_their_pooled_events(data: ReportData) -> None:
    """Eleven events in each of five folds are 55 in all; three in each are too few."""
    pooled = replace(data.splits[-1], name="all (out of fold)", patients=500, events=55)
    for events, small in ((55, False), (15, True)):
        found = replace(data, splits=(replace(pooled, events=events),))
        assert wording.headline(found).startswith("Underpowered") is small
        warned = [n.text for n in wording.notices(found) if "fewer than 20" in n.text]
        assert [t.startswith("Underpowered: 15 patients with") for t in warned] == [True] * small


def test_waivers_refusals_and_missing_audits_are_warnings(data: ReportData) -> None:
    texts = [notice.text for notice in wording.notices(data) if notice.level == "warning"]
    assert any("'identical_waveforms' failed and was waived" in text for text in texts)
    refused = AuditCheck(name="patient_overlap", status="refused", sentence="3 patients twice.")
    found = wording.notices(replace(data, audit=(refused,)))
    assert wording.Notice("warning", "The audit refuses this cohort: 3 patients twice.") in found
    none = wording.notices(replace(data, audit=()))
    assert wording.Notice("warning", "No leakage audit was run on this cohort.") in none


def test_more_than_the_best_possible_is_a_leak(data: ReportData) -> None:
    share = Interval(value=1.1, lo=1.02, hi=1.2, n_draws=100, undefined=0, method="bootstrap")
    beyond = wording.notices(replace(data, share=share))
    assert any(
        notice.level == "warning" and "1.100 (1.020 to 1.200). Something beside" in notice.text
        for notice in beyond
    )
    for lower in (0.98, 1.0):
        within = wording.notices(replace(data, share=replace(share, lo=lower)))
        assert not any("better than is possible" in notice.text for notice in within)


def test_what_two_sections_have_to_say_is_said_once(data: ReportData) -> None:
    told = wording.Notice("warning", "The inputs are of different patients.")
    sections = tuple(Section(name=name, title=name, notices=(told,)) for name in ("one", "two"))
    found = wording.notices(replace(data, sections=sections))
    assert found.count(told) == 1


def test_origin_is_told(data: ReportData) -> None:
    texts = " ".join(notice.text for notice in wording.notices(data))
    assert "say nothing about skill on patients" in texts
    assert "changes that are in no commit" in texts
    assert "ECGs with pacing spikes were kept." in texts
    real = replace(data, synthetic=False, provenance=replace(data.provenance, dirty=False))
    texts = " ".join(notice.text for notice in wording.notices(real))
    assert "Synthetic" not in texts
    assert "commit" not in texts


def test_counts_among_a_thousand_patients_add_up(data: ReportData) -> None:
    split = replace(data.splits[-1], prevalence=0.1)
    figures = {
        **data.figures,
        "sensitivity": interval(0.8, 0, 1),
        "specificity": interval(0.9, 0, 1),
    }
    given = replace(data, splits=(split,), figures=figures)
    assert wording.out_of_a_thousand(given) == (
        "Of 1,000 such patients 100 have the event. The model calls 170 positive: 80 of them have "
        "the event and 90 do not. It misses 20."
    )
    figures["specificity"] = interval(float("nan"), 0, 1)
    assert wording.out_of_a_thousand(given) == ""
    del figures["specificity"]
    assert wording.out_of_a_thousand(given) == ""


def test_undefined_draws_are_stated() -> None:
    figures = {"auroc": Interval(0.7, 0.6, 0.8, 2000, 12, "m"), "auprc": interval(0.3, 0.2, 0.4)}
    assert wording.undefined_note(figures).endswith("AUROC in 12 of 2,000.")
    assert wording.undefined_note({"auprc": figures["auprc"]}) == ""


def test_configuration_is_flattened() -> None:
    config = {"a": {"b": {"c": 1}, "d": []}, "e": {}}
    assert list(wording.flat(config)) == [("a.b.c", "1"), ("a.d", "[]"), ("e", "{}")]


def test_inconsistent_input_is_refused(data: ReportData) -> None:
    with pytest.raises(CardioError, match="2 splits are marked as evaluated"):
        wording.headline(replace(data, splits=(data.splits[-1],) * 2))
    with pytest.raises(CardioError, match="headline figure 'c_index' is not among the figures"):
        wording.headline(replace(data, headline="c_index"))
    with pytest.raises(ConfigError, match="no metric 'aurok'"):
        wording.metric_of("aurok")
