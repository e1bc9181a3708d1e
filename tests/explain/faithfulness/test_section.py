"""One method's checks together, and how they are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.attribution.groups import Grouped
from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.errors import CardioError
from components.core.metrics.resampling import Plan
from components.core.modalities import Modality
from components.explain.faithfulness.deletion import Curves
from components.explain.faithfulness.examine import Checked, drawn, examine, joined, passes
from components.explain.faithfulness.randomisation import Randomised
from components.explain.faithfulness.section import section
from components.explain.method import Attributed
from tests.explain.toy import Blind, Exact, subject

CONFIG = ExplainConfig(checked=30, orders=3, randomised=2, noisy=1)
PLAN = Plan(draws=100)
EVERY = np.arange(40)


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    asked = subject(records=40, without_beat=(0, 1))
    methods = (Exact(), Blind())
    said = [(method, method.explain(asked, EVERY, CONFIG)) for method in methods]
    return {method.NAME: examine(asked, method, each, CONFIG) for method, each in said}


def test_an_exact_explanation_passes_every_check(checked: dict[str, Checked]) -> None:
    found = section([checked["exact"]], PLAN)
    assert found.notices == ()
    assert set(found.figures) == {
        f"{name}/exact"
        for name in (
            "deletion_gain", "insertion_gain", "agreement", "cohort_agreement", "stability",
            "relative_change", "completeness_error", "completeness_above",
        )
    }  # fmt: skip
    assert "15 leads × beat segments" in found.text[-1]


def test_a_blind_explanation_is_warned_of(checked: dict[str, Checked]) -> None:
    found = section(list(checked.values()), PLAN)
    assert [notice.level for notice in found.notices] == ["warning", "warning"]
    assert "Blind agrees with networks that learned nothing" in found.notices[0].text
    assert "Blind does not name what the answer rests on better" in found.notices[1].text
    assert "completeness_error/blind" not in found.figures
    blind = found.tables[0].header.index("Blind")
    rows = {row[0]: row[blind] for row in found.tables[0].rows}
    assert rows["completeness error"] == "—"
    assert rows["deletion, gain over random"] != "—"


def test_curves_are_drawn_for_every_method(checked: dict[str, Checked]) -> None:
    found = section(list(checked.values()), PLAN)
    assert [plot.name for plot in found.plots] == ["faithfulness_exact", "faithfulness_blind"]
    assert all("random order" in plot.alt and "<svg" in plot.svg for plot in found.plots)


def test_records_without_a_beat_are_told(checked: dict[str, Checked]) -> None:
    curves = checked["exact"].curves
    assert curves is not None
    left = sum(i in (0, 1) for i in drawn(40, CONFIG))
    assert curves.left_out == left > 0
    found = section([checked["exact"]], PLAN)
    assert f"{30 - left} records, {left} without a beat left out" in found.text[-1]


def curves_of(kind: str, names: tuple[str, ...], left_out: int = 0) -> Curves:
    share = np.array([0.0, 0.5, 1.0])
    fall = np.tile([2.0, 1.0, 0.0], (6, 1))
    patients = np.array([f"p{i}" for i in range(6)], object)
    return Curves(
        kind=kind, names=names, share=share, deletion=fall, insertion=fall[:, ::-1], random=fall,
        patients=patients, left_out=left_out,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "names", "told"),
    [
        ("modality", ("emb_clinical", "emb_spatial"),
         "2 modalities, 6 records, 1 with fewer than two groups left out."),
        ("variable", ("age", "sex"),
         "2 variables of the table, 6 records, 1 with fewer than two groups left out."),
        ("segment", ("P", "QRS"), "2 beat segments, 6 records, 1 without a beat left out."),
        ("part", ("block_clinical clinical entry 1", "block_spatial spatial entry 1",
                  "modality emb_temporal", "variable age"),
         "4 blocks of entries of the embeddings, whole inputs and variables of the table, "
         "6 records, 1 with fewer than two groups left out."),
    ],
)  # fmt: skip
def test_what_was_removed_and_who_was_left_out_is_told(
    kind: str, names: tuple[str, ...], told: str
) -> None:
    found = Checked(method="m", title="M", kind=kind, curves=curves_of(kind, names, left_out=1))
    assert section([found], PLAN).text[-1] == f"M: {told}"


def test_the_noise_names_what_it_was_on(checked: dict[str, Checked]) -> None:
    def told(inputs: tuple[Modality, ...]) -> str:
        own = checked["exact"].stability
        assert own is not None
        found = replace(checked["exact"], stability=replace(own, inputs=inputs))
        return " ".join(section([found, found], PLAN).text)

    assert "recorded of the ECG, in shares" in told(("ecg",))
    several = told(("pcg", "emb_clinical", "emb_spatial"))
    assert "recorded of the heart sound and the embeddings, in shares" in several
    assert "recorded of the spatial embedding, in shares" in told(("emb_spatial",))
    without = section([replace(checked["exact"], stability=None)], PLAN)
    assert not any("white noise" in text for text in without.text)
    assert any("Completeness:" in text for text in without.text)


def test_a_method_of_one_group_is_told_without_figures() -> None:
    asked = subject()
    one = Grouped(kind="modality", names=("ecg",), values=np.ones((12, 1)))
    found = examine(asked, Exact(), Attributed(grouped={"modality": one}), CONFIG)
    told = section([found], PLAN)
    assert told.figures == {}
    assert told.plots == ()
    assert told.text[-1] == "Exact: no two groups to be removed, so no curves."


def told_of(values: np.ndarray) -> list[tuple[str, str]]:
    """Return the notices of an explanation whose groups are these, `[n, G]`."""
    patients = np.array([f"p{i}" for i in range(len(values))], object)
    names = tuple(f"g{k}" for k in range(values.shape[1]))
    against = Randomised(names=names, own=values, drawn=values[None], patients=patients)
    found = section([Checked(method="m", title="M", kind="lead", randomised=against)], PLAN)
    return [(notice.level, notice.text) for notice in found.notices]


@pytest.mark.parametrize(
    "values", [np.tile([1.0, 2.0, 3.0, 4.0], (6, 1)), np.full((6, 8), np.nan), np.ones((6, 8))]
)
def test_an_agreement_that_cannot_be_judged_is_no_warning(values: np.ndarray) -> None:
    ((level, text),) = told_of(values)
    assert level == "note"
    assert "cannot be judged: fewer than 5 groups" in text


def test_a_gain_that_cannot_be_judged_is_no_warning() -> None:
    flat = np.zeros((6, 3))
    curves = replace(curves_of("lead", ("I", "II")), deletion=flat, insertion=flat, random=flat)
    told = section([Checked(method="m", title="M", kind="lead", curves=curves)], PLAN)
    (notice,) = told.notices
    assert notice.level == "note"
    assert "better than a random order cannot be judged" in notice.text


def test_folds_are_joined(checked: dict[str, Checked]) -> None:
    both = joined([checked["exact"], checked["exact"]])
    assert both.curves is not None
    assert both.randomised is not None
    assert len(both.randomised.patients) == 60
    empty = Checked(method="exact", title="Exact")
    assert joined([empty, empty]).curves is None


def test_different_methods_are_not_joined(checked: dict[str, Checked]) -> None:
    with pytest.raises(CardioError, match="checks of 2 methods cannot be joined; join one at"):
        joined(list(checked.values()))


def test_a_fold_without_two_groups_leaves_the_others_theirs(checked: dict[str, Checked]) -> None:
    one = Checked(method="exact", title="Exact")
    both = joined([one, checked["exact"]])
    assert both.kind == "lead_segment"
    assert both.curves is not None
    assert "15 leads × beat segments" in section([both], PLAN).text[-1]


def test_different_kinds_of_groups_are_not_joined(checked: dict[str, Checked]) -> None:
    other = replace(checked["exact"], kind="lead")
    with pytest.raises(CardioError, match="'exact' by lead and by lead_segment cannot be joined"):
        joined([checked["exact"], other])


def test_records_are_drawn_once_each_by_the_seed() -> None:
    found = drawn(40, CONFIG)
    assert len(set(found.tolist())) == 30
    assert found.tolist() == sorted(found)
    assert drawn(40, CONFIG).tolist() == found.tolist()
    other = drawn(40, CONFIG.model_copy(update={"seed": 1}))
    assert other.tolist() != found.tolist()
    assert drawn(10, CONFIG).tolist() == list(range(10))


def test_the_cost_counts_walks_and_runs() -> None:
    asked = subject(records=40)
    # Two networks walk (3 + 2) · 9 + 2 steps and one noisy copy; the drawn networks are one each.
    two = replace(asked, target=Target(list(asked.target.models) * 2, asked.target.view))
    assert passes(two, 7.0, CONFIG) == 30 * (2 * (47 + 7) + 2 * 7)
    assert passes(replace(two, inputs=("tabular",)), 7.0, CONFIG) == 30 * (2 * 47 + 2 * 7)
