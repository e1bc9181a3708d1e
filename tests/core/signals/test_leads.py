"""Names, order and the limb leads' algebra."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError, RecordError
from components.core.signals.leads import (
    LEADS8,
    LEADS12,
    canonical,
    canonical_all,
    einthoven_residual,
    find,
    select,
    unknown_lead,
)

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


@pytest.mark.parametrize("pattern", ["{}", " {} ", "Lead {}", "MDC_ECG_LEAD_{}", "ecg_{}"])
@pytest.mark.parametrize("lead", LEADS12)
def test_each_lead_by_each_spelling(lead, pattern) -> None:
    for name in (lead, lead.lower(), lead.upper()):
        assert canonical(pattern.format(name)) == lead


@pytest.mark.parametrize(
    ("name", "lead"), [("MLII", "II"), ("C3", "V3"), ("DI", "I"), ("D3", "III"),
     ("Lead I (Einthoven)", "I"), ("lead aVL (Goldberger)", "aVL"), ("V4 (Wilson)", "V4"),
     ("aVF, augmented voltage, foot", "aVF"), ("MDC_ECG_LEAD_AVR", "aVR")],
)  # fmt: skip
def test_aliases(name, lead) -> None:
    assert canonical(name) == lead


@pytest.mark.parametrize("lead", LEADS12)
@pytest.mark.parametrize(
    "pattern",
    ["-{}", "- {}", "−{}", "{}-", "{}neg", "neg {}", "Lead -{}", "inverted {}", "{} (inverted)",
     "MDC_ECG_LEAD_{}NEG", "MDC_ECG_LEAD_-{}", "Derived Lead {}", "{}R"],
)  # fmt: skip
def test_an_inverted_or_derived_lead_is_not_the_lead(lead, pattern) -> None:
    assert find(pattern.format(lead)) is None
    assert find(pattern.format(lead.upper())) is None


@pytest.mark.parametrize("name", ["V", "", "V7", "vx", "ML5", "1", "-aVR", "IV", "PLETH", "lead"])
def test_what_is_ambiguous_or_unknown_is_refused(name) -> None:
    assert find(name) is None
    with pytest.raises(RecordError, match="not one of the twelve standard leads") as caught:
        canonical(name)
    assert caught.value.code == "unknown_lead"


def test_an_unknown_name_lists_the_names_found_but_not_endlessly() -> None:
    with pytest.raises(RecordError, match=r"'Q' is not .* names found: I, Q, II;"):
        canonical_all(["I", "Q", "II"])
    with pytest.raises(RecordError) as caught:
        canonical_all(["x" * 500] * 500)
    assert len(str(caught.value)) < 700
    with pytest.raises(RecordError, match="more than once: II"):
        canonical_all(["I", "II", "mlii"])


def test_a_channel_that_might_be_a_name_is_not_repeated() -> None:
    match = r"'text of 12 characters' is not .* found: I, MDC_ECG_LEAD_V9, text of 12 characters;"
    with pytest.raises(RecordError, match=match) as caught:
        raise unknown_lead("QUILLFEATHRY", ["I", "MDC_ECG_LEAD_V9", "QUILLFEATHRY"])
    assert caught.value.value == "text of 12 characters"


@given(st.permutations(LEADS12))
def test_selection_follows_names_not_positions(order) -> None:
    from components.core.signals.signal import Signal

    rows = np.array([[LEADS12.index(lead), 50] for lead in order], np.int16)
    signal = Signal(values=rows, fs=500.0, leads=tuple(order), unit="mV",
                    lsb=np.ones(12), offset=np.zeros(12))  # fmt: skip
    values, mask = select(signal, LEADS8)
    assert mask.all()
    assert values[:, 0].tolist() == [LEADS12.index(lead) for lead in LEADS8]


def _limbs(one: np.ndarray, two: np.ndarray) -> dict[str, np.ndarray]:
    """Einthoven and Goldberger, written out."""
    return {
        "I": one,
        "II": two,
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": one - two / 2,
        "aVF": two - one / 2,
    }


@pytest.mark.parametrize("pair", list(itertools.combinations(LIMB, 2)))
def test_any_two_limb_leads_give_the_other_four(make, pair) -> None:
    rng = np.random.default_rng(1)
    limbs = _limbs(rng.normal(size=50), rng.normal(size=50))
    signal = make(np.stack([limbs[name] for name in pair]), pair)
    values, mask = select(signal, LIMB)
    assert mask.all()
    np.testing.assert_allclose(values, np.stack([limbs[name] for name in LIMB]), atol=1e-5)


def test_eight_leads_give_all_twelve_and_twelve_give_the_eight(make) -> None:
    # Even counts of a gain that is a power of two: every derived value is exact in float32.
    counts = 2 * np.random.default_rng(0).integers(-9999, 10000, (8, 77)).astype(np.int16)
    eight = make(counts, LEADS8, lsb=2.0**-8)
    values, mask = select(eight, LEADS12)
    assert mask.all()
    exact = _limbs(*(counts[:2].astype(np.float64) / 2**8))
    np.testing.assert_array_equal(values[:6], np.stack([exact[name] for name in LIMB]))
    np.testing.assert_array_equal(values[6:], counts[2:] / np.float32(2**8))
    back, mask = select(make(values, LEADS12), LEADS8)
    assert mask.all()
    np.testing.assert_array_equal(back, counts / np.float32(2**8))


def test_a_missing_lead_is_zero_and_masked(make, walk) -> None:
    signal = make(walk(6), ("II", "V1", "V2", "V3", "V4", "V5"))
    values, mask = select(signal, LEADS8)
    assert mask.tolist() == [False, True, True, True, True, True, True, False]
    assert not values[~mask].any()
    np.testing.assert_array_equal(values[1], signal.physical()[0])


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_nothing_is_derived_from_a_dead_electrode(make, bad) -> None:
    rows = np.stack([np.full(20, bad), np.sin(np.arange(20))])
    _, mask = select(make(rows, ("III", "II")), ("I", "II"))
    assert mask.tolist() == [False, True]


def test_wrong_requests_and_duplicates(make, walk) -> None:
    with pytest.raises(
        ConfigError, match="'avf' is not a canonical lead name; known are: I, II, III"
    ):
        select(make(walk(1), ("I",)), ("avf",))
    with pytest.raises(RecordError, match="more than once: I;"):
        select(make(walk(2), ("I", "I")), ("I",))


def test_einthovens_residual_finds_a_gain_error_but_not_a_reversal(make) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 500))
    rows = np.stack([one, two, two - one])
    names = ("I", "II", "III")
    assert einthoven_residual(make(rows, names)) < 1e-6
    reversed_arms = np.stack([-one, two - one, two])
    assert einthoven_residual(make(reversed_arms, names)) < 1e-6
    rows[2] *= 2
    expected = np.sqrt(np.mean((two - one) ** 2))
    assert einthoven_residual(make(rows, names)) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(einthoven_residual(make(rows[:2], names[:2])))
