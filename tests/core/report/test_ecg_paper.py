"""ECG paper: true to scale, coloured by sign, honest about what is missing or derived."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import InputError
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import read_signal
from components.core.readers.safe_xml import parse
from components.core.report.ecg_layout import Stretch, arranged, standard
from components.core.report.ecg_paper import Paper, Tracing, draw
from components.core.report.ecg_trace import UNITS, limit_of, smoothed, thinned
from components.core.signals.leads import LEADS8, LEADS12

ROOT = Path(__file__).resolve().parents[3]
FS = 500.0
NAME = "{http://www.w3.org/2000/svg}"


def tracing(**changes: Any) -> Tracing:
    rng = np.random.default_rng(0)
    given_: dict[str, Any] = {
        "signals": rng.normal(0, 0.3, (8, 5000)), "leads": LEADS8, "fs": FS,
    }  # fmt: skip
    return Tracing(**(given_ | changes))


def points(d: str) -> np.ndarray[Any, Any]:
    """The vertices of a path of one polyline."""
    start, steps = d[1:].split("l")
    numbers = [int(n) for n in re.findall(r"-?\d+", steps)]
    first = np.array([int(n) for n in start.split()])
    return first + np.r_[[[0, 0]], np.cumsum(np.array(numbers).reshape(-1, 2), axis=0)]


def drawn(svg: str, kind: str = "ecg") -> list[str]:
    tree = parse(svg.encode())
    cells = tree.iter(f"{NAME}path")
    return [str(p.get("d")) for p in cells if p.get("class") == kind and "h" not in str(p.get("d"))]


def texts(svg: str) -> list[str]:
    return ["".join(t.itertext()) for t in parse(svg.encode()).iter(f"{NAME}text")]


def test_a_millivolt_is_ten_millimetres_and_a_second_is_twenty_five() -> None:
    step = np.zeros((1, 2001))
    step[0, 1500:] = 1.0
    (only,) = drawn(draw(tracing(signals=step, leads=("II",)), title="row-1"))
    found = points(only)
    assert found[:, 1].max() - found[:, 1].min() == 10 * UNITS
    # 2,000 steps of 2 ms are 4 s.
    assert found[:, 0].max() == 4 * 25 * UNITS
    up = found[np.flatnonzero(found[:, 1] < 0)[0], 0]
    assert abs(up / (25 * UNITS) - 3.0) < 0.005


def test_the_sheet_is_in_millimetres() -> None:
    tree = parse(draw(tracing(), title="row-1").encode())
    wide, high = (float(str(tree.get(side)).removesuffix("mm")) for side in ("width", "height"))
    assert [float(n) for n in str(tree.get("viewBox")).split()] == [0, 0, wide * 20, high * 20]
    # Ten seconds, the pulse before them, margins: not wider than A4 across.
    assert 250 < wide < 297


def test_the_pulse_is_one_millivolt_for_200_ms() -> None:
    pulse = re.findall(
        r'class="cal" d="M\d+ \d+h40v-(\d+)h(\d+)v(\d+)h40"', draw(tracing(), title="x")
    )
    assert pulse == [("200", "100", "200")] * 4


def test_fine_and_bold_lines_lie_1_and_5_mm_apart() -> None:
    svg = draw(tracing(), title="x")
    steps = {p.get("id"): p.get("width") for p in parse(svg.encode()).iter(f"{NAME}pattern")}
    assert steps == {"f": str(UNITS), "b": str(5 * UNITS)}


def test_eight_leads_become_twelve_and_a_rhythm_strip() -> None:
    svg = draw(tracing(), title="row-1")
    names = [t for t in texts(svg) if t in LEADS12]
    assert sorted(names) == sorted([*LEADS12, "II"])
    assert "III, aVR, aVL, aVF derived from two limb leads." in texts(svg)


def test_limb_leads_follow_einthoven_and_goldberger() -> None:
    signals = np.zeros((8, 5000))
    signals[0, 100:200], signals[1, 100:200] = 0.4, 1.0
    whole = tracing(signals=np.tile(signals[:, :1000], 5))
    paths = drawn(draw(whole, title="x"))
    # Rows I aVR V1 V4 | II aVL V2 V5 | III aVF V3 V6 | II, the leads' heights in mV.
    first = [-points(p)[:, 1] / (10 * UNITS) for p in paths]
    assert first[8].max() == pytest.approx(0.6)
    assert first[1].min() == pytest.approx(-0.7)
    assert first[5].min() == pytest.approx(-0.1)
    assert first[9].max() == pytest.approx(0.8)


def test_leads_that_give_no_twelve_are_stacked() -> None:
    assert not standard(("I", "V1"))
    svg = draw(tracing(signals=np.zeros((2, 5000)), leads=("I", "V1")), title="x")
    assert [t for t in texts(svg) if t in LEADS12] == ["I", "V1"]


def test_two_rows_of_four_columns() -> None:
    svg = draw(tracing(), title="x", paper=Paper(arrangement="columns"))
    assert [t for t in texts(svg) if t in LEADS12] == [
        "I",
        "V1",
        "V3",
        "V5",
        "II",
        "V2",
        "V4",
        "V6",
    ]


def test_columns_follow_in_time_only_where_the_recording_lasts() -> None:
    ten = arranged(LEADS8, Stretch(start_s=0, seconds=10), arrangement="standard", seconds=10)
    assert [cell.start_s for cell in ten[0]] == [0, 2.5, 5, 7.5]
    five = arranged(LEADS8, Stretch(start_s=1, seconds=5), arrangement="standard", seconds=10)
    assert [cell.start_s for cell in five[0]] == [1, 1, 1, 1]
    short = draw(tracing(signals=np.zeros((8, 2500))), title="x")
    assert any("all columns show the same 2.5 s" in t for t in texts(short))


def test_a_long_recording_says_what_is_left_out() -> None:
    svg = draw(tracing(signals=np.zeros((8, 15000))), title="x")
    assert any("first 10 s of 30 s" in t for t in texts(svg))


def test_a_missing_lead_is_named_and_what_hangs_on_it() -> None:
    signals = tracing().signals.copy()
    signals[0], signals[4] = np.nan, np.nan
    svg = draw(tracing(signals=signals), title="x")
    # I, the four leads derived from it, V3.
    assert texts(svg).count("not recorded") == 6
    assert not any("derived" in t for t in texts(svg))


def test_nothing_recorded_is_an_empty_sheet() -> None:
    nothing = draw(tracing(signals=np.full((8, 5000), np.nan)), title="x")
    assert texts(nothing).count("not recorded") == 13
    assert drawn(nothing) == []


def test_padding_is_not_drawn() -> None:
    signals = tracing().signals.copy()
    signals[:, :1500], signals[:, 4000:] = np.nan, np.nan
    paths = drawn(draw(tracing(signals=signals), title="x", paper=Paper(arrangement="stacked")))
    assert all(points(p)[:, 0].max() <= 5 * 25 * UNITS for p in paths)


def test_a_lead_that_ends_before_its_cell_is_not_recorded_there() -> None:
    signals = tracing().signals.copy()
    signals[7, 2000:] = np.nan
    svg = draw(tracing(signals=signals), title="x")
    # V6 stands at 7.5 s in the standard arrangement and ends at 4 s.
    assert texts(svg).count("not recorded") == 1


def test_a_gap_breaks_the_line() -> None:
    signals = np.zeros((1, 1000))
    signals[0, 400:600] = np.nan
    (only,) = drawn(draw(tracing(signals=signals, leads=("II",)), title="x"))
    assert only.count("M") == 2


def classes(svg: str) -> set[str]:
    return set(re.findall(r'<path class="([at]\d)" d="M-?\d+ -?\d+l', svg))


@pytest.mark.parametrize(("sign", "kind"), [(1, "t5"), (-1, "a5")])
def test_colour_tells_the_sign(sign: int, kind: str) -> None:
    own = np.full((8, 5000), 0.01 * sign)
    svg = draw(tracing(attribution=own), title="x", paper=Paper(limit=0.1))
    # Windows at the edges hold fewer samples, so paler shades of the same sign occur.
    assert kind in classes(svg)
    assert {c[0] for c in classes(svg)} == {kind[0]}


def test_colour_is_where_the_attribution_is() -> None:
    own = np.zeros((8, 5000))
    own[1, 2500:2600] = 1.0
    svg = draw(tracing(attribution=own), title="x", paper=Paper(arrangement="stacked", limit=20))
    (path,) = drawn(svg, "t5")
    x = points(path)[:, 0] / (25 * UNITS)
    # Full colour: nine tenths of the window lie within the stretch.
    assert x.min() == pytest.approx(5.016, abs=0.02)
    assert x.max() == pytest.approx(5.184, abs=0.02)


def test_derived_leads_stay_black() -> None:
    svg = draw(tracing(attribution=np.full((8, 5000), 0.01)), title="x", paper=Paper(limit=0.1))
    # Eight leads and the strip; the edges of a recording are paler.
    assert len(drawn(svg, "t5")) == 9
    assert any("in black: they have no attribution of their own" in t for t in texts(svg))


def test_the_legend_names_unit_limit_event_and_share() -> None:
    own = np.zeros((8, 5000))
    own[0, 0:100] = own[0, 3000:3100] = 0.01
    svg = draw(tracing(attribution=own), title="x", paper=Paper(limit=0.123, event="CTRCD"))
    said = " ".join(texts(svg))
    assert "against CTRCD  −0.12" in said
    assert "+0.12  towards CTRCD · log-odds per 40 ms (one small square) about each point" in said
    assert "On this sheet lies 50% of the trace's absolute attribution." in said


def test_zero_attribution_is_said() -> None:
    svg = draw(tracing(attribution=np.zeros((8, 5000))), title="x")
    assert classes(svg) == set()
    assert "The attribution is 0 everywhere." in texts(svg)


def test_segments_are_tinted_on_request_and_a_record_without_beats_says_so() -> None:
    segments = np.full(5000, 4, np.int8)
    segments[100:200] = 1
    plain, tinted = (
        draw(tracing(segments=segments), title="x", paper=Paper(shade=wish))
        for wish in (False, True)
    )
    assert "QRS" in texts(tinted)
    assert "QRS" not in texts(plain)
    # 100 samples of 2 ms are 5 mm.
    assert f"h{5 * UNITS}v" in tinted
    none = draw(tracing(segments=np.full(5000, -1)), title="x", paper=Paper(shade=True))
    assert "No beat was found: explained without segments." in texts(none)
    assert "QRS" not in texts(none)


def test_text_is_escaped_and_bytes_are_the_same() -> None:
    nasty = '<script>alert("1")</script>&\x00'
    own = tracing(attribution=np.ones((8, 5000)))
    made = [draw(own, title=nasty, facts=(nasty,), paper=Paper(event=nasty)) for _ in range(2)]
    assert made[0] == made[1]
    assert "<script" not in made[0]
    # Read back it is what was given, but for the control character, which XML forbids.
    assert texts(made[0]).count(nasty.replace("\x00", "\ufffd")) == 2


def test_a_sheet_is_small() -> None:
    rng = np.random.default_rng(1)
    noisy = tracing(signals=rng.normal(0, 0.2, (8, 10000)), fs=1000.0,
                    attribution=rng.normal(0, 0.01, (8, 10000)))  # fmt: skip
    for arrangement in ("standard", "stacked"):
        svg = draw(noisy, title="x", paper=Paper(arrangement=arrangement))
        assert len(svg.encode()) < 300_000


def test_absurd_voltages_stay_whole_numbers() -> None:
    assert "nan" not in draw(tracing(signals=np.full((8, 5000), 1e30)), title="x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals": np.zeros((7, 5000))}, r"shape \(7, 5000\) for 8 leads; give \[leads"),
        ({"signals": np.zeros((8, 0))}, r"shape \(8, 0\)"),
        ({"fs": 0.0}, r"sampling rate is 0\.0 Hz; give one above 0"),
        ({"fs": float("nan")}, "sampling rate is nan Hz"),
        ({"attribution": np.zeros((8, 10))}, r"attribution has shape \(8, 10\)"),
        ({"segments": np.zeros(10, np.int8)}, r"segments have shape \(10,\) for 5000 samples"),
        ({"signals": np.full((8, 5000), np.inf)}, "hold infinite values"),
        ({"attribution": np.full((8, 5000), -np.inf)}, "hold infinite values"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw(tracing(**changes), title="x")


def test_a_window_of_40_ms_keeps_the_sum() -> None:
    own = np.zeros((1, 5000))
    own[0, 2000] = 1.0
    found = smoothed(own, FS)
    # Twenty samples of 2 ms see the one log-odds.
    assert (found > 0).sum() == 20
    assert found.max() == pytest.approx(1.0)
    assert np.flatnonzero(found[0]).mean() == pytest.approx(2000, abs=0.5)
    # At 360 Hz the window is 14 samples, 38.9 ms, brought to 40 ms.
    assert smoothed(np.ones((1, 360)), 360.0)[0, 180] == pytest.approx(0.04 * 360)


def test_one_spike_does_not_pale_the_rest() -> None:
    own = np.full((1, 5000), 0.01)
    before = limit_of(own, FS)
    assert before == pytest.approx(0.2)  # twenty samples of 2 ms
    own[0, 2500] = 100.0
    assert limit_of(own, FS) == pytest.approx(before)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(1, 9), st.integers(0, 2**31))
def test_thinning_keeps_ends_and_extremes(size: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.random(size)) * 100, rng.normal(size=size)
    keep = thinned(x, y, width)
    assert {0, size - 1} <= set(keep.tolist())
    assert y[keep].max() == y.max()
    assert y[keep].min() == y.min()
    assert (np.diff(keep) > 0).all()
    assert keep.size <= 2 * (100 // width + 1) + 2


@pytest.mark.real_data
def test_a_real_recording_is_drawn_whole() -> None:
    folder = ROOT.parent / "shared" / "data" / "wfdb_ecg" / "ludb" / "data"
    if not folder.is_dir():
        pytest.skip("the public sample files are not beside the project")
    signal = read_signal(DiskFile(folder / "1.hea", folder))
    own = Tracing(signals=signal.physical(), leads=signal.leads, fs=signal.fs)
    svg = draw(own, title="row-1")
    assert "not recorded" not in texts(svg)
    assert len(drawn(svg)) == 13
    assert len(svg.encode()) < 150_000
