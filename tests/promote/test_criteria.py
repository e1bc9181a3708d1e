"""Each criterion by itself, on planted figures at and beyond its bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from components.core import discovery
from components.core.comparison.judged import Judged
from components.core.errors import CardioError
from components.core.logged_model import Logged
from components.core.metrics.interval import Interval
from components.core.metrics.tables import patient_tables
from components.core.store import Stage
from components.promote.criterion import Candidate, Case, Champion, Criterion, all_criteria
from components.promote.gate import load_gate
from components.promote.page import render_page
from components.promote.run import judge
from tests.compare.conftest import predictions

CARD = """# Model card: A toy

**Not for clinical use. Research only.**

Data fingerprint `0123456789abcdef0123`, code commit `0123456789abcdef`

## Intended use

Research. Time of prediction: day 0.

## Audit and waivers

Passed.

## Known failures

None.

## Open items

- 17
"""
ITEMS = "".join(
    f"\n### {item} What it asks\n\nAn answer.\n" for item in ("5a", "8a", "12a", "21", "23a", "24")
)


def interval(value: float, lo: float | None = None) -> Interval:
    return Interval(value, value if lo is None else lo, value, 100, 0, "planted")


def model(folder: Path, skill: float = 0.8, *, split: str = "e" * 64, **figures: Any) -> Judged:
    """Return a judged model with planted figures; `skill` is that of its predictions."""
    tags = {"audit": "passed", "promotable": "yes"}
    stage = Stage(
        folder=folder, component="evaluate", fingerprint="f" * 32, config={}, inputs={},
        facts={"tags": tags},
    )  # fmt: skip
    found = {
        "auroc": interval(0.9, 0.85), "baseline/cox/auroc": interval(0.8),
        "baseline/logistic_regression/auroc": interval(0.84),
        "calibration_slope": interval(1.0), "ece": interval(0.02),
    } | {k: v if isinstance(v, Interval) else interval(v) for k, v in figures.items()}  # fmt: skip
    return Judged(
        letter="A", reference="run", stage=stage, task="toy", model="net", test_split=split,
        tables=patient_tables(predictions(skill), folded=False), published={}, figures=found,
        sizes={},
    )  # fmt: skip


def case(own: Judged, rival: Judged | None = None, settings: str = "") -> Case:
    logged = Logged(bundle=own.stage.folder, signature=True, example=True)
    return Case(
        candidate=Candidate(version="3", judged=own, logged=logged, looks=2),
        champion=None if rival is None else Champion(version="2", judged=rival),
        gate=load_gate("", settings),
    )


def outcome(name: str, given: Case) -> Criterion:
    file = all_criteria()[name]
    assert file.applies(given)
    return file.judge(given)


@pytest.mark.parametrize(
    ("audit", "promotable", "passed", "sentence"),
    [
        ("passed", "yes", True, "the audit passed with no waiver"),
        ("waived: imputed", "no, a waived run cannot be promoted", False, "waived: imputed; promo"),
        ("passed", "no, the labels were shuffled", False, "promotable: no, the labels were shuff"),
        ("passed", "no, an external validation makes no model", False, "an external validation"),
    ],
)
def test_audit(tmp_path: Path, audit: str, promotable: str, passed: bool, sentence: str) -> None:
    own = model(tmp_path)
    own.stage.facts["tags"] |= {"audit": audit, "promotable": promotable}
    found = outcome("audit", case(own))
    assert found.passed is passed
    assert sentence in found.sentence


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("**Not for clinical use.", "**For everyone.", "not for clinical use"),
        ("Time of prediction: day 0.", "", "time of prediction"),
        ("`0123456789abcdef0123`", "``", "data fingerprint"),
        ("`0123456789abcdef`", "`unknown`", "code commit"),
        ("## Known failures\n\nNone.", "## Known failures\n", "the section 'Known failures'"),
        ("## Audit and waivers", "## Audits", "the section 'Audit and waivers'"),
        ("### 23a What it asks\n\nAn answer.", "### 23a What it asks\n", "an answer to item 23a"),
    ],
)
def test_model_card(tmp_path: Path, old: str, new: str, lacks: str) -> None:
    given = case(model(tmp_path))
    assert "there is no model card" in outcome("model_card", given).sentence
    (tmp_path / "model_card.md").write_text(CARD + ITEMS)
    assert outcome("model_card", given).passed
    assert old in CARD + ITEMS
    (tmp_path / "model_card.md").write_text((CARD + ITEMS).replace(old, new))
    found = outcome("model_card", given)
    assert not found.passed
    assert found.sentence == f"the model card lacks {lacks}"


@pytest.mark.parametrize(
    ("slope", "ece", "passed"),
    [
        (0.8, 0.05, True), (1.25, 0.0, True), (0.79, 0.02, False), (1.26, 0.02, False),
        (1.0, 0.051, False), (float("nan"), 0.02, False), (1.0, float("nan"), False),
    ],
)  # fmt: skip
def test_calibration(tmp_path: Path, slope: float, ece: float, passed: bool) -> None:
    own = model(tmp_path, calibration_slope=slope, ece=ece)
    found = outcome("calibration", case(own))
    assert found.passed is passed
    assert found.numbers["ece_by_chance"] == 0
    assert found.sentence.endswith("(at most 0.05)")


def test_few_patients_may_on_request_have_the_ece_of_chance(tmp_path: Path) -> None:
    asked = "calibration.chance=0.95"
    found = outcome("calibration", case(model(tmp_path, ece=0.02), settings=asked))
    chance = found.numbers["ece_by_chance"]
    assert chance > 0.05
    assert f"(at most 0.05 or {chance:.3f}, its size by chance on these patients)" in found.sentence
    for ece, passed in ((chance - 1e-6, True), (chance + 1e-6, False), (float("nan"), False)):
        own = case(model(tmp_path, ece=ece), settings=asked)
        assert outcome("calibration", own).passed is passed


@pytest.mark.parametrize(
    ("lo", "baseline", "settings", "passed"),
    [
        (0.77, 0.86, "", True),  # above 0.86 − 0.10
        (0.76, 0.86, "", False),
        (0.85, 0.86, "first_champion.margin=0", False),
        (0.50, 0.40, "", False),  # above the simple model, not above chance
        (0.51, 0.40, "", True),
    ],
)
def test_first_champion(
    tmp_path: Path, lo: float, baseline: float, settings: str, passed: bool
) -> None:
    own = model(tmp_path, auroc=interval(0.9, lo))
    for name in ("cox", "logistic_regression"):
        own.figures[f"baseline/{name}/auroc"] = interval(baseline)
    found = outcome("first_champion", case(own, settings=settings))
    assert found.passed is passed
    assert not all_criteria()["first_champion"].applies(case(own, own))


def test_a_first_champion_needs_a_simple_model_beside_it(tmp_path: Path) -> None:
    own = model(tmp_path)
    own.figures["baseline/cox/auroc"] = interval(float("nan"))
    assert outcome("first_champion", case(own)).numbers["baseline"] == 0.84
    del own.figures["baseline/logistic_regression/auroc"]
    found = outcome("first_champion", case(own))
    assert not found.passed
    assert "no simple model was evaluated beside it" in found.sentence


def groups(**auroc: float) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for name, value in auroc.items():
        found[f"subgroup/sex/{name}/auroc"] = interval(value)
        found[f"subgroup/sex/{name}/events"] = interval(20 if name != "few" else 19)
    return found


@pytest.mark.parametrize(
    ("own", "rival", "passed", "sentence"),
    [
        ({"F": 0.60, "M": 0.9}, None, True, "2 group(s), lowest AUROC 0.600"),
        ({"F": 0.59, "M": 0.9}, None, False, "AUROC 0.590 in sex/F (at least 0.6)"),
        ({"F": float("nan")}, None, False, "AUROC undefined in sex/F"),
        ({"few": 0.1}, None, True, "no group has enough events to be judged"),
        ({"F": 0.80}, {"F": 0.84}, True, "largest fall 0.040"),
        ({"F": 0.80}, {"F": 0.86}, False, "sex/F falls by 0.060 (at most 0.05)"),
        ({"F": 0.80}, {"F": 0.70}, True, "largest fall −0.100"),
        ({"F": 0.80}, {"F": 0.8, "M": 0.8}, False, "the champion was judged in sex/M, the cand"),
    ],
)
def test_subgroups(
    tmp_path: Path, own: dict[str, float], rival: dict[str, float] | None, passed: bool,
    sentence: str,
) -> None:  # fmt: skip
    champion = None if rival is None else model(tmp_path, **groups(**rival))
    found = outcome("subgroups", case(model(tmp_path, **groups(**own)), champion))
    assert found.passed is passed
    assert sentence in found.sentence


def test_subgroups_that_were_left_out(tmp_path: Path) -> None:
    own = model(tmp_path)
    own.stage.config["evaluate"] = {"skip": ["subgroups"]}
    found = outcome("subgroups", case(own))
    assert not found.passed
    assert "the evaluation left subgroups out (evaluate.skip); evaluate with" in found.sentence
    elsewhere = model(tmp_path, split="a" * 64, **groups(F=0.99))
    fell = outcome("subgroups", case(model(tmp_path, **groups(F=0.7)), elsewhere))
    assert fell.passed  # on other patients nothing is a fall; the split's own criterion refuses


def test_discrimination(tmp_path: Path) -> None:
    weak, strong = model(tmp_path, 0.3), model(tmp_path, 0.8)
    assert outcome("discrimination", case(strong, weak)).passed
    found = outcome("discrimination", case(weak, strong))
    assert not found.passed
    assert found.numbers["difference"] < 0
    same = outcome("discrimination", case(strong, strong))
    assert not same.passed  # not above 0
    assert same.numbers["lower"] == 0
    rule = "discrimination.rule=non_inferiority"
    assert outcome("discrimination", case(strong, strong, rule)).passed
    wide = f"{rule} discrimination.margin=0.5"
    assert outcome("discrimination", case(weak, strong, wide)).passed
    assert not outcome("discrimination", case(weak, strong, rule)).passed


def test_discrimination_needs_the_same_patients(tmp_path: Path) -> None:
    found = outcome("discrimination", case(model(tmp_path), model(tmp_path, split="a" * 64)))
    assert found.sentence.startswith("not comparable: the champion and the candidate were tested")
    same = outcome("test_split", case(model(tmp_path), model(tmp_path)))
    assert (same.passed, same.sentence) == (True, "the same test split eeeeeeeeeeee")


def test_what_has_no_champion_is_compared_with_none(tmp_path: Path) -> None:
    alone = case(model(tmp_path))
    for name in ("test_split", "discrimination"):
        assert not all_criteria()[name].applies(alone)
        assert all_criteria()[name].judge(alone).passed


def test_looks_never_block(tmp_path: Path) -> None:
    found = outcome("test_looks", case(model(tmp_path)))
    assert (found.blocking, found.outcome, found.numbers) == (False, "info", {"openings": 2.0})


def test_an_evaluation_that_kept_no_answers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file: Any = all_criteria()["reproduction"]
    monkeypatch.setattr(file, "_behind", lambda stage: (stage, stage))
    found = outcome("reproduction", case(model(tmp_path)))
    assert not found.passed
    assert "the evaluation kept no answers to compare with; evaluate it again" in found.sentence


def test_two_criteria_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(NAME="twice", ORDER=1)
    monkeypatch.setattr(discovery.importlib, "import_module", lambda name: module)
    with pytest.raises(CardioError, match="two criteria are named 'twice'; rename one of them"):
        all_criteria.__wrapped__()


def test_the_page_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = model(tmp_path, ece=0.3, **{"calibration_slope": np.nan, **groups(F=0.9)})
    for name in ("reproduction", "model_card"):
        monkeypatch.setattr(all_criteria()[name], "applies", lambda given: False)
    given = case(own)
    verdict = judge(given.candidate, None, given.gate, model="toy_head")
    page = render_page(verdict, title="A <toy>", dry=True)
    assert "Would be refused: version 3, judged as the first champion." in page
    assert "A &lt;toy&gt;" in page
    assert "<b>calibration</b>: slope undefined (0.8 to 1.25), ECE 0.300 (at most 0.05)" in page
    assert "A dry run: the registry was left as it was." in page
    assert verdict.plain()["criteria"][3]["numbers"] == {
        "slope": None, "ece": 0.3, "ece_by_chance": 0.0,
    }  # fmt: skip


def test_a_gain_within_chance_is_refused_although_it_is_a_gain(tmp_path: Path) -> None:
    other = patient_tables(predictions(0.5, noise=2), folded=False)
    own = replace(model(tmp_path), tables=other)
    found = outcome("discrimination", case(own, model(tmp_path, 0.45)))
    assert found.numbers["difference"] > 0 > found.numbers["lower"]
    assert not found.passed
