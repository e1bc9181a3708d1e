"""Latents: reproducible by block, independent between blocks, plausible in size."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from components.ingest.synthetic.cohort import BLOCK, draw_block, draw_reference
from components.ingest.synthetic.streams import stream


def test_stream_depends_on_seed_name_and_index() -> None:
    first = stream(1, "a", 2).random(4)
    assert np.array_equal(first, stream(1, "a", 2).random(4))
    for other in (stream(2, "a", 2), stream(1, "b", 2), stream(1, "a", 3), stream(1, "a")):
        assert not np.array_equal(first, other.random(4))


def test_block_is_the_same_whenever_it_is_drawn() -> None:
    one, two = draw_block(7, 3), draw_block(7, 3)
    for field in fields(one):
        assert np.array_equal(getattr(one, field.name), getattr(two, field.name))
    assert one.index[0] == 3 * BLOCK
    assert not np.array_equal(one.age, draw_block(7, 4).age)


def test_cohort_is_plausible() -> None:
    cohort = draw_reference(20_000)
    assert 0.70 < cohort.female.mean() < 0.85
    assert 53 < cohort.age.mean() < 57
    assert 0.2 < cohort.hypertension.mean() < 0.35
    assert 0.02 < cohort.prior_hf.mean() < 0.07
    assert cohort.lvef_baseline.min() >= 46
    assert not (cohort.cancer[~cohort.female] == "breast").any()
    assert not (cohort.anti_her2 & (cohort.cancer != "breast")).any()
    assert abs(np.corrcoef(cohort.vulnerability, cohort.age)[0, 1]) < 0.03


def test_therapy_is_named_after_what_is_given() -> None:
    cohort = draw_reference(2_000)
    therapy = cohort.therapy()
    assert set(therapy) == {"anthracycline", "anthracycline+anti_her2", "anti_her2", "other"}
    assert (cohort.anthracycline_dose[therapy == "anti_her2"] == 0).all()
    assert cohort.anti_her2[therapy == "anthracycline+anti_her2"].all()


def test_sites_differ_in_case_mix() -> None:
    cohort = draw_reference(20_000)
    age = {site: cohort.age[cohort.site == site].mean() for site in "ABC"}
    assert age["C"] > age["A"] + 5
