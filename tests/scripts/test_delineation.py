"""What is measured of the delineation is measured rightly, and holds on a few real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

# wfdb's import calls what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

LUDB = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "wfdb_ecg" / "ludb" / "data"
# None of them was looked at when the rules were chosen: sinus rhythm, and fibrillation.
SINUS, FIBRILLATION = (2, 10, 50, 120, 200), 44


def spans(*pairs: tuple[float, float]) -> np.ndarray:
    return np.array(pairs, np.float64).reshape(-1, 2)


def test_errors_and_counts_of_a_lead() -> None:
    from scripts.delineation import Tally

    truth = (
        spans((1000, 1100), (2000, 2100)),
        spans((200, 300), (1200, 1300), (2200, 2300)),
        spans((1500, 1700)),
    )
    found = np.full((4, 3, 2), np.nan)
    found[:, 1] = [[190, 310], [1205, 1320], [2200, 2300], [2900, 3000]]
    found[1, 0] = [1010, 1090]
    found[0, 0] = [600, 700]  # no such P
    found[1, 2] = [1660, 1860]  # 160 ms late
    found[3, 2] = [2950, 3100]  # after the last complex, where nothing is annotated
    total = Tally()
    total.add(found, truth)
    assert total.errors == [[10], [-10], [-10, 5, 0], [10, 20, 0], [], []]
    assert (total.found, total.missed, total.false) == ([1, 3, 0], [1, 0, 1], [1, 0, 1])
    assert total.sensitivity() == [0.5, 1, 0]
    assert total.false_share() == [0.5, 0, 1]
    np.testing.assert_equal(total.median_error(), [10, 10, 5, 10, np.nan, np.nan])


def test_a_wave_is_found_once() -> None:
    from scripts.delineation import Tally

    complexes = spans((0, 100), (1000, 1100), (1100, 1200), (3000, 3100))
    found = np.full((3, 3, 2), np.nan)
    found[:, 1] = [[0, 100], [1050, 1150], [3000, 3100]]
    total = Tally()
    total.add(found, (spans(), complexes, spans()))
    assert (total.found[1], total.missed[1]) == (3, 1)
    total.add(found, (spans(), spans(), spans()))  # a lead without annotations
    assert (total.found[1], total.missed[1]) == (3, 1)


def test_tables_state_what_was_counted() -> None:
    from scripts.delineation import BOUNDARIES, Tally, boundary_table, wave_table

    one = Tally(
        errors=[[float(i), float(i), -4.0] for i in range(6)],
        found=[9, 10, 5],
        missed=[1, 0, 5],
        false=[1, 0, 0],
    )
    table = boundary_table([("ours", one)])
    assert table[0].count("|") == len(BOUNDARIES) + 2
    assert table[2].endswith("| 4 (+4, 4) | 5 (+5, 4) |")
    assert wave_table([("ours", one)])[2] == "| ours | 90.0 / 10.0 | 100.0 / 0.0 | 50.0 / 0.0 |"


@pytest.fixture(scope="module")
def ludb() -> Path:
    if not LUDB.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    return LUDB


@pytest.mark.real_data
def test_feet_are_where_cardiologists_put_them(ludb) -> None:
    from scripts.delineation import EIGHT, one_answer, read_record, tally

    found = tally([read_record(ludb, number) for number in SINUS], one_answer(EIGHT))
    assert max(found.median_error()) <= 22
    assert min(found.sensitivity()) > 0.95
    assert max(found.false_share()) < 0.02
    assert min(found.found) > 250


@pytest.mark.real_data
def test_a_real_fibrillation_has_no_p_wave(ludb) -> None:
    from components.core.signals.delineate import delineate
    from scripts.delineation import EIGHT, read_record

    record = read_record(ludb, FIBRILLATION)
    assert all(len(truth[0]) == 0 for truth in record.truth)
    found = delineate(record.values[EIGHT], 500.0)
    assert np.isnan(found.record[:, 0]).all()
    assert not np.isnan(found.record[:, 1:]).any()
