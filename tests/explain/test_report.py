"""The page of a real explanation: checks, cohort, single records; nothing that names anybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.core.attribution.groups import SEGMENTS
from components.core.config.explain import ExplainConfig
from components.core.config.heads import SurvivalHead
from components.core.heads.registry import View
from components.explain import outputs
from components.explain.explained import Explained, Fold, records_of
from components.explain.method import Attributed
from components.explain.sections import asked, notices
from components.explain.singles import single_records
from components.explain.subject import Subject
from tests.explain import toy
from tests.explain.conftest import GRADIENT, Place
from tests.explain.test_explain import newest, stage_of, started
from tests.tracking_names import uncovered

Get = Callable[[str], Place]
SMALL = "steps=6 draws=100 checked=4 orders=2 noisy=1 randomised=1 overlays=2 permutations=1"


@pytest.mark.usefixtures("halved")
def test_a_real_explanation_has_checks_cohort_and_single_records(place: Get) -> None:
    at = place("ecg")
    done = started("--run", at.run_id, "--methods", "ig,ablation", "--set", SMALL)
    assert done.exit_code == 0, done.output
    folder = stage_of(at).folder
    page = (folder / "report.html").read_text()
    order = ("asked", "faithfulness", "cohort-ig", "cohort-ablation", "records")
    places = [page.index(f'id="{name}"') for name in order]
    assert places == sorted(places)
    assert "private" not in page
    assert "secret" not in page
    drawn = {file.name for file in (folder / "plots").iterdir()}
    assert {"ig-lead-segment.svg", "ablation-variables.svg", "faithfulness_ig.svg"} <= drawn
    assert len([name for name in drawn if name.startswith("ecg-row-")]) == 2
    metrics = newest().data.metrics
    assert {"explain/agreement/ig", "explain/agreement/ig_lo", "explain/deletion_gain/ablation",
            "explain/completeness_error/ig"} <= set(metrics)  # fmt: skip
    assert metrics["explain/deletion_gain/ig_lo"] <= metrics["explain/deletion_gain/ig"]


@pytest.mark.usefixtures("halved")
def test_controls_say_what_a_network_does_by_itself(place: Get) -> None:
    at, control = place("ecg"), place("ecg_shuffled")
    done = started("--run", at.run_id, "--methods", "ig,ablation", "--control", control.run_id,
                   "--set", SMALL)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert stage_of(at).inputs["control.0"] == control.train.fingerprint
    page = (stage_of(at).folder / "report.html").read_text()
    assert "Does the model look elsewhere than networks that were taught nothing?" in page
    assert "find what was planted" not in page
    metrics = newest().data.metrics
    for method in ("ig", "ablation"):
        shares = [metrics[f"explain/segment_share/{name}/{method}"] for name in SEGMENTS]
        assert sum(shares) == pytest.approx(1.0)
        assert metrics[f"explain/segment_ratio/QRS/{method}"] > 0
    assert uncovered(metrics) == []


@pytest.mark.usefixtures("halved")
@pytest.mark.parametrize(("known", "compared"), [(8, True), (6, False)])
def test_leads_that_the_planted_truth_lacks_are_a_notice(
    place: Get, monkeypatch: pytest.MonkeyPatch, known: int, compared: bool
) -> None:
    at = place("ecg")
    leads = at.cohort.facts["ecg"]["leads"][:known]
    share = {lead: {"P": 0.0, "QRS": 0.1, "ST": 0.0, "T": 0.0} for lead in leads}
    truth = {"ecg": {"signal_share": share}}
    monkeypatch.setattr("components.explain.checks.truth_summary", lambda _: truth)
    done = started("--run", at.run_id, "--methods", "ablation", "--set", SMALL)
    assert done.exit_code == 0, done.output
    metrics = newest().data.metrics
    assert ("explain/planted_share/ablation" in metrics) == compared
    assert ("What was planted is not known of the lead(s) V5, V6" in done.stderr) == (not compared)


@pytest.mark.usefixtures("halved")
def test_sixteen_bits_explain_likewise(place: Get) -> None:
    at = place("ecg")
    found: list[np.ndarray] = []
    for arithmetic in ("fp32", "bf16"):
        own = f"{SMALL} arithmetic={arithmetic}"
        done = started("--run", at.run_id, "--methods", "ig", "--set", own)
        assert done.exit_code == 0, done.output
        folder = stage_of(at).folder
        sample = str(at.manifest.loc[at.manifest["part.holdout"] == "val", "sample_id"].iloc[1])
        found.append(outputs.dense(folder, "ig", sample))
    assert not np.array_equal(*found)
    assert np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1] > 0.99


def test_standardised_recordings_are_not_drawn_on_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = toy.subject()
    in_mv, standardised = (_said_nothing(replace(subject, unit=unit)) for unit in ("mV", "z"))
    manifest = subject.rows.frame.assign(row=range(len(subject)))
    flat = np.zeros((len(toy.LEADS), toy.LENGTH), np.float32)
    monkeypatch.setattr(outputs, "dense", lambda *_: flat)
    assert len(single_records(tmp_path, in_mv, manifest)) == in_mv.config.overlays
    assert single_records(tmp_path, standardised, manifest) == ()
    told = " ".join(each.text for each in notices(standardised, openings=None, shuffled=False))
    assert "their millivolts are not known" in told
    cumulative = View(name="toy", head=SurvivalHead())
    told = " ".join(asked(replace(in_mv, head=cumulative), []).text)
    assert "cumulative incidence of the event by day 365" in told
    assert "no event" not in told
    assert "0 of the standardised signal" in " ".join(asked(standardised, []).text)
    told = " ".join(each.text for each in notices(in_mv, openings=None, shuffled=False))
    assert "millivolts" not in told
    assert "a trace at 0 mV" in " ".join(asked(in_mv, []).text)


def _said_nothing(subject: Subject) -> Explained:
    said = {GRADIENT.NAME: Attributed(grouped={})}
    fold = Fold(subject=subject, said=said, records=records_of(subject, subject.target.view))
    config = ExplainConfig()
    return Explained(folds=[fold], methods=[GRADIENT], config=config, head=subject.target.view)
