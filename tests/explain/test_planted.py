"""Attribution on what was planted, against networks that were taught nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.core.attribution.groups import Grouped, cell_names
from components.core.errors import InputError
from components.core.metrics.resampling import Plan
from components.explain import segment_shares
from components.explain.against_controls import Compared
from components.explain.planted import HELD, Place, located, place
from components.explain.planted_section import section
from components.ingest.synthetic.loadings import Loadings
from components.ingest.synthetic.sensitivity import signal_share

PLAN = Plan(draws=200)
LEADS8 = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
SHARE = {"I": {"P": 0.0, "QRS": 0.5, "ST": 0.0, "T": 0.15}, "II": {"P": 0.0, "QRS": 0.25, "ST": 0.1,
         "T": 0.0}}  # fmt: skip
WHERE = Place(leads=("I", "II"), cells=("I QRS", "II QRS", "I T"), held=0.9)
PATIENTS = np.array([f"p{i}" for i in range(20)], object)


def truth(names: tuple[str, ...]) -> dict[str, Any]:
    return {"ecg": signal_share(Loadings.of(names))}


def of_cells(values: np.ndarray, leads: tuple[str, ...] = ("I", "II")) -> Grouped:
    return Grouped(kind="lead_segment", names=cell_names(leads), values=values)


def attributions(planted: float, rows: int = 20) -> Grouped:
    """Return records of which a share lies on the planted cells, with changing signs."""
    values = np.where(WHERE.marked, planted / 3, (1 - planted) / 7)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (rows, values.size))
    return of_cells(signs * values * np.linspace(1, 2, rows)[:, None])


def test_cells_are_the_fewest_that_hold_the_share() -> None:
    found = place({"ecg": {"signal_share": SHARE}}, ("I", "II"))
    assert found.cells == ("I QRS", "II QRS", "I T")
    assert found.held == pytest.approx(0.9)
    assert found.marked.nonzero()[0].tolist() == [1, 3, 6]


def test_of_a_part_of_the_leads_the_share_is_of_what_lies_there() -> None:
    found = place({"ecg": {"signal_share": SHARE}}, ("II",))
    assert found.cells == ("II QRS", "II ST")
    assert found.held == pytest.approx(1.0)


def test_one_score_lies_in_t_of_v3_to_v6_and_little_of_the_trace() -> None:
    found = place(truth(("t_v5v6",)), LEADS8)
    assert set(found.cells) == {"V3 T", "V4 T", "V5 T", "V6 T"}
    assert found.held >= HELD


def test_unknown_leads_are_refused() -> None:
    with pytest.raises(InputError, match=r"what lies in lead\(s\) aVR; prepare the cohort with I"):
        place({"ecg": {"signal_share": SHARE}}, ("I", "aVR"))


def test_the_area_is_the_share_of_samples_in_the_cells() -> None:
    # Of ten samples: P 1, QRS 2, ST 1, T 3, rest 3; the second record has no beat.
    segments = np.array([[0, 1, 1, 2, 3, 3, 3, 4, 4, 4], [-1] * 10], np.int8)
    assert WHERE.area(segments) == pytest.approx((2 + 2 + 3) / 20)
    assert np.isnan(WHERE.area(segments[1:]))


def test_share_and_ratio_are_those_that_were_made() -> None:
    controls = [attributions(share) for share in (0.2, 0.3, 0.4)]
    found = located(attributions(0.6), controls, where=WHERE, patients=PATIENTS, plan=PLAN)
    assert found.share.value == pytest.approx(0.6)
    assert [each.share for each in found.controls] == pytest.approx([0.2, 0.3, 0.4])
    assert [each.relative for each in found.controls] == pytest.approx([1.0, 1.0, 1.0])
    assert found.control is not None
    assert found.control.value == pytest.approx(0.3)
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(2.0)
    assert found.ratio.lo <= 2.0 <= found.ratio.hi


def test_signs_within_a_record_do_not_cancel_and_missing_cells_do_not_count() -> None:
    values = np.zeros((2, 10))
    values[0, [1, 9]] = [-3.0, 1.0]
    values[1] = np.nan
    found = located(of_cells(values), [], where=WHERE, patients=PATIENTS[:2], plan=PLAN)
    assert found.share.value == pytest.approx(0.75)
    assert found.ratio is None
    assert found.control is None
    assert found.records == 1


def test_a_control_that_does_not_look_at_the_ecg_is_left_out_and_told() -> None:
    dead = of_cells(np.zeros((20, 10)))
    controls = [attributions(0.2), dead, attributions(0.4)]
    found = located(attributions(0.6), controls, where=WHERE, patients=PATIENTS, plan=PLAN)
    assert found.blind == 1
    assert [each.share for each in found.controls] == pytest.approx([0.2, 0.4])
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(2.0)
    told = section({"ig": found}, titles={"ig": "IG"}, where=WHERE, area=0.1)
    assert "was compared with: 2. Name 3 or more" in told.notices[0].text
    assert "1 network(s) trained on shuffled labels hardly look at the ECG" in told.notices[1].text
    alone = located(attributions(0.6), [dead], where=WHERE, patients=PATIENTS, plan=PLAN)
    assert alone.ratio is None


def scaled(by: float, planted: float) -> Grouped:
    return of_cells(by * attributions(planted).values)


def test_a_network_counts_by_how_much_it_attributes() -> None:
    controls = [attributions(0.2), scaled(0.05, 0.9)]
    found = located(attributions(0.6), controls, where=WHERE, patients=PATIENTS, plan=PLAN)
    assert found.control is not None
    assert found.control.value == pytest.approx((0.2 + 0.05 * 0.9) / 1.05)
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(0.6 / found.control.value)
    assert found.cells()[-1] == "0.20 (100 % as much), 0.90 (5 % as much)"


@pytest.mark.parametrize(("by", "blind"), [(0.009, 1), (0.011, 0)])
def test_a_network_below_a_hundredth_of_the_model_is_blind(by: float, blind: int) -> None:
    controls = [attributions(0.2), scaled(by, 0.9)]
    found = located(attributions(0.6), controls, where=WHERE, patients=PATIENTS, plan=PLAN)
    assert found.blind == blind
    assert len(found.controls) == 2 - blind


def test_beside_a_model_without_attribution_networks_keep_their_share() -> None:
    found = located(
        scaled(0.0, 0.5), [attributions(0.2)], where=WHERE, patients=PATIENTS, plan=PLAN
    )
    assert found.blind == 0
    assert found.cells()[-1] == "0.20 (∞ as much)"


def test_segments_say_how_many_networks_were_left_out() -> None:
    compared = Compared(
        method="ig", title="IG", own=attributions(0.6), networks=[scaled(0.001, 0.9)],
        patients=PATIENTS, truth=np.arange(20) % 2.0,
    )  # fmt: skip
    told = segment_shares.section([compared], ("I", "II"), PLAN)
    assert "1 network(s) trained on shuffled labels hardly look" in told.notices[0].text
    assert "left out of the comparison." in told.notices[0].text
    assert not [name for name in told.figures if name.startswith("segment_ratio")]


def test_patients_and_not_records_are_drawn() -> None:
    rng = np.random.default_rng(4)
    half = np.where(rng.random((20, 1)) < 0.5, 1.0, 0.0)
    values = np.where(WHERE.marked, half, 1 - half)
    one = located(of_cells(values), [], where=WHERE, patients=PATIENTS, plan=PLAN).share
    twice = located(
        of_cells(values.repeat(2, 0)), [], where=WHERE, patients=PATIENTS.repeat(2), plan=PLAN
    ).share
    assert (twice.lo, twice.hi) == pytest.approx((one.lo, one.hi))


def test_the_section_tells_ratio_spread_and_area() -> None:
    controls = [attributions(share) for share in (0.2, 0.3, 0.4)]
    found = located(attributions(0.6), controls, where=WHERE, patients=PATIENTS, plan=PLAN)
    told = section(
        {"ig": found, "ablation": found},
        titles={"ig": "Integrated Gradients", "ablation": "Feature ablation"},
        where=WHERE,
        area=0.12,
    )
    assert told.notices == ()
    assert told.figures["planted_ratio"].value == pytest.approx(2.0)
    assert told.figures["planted_share_control/ablation"].value == pytest.approx(0.3)
    assert len(told.figures) == 9
    assert "I QRS, II QRS, I T: 12 % of the trace" in told.text[0]
    row = told.tables[0].rows[0]
    assert row[0] == "Integrated Gradients"
    assert row[-1] == "0.20 (100 % as much), 0.30 (100 % as much), 0.40 (100 % as much)"


def test_a_large_area_and_few_controls_are_noticed() -> None:
    found = located(attributions(0.6), [], where=WHERE, patients=PATIENTS, plan=PLAN)
    told = section({"ablation": found}, titles={"ablation": "Ablation"}, where=WHERE, area=0.4)
    assert set(told.figures) == {"planted_share/ablation"}
    assert "cover 40% of the trace, 25% or more" in told.notices[0].text
    assert "was compared with: 0. Name 3 or more" in told.notices[1].text
    assert told.tables[0].rows[0][-1] == "—"
