"""MinHash against exact Jaccard similarities."""

from __future__ import annotations

import numpy as np
import pytest

from components.audit.similarity.texts import (
    jaccard,
    run_hashes,
    text_copies,
    without_boilerplate,
    words,
)


def everything(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ones(len(left), np.bool_)


def test_numbers_case_and_marks_make_no_difference() -> None:
    assert words("LVEF: 55 %") == words("lvef 48")
    one = run_hashes("Seen on 3 May 2021, in good health.")
    assert np.array_equal(one, run_hashes("seen on 14 May 2019 in good health"))
    assert len(run_hashes("too short")) == 0


def test_pairs_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    sets = [np.sort(rng.integers(0, 2**63, 80, dtype=np.uint64)) for _ in range(60)]
    for n, share in enumerate(np.linspace(0.5, 1, 20)):
        kept = sets[n][: int(80 * share)]
        rest = rng.integers(0, 2**63, 80 - len(kept), dtype=np.uint64)
        sets.append(np.sort(np.concatenate([kept, rest])))
    truth = {(i, j) for i in range(80) for j in range(i) if jaccard(sets[j], sets[i]) >= 0.8}
    left, right, similarity = text_copies(sets, everything, least=0.8)
    assert set(zip(right.tolist(), left.tolist(), strict=True)) == truth
    assert len(truth) >= 4
    assert similarity.min() >= 0.8


def test_short_texts_are_not_compared() -> None:
    short = np.arange(5, dtype=np.uint64)
    assert all(len(part) == 0 for part in text_copies([short, short], everything, least=0.8))


def test_boilerplate_is_left_out() -> None:
    common = np.arange(30, dtype=np.uint64)
    sets = [np.concatenate([common, np.array([100 + n], np.uint64)]) for n in range(20)]
    assert [each.tolist() for each in without_boilerplate(sets)] == [[100 + n] for n in range(20)]


def test_jaccard() -> None:
    one, two = (np.array(v, np.uint64) for v in ([1, 2, 3], [2, 3, 4]))
    assert jaccard(one, two) == pytest.approx(0.5)
    assert jaccard(one[:0], two[:0]) == 0
