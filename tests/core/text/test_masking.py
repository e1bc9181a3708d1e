"""Stated ejection fractions go, everything else stays; idempotent and in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.text.masking import MASK, Masked, mask_lvef
from tests.core.text.mention_grammar import HIGH, LOW, mention, plain

SAID = re.compile(
    r"\b(?:lv|l\.v\.)?(?:ef|e\.f\.)\b|eje?ct?|fraction|function|hf\w*ef|dysf|kinesis|hyperdyn|lvsd"
    r"|reduced|depressed|impaired|preserved|normal|decreased|diminished|severe|mild|marked"
    r"|percent|per cent|pct|%|thirty|forty|fifty|sixty|\bno\b|poor",
    re.IGNORECASE,
)


@given(mention)
def test_nothing_of_a_mention_is_left(text: str) -> None:
    made = mask_lvef(text)
    assert made.count >= 1
    left = made.text.replace(MASK, "")
    assert not SAID.search(left), made.text
    assert not [n for n in re.findall(r"\d+", left) if LOW <= int(n) <= HIGH], made.text


@given(st.lists(plain, min_size=1, max_size=4), mention, st.lists(plain, max_size=4))
def test_what_stands_around_a_mention_stays(before: list[str], said: str, after: list[str]) -> None:
    head, tail = " ".join(before), " ".join(after)
    text = f"{head} {said}. {tail}"
    made = mask_lvef(text)
    assert made.count >= 1
    assert made.text.startswith(f"{head} ")
    assert made.text.endswith(f". {tail}")
    assert not SAID.search(made.text[len(head) : len(made.text) - len(tail)].replace(MASK, ""))


@given(st.lists(plain, max_size=6))
def test_a_text_without_mention_is_unchanged(parts: list[str]) -> None:
    text = "\n".join(parts)
    assert mask_lvef(text) == Masked(text, 0)


@given(
    st.lists(st.one_of(mention, plain, st.text(max_size=20)), max_size=8), st.sampled_from(" \n,;")
)
def test_masking_twice_changes_nothing(parts: list[str], between: str) -> None:
    once = mask_lvef(between.join(parts))
    again = mask_lvef(once.text)
    assert (again.text, again.count) == (once.text, 0)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Echo: LVEF 35 %, moderate MR", "Echo: [masked], moderate MR"),
        ("EF 35%, normal RV size", "[masked], normal RV size"),
        ("EF and reduced appetite", "[masked] and reduced appetite"),
        ("BP 120/80, EF 35%, HR 80", "BP 120/80, [masked], HR 80"),
        ("EF 35%, 80% stenosis", "[masked], 80% stenosis"),
        ("LVEF 35% and 40% stenosis", "[masked] and 40% stenosis"),
        ("EF was low, 95% on room air", "[masked], 95% on room air"),
        ("sat 95% EF 35%", "sat 95% [masked]"),
        ("sat 95% EF pending", "sat 95% [masked] pending"),
        ("stenosis, 55% EF", "stenosis, [masked]"),
        ("LVEF and 40 mg furosemide", "[masked] and 40 mg furosemide"),
        ("EF after 3 months 35%", "[masked]"),
        ("EF 35, previously 55", "[masked]"),
        ("EF 35, 12 leads", "[masked], 12 leads"),
        ("EF fell from 60% to 45% after chemo", "[masked] after chemo"),
        ("LVEF in 2019 was 35%", "[masked]"),
        ("LVEF is mildly-moderately reduced", "[masked]"),
        ("EF 30's", "[masked]"),
        ("EF in the mid 30s today", "[masked] today"),
        ("EF was read by doctor Who at 35%", "[masked] was read by doctor Who at [masked]"),
        ("EF read one two words three four five six nine ten eleven 35%",
         "[masked] read one two words three four five six nine ten eleven 35%"),
        ("systolic heart failure", "[masked] heart failure"),
        ("acute systolic (congestive) heart failure", "acute [masked] (congestive) heart failure"),
        ("systolic and diastolic CHF", "[masked] CHF"),
        ("HF-rEF", "[masked]"),
        ("dysfunction of the left ventricle", "[masked]"),
        ("function of the LV", "[masked]"),
        ("contraction of the wound", "contraction of the wound"),
        ("reduction in LVEF", "[masked]"),
        ("FS 30 %", "[masked]"),
        ("FS to be repeated", "FS to be repeated"),
        ("MUGA 45%", "[masked]"),
        ("LV normal.", "[masked]."),
        ("normal LV size", "normal LV size"),
        ("LV 45 mm", "LV 45 mm"),
        ("left ventricle is hyperdynamic", "[masked]"),
        ("RV and LV function normal", "[masked]"),
        ("code a8ef35", "code a8ef35"),
        ("ef" * 40, "ef" * 40),
        ("LVEF 35%\n\nWeight 70 %", "[masked]\n\nWeight 70 %"),
        ("EF 135 to 140", "[masked] 135 to 140"),
        ("EF 3 of 5", "[masked] 3 of 5"),
        ("EF four", "[masked] four"),
        ("EF? 35%", "[masked]? 35%"),
        ("EF approx. 35%", "[masked]"),
        ("EF " + "9" * 50, "[masked] " + "9" * 50),
        ("walls diffusely hypokinetic", "walls [masked]"),
        ("LV failure", "[masked]"),
        ("HFrEF (EF 25-30 % by TTE [**2145-3-4**], prior 55%)", "[masked] ([masked])"),
        ("Overall left ventricular systolic function is severely depressed (LVEF= 25 %).",
         "[masked] ([masked])."),
        ("left - EF 35", "[masked]"),
        ("( -EF 35 %", "( -[masked]"),
        ("ejaculatory fraction 35 %, ejx fraction", "ejaculatory fraction 35 %, ejx fraction"),
        ("EF 35 and 40 mg", "[masked] and 40 mg"),
        ("EF 35 +/- - / 5 %", "[masked]"),
        ("wide scar and LV function", "wide scar and [masked]"),
        ("severely reduced L.V.E.F.. Reduced appetite", "[masked]. Reduced appetite"),
        ("the left ventricle is normal", "the [masked]"),
        ("heart failure with reduced ejection fraction", "heart failure with [masked]"),
        ("diastolic CHF", "[masked] CHF"),
        ("EF", "[masked]"),
        ("dilated cardiomyopathy, GLS -15 %", "dilated cardiomyopathy, GLS -15 %"),
        ("", ""),
    ],
)  # fmt: skip
def test_examples(text: str, masked: str) -> None:
    made = mask_lvef(text)
    assert made.text == masked
    assert made.count == masked.count(MASK)


def test_a_mention_far_into_a_note_is_found() -> None:
    parts = ("word " * 5000, " word" * 5000, "x. " * 300)
    made = mask_lvef(f"{parts[0]}LVEF 35 %{parts[1]} HFrEF {parts[2]}LVSD")
    assert made.count == 3
    assert made.text == f"{parts[0]}{MASK}{parts[1]} {MASK} {parts[2]}{MASK}"


def test_words_cut_by_a_pieces_edge_are_no_mentions() -> None:
    for gap in range(185, 215):
        code = f"chief{'x' * gap}"
        assert mask_lvef(f"{code} LVEF 35").text == f"{code} {MASK}"
        assert mask_lvef(f"{code}LVEF").count == 0
    assert mask_lvef("EF 35" + "y" * 1000).text == f"{MASK} 35{'y' * 1000}"
    assert mask_lvef("EF" + "-" * 1000).text == MASK + "-" * 1000


@pytest.mark.parametrize(
    "piece",
    ["a", "35% ", "e.f.", "\n ", "and ", "(", "1", "severe ", "systolic ", "left ", ".", "EF 35% ",
     "ejction ", "function of ", "-", "L.", "1.", "ef"],
)  # fmt: skip
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = (piece * (10**6 // len(piece)))[:500_000]
    began = time.perf_counter()
    mask_lvef(f"EF {text} LVEF")
    # A quadratic search over so much text takes hours.
    assert time.perf_counter() - began < 20
