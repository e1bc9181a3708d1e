"""Texts as sets of hashed word runs, compared by MinHash; only hashes are kept.

Broder (1997): the share of equal minima of two sets under random permutations estimates their
Jaccard similarity; bands of minima find the pairs worth an exact look in linear time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.audit.similarity.banding import Allowed, Ints
from components.core.text.words import words

Hashes = npt.NDArray[np.uint64]

# Words per run: five are seldom shared by chance, and an edited word spoils only five runs.
_RUN = 5
# Events per run.
_EVENTS = 3
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio (Knuth)
# Runs in fewer than this many texts are never boilerplate; beyond it, in this share of all texts.
_COMMON, _COMMON_SHARE = 5, 0.02
# Own runs that a text needs to be told from others.
FEWEST_RUNS = 20
# 20 bands of 3 minima: a pair with Jaccard 0.8 is a candidate with probability 1 - 5e-7.
_BANDS, _ROWS = 20, 3
# Neighbours looked at in a band's sorted table.
_NEIGHBOURS = 8


def run_hashes(text: str) -> Hashes:
    """Return the hashes of the text's distinct five-word runs, sorted."""
    parts = words(text)
    runs = {" ".join(parts[i : i + _RUN]) for i in range(len(parts) - _RUN + 1)}
    found = [int.from_bytes(hashlib.blake2b(r.encode(), digest_size=8).digest()) for r in runs]
    return np.sort(np.array(found, dtype=np.uint64))


def event_runs(kind: npt.NDArray[np.int8], text: npt.NDArray[np.int32]) -> Hashes:
    """Return the hashes of a sequence's distinct runs of three events, sorted.

    Three: an event is a whole order or result, and says more than a word.

    Args:
        kind: `[E]` of each event in order.
        text: `[E]` number of its text.
    """
    own = (text.astype(np.uint64) << np.uint64(3)) | kind.astype(np.uint64)
    runs = len(own) - _EVENTS + 1
    keys = np.zeros(max(runs, 0), np.uint64)
    for place in range(_EVENTS if runs > 0 else 0):
        keys = keys * _GOLDEN + own[place : place + runs] + np.uint64(1)
        keys ^= keys >> np.uint64(29)
    return np.unique(keys)


def without_boilerplate(sets: Sequence[Hashes]) -> list[Hashes]:
    """Return the sets without runs that many texts share: templates, headings, phrases."""
    every = np.concatenate([np.zeros(0, np.uint64), *sets])
    runs, count = np.unique(every, return_counts=True)
    common = runs[count > max(_COMMON, int(_COMMON_SHARE * len(sets)))]
    return [np.setdiff1d(each, common, assume_unique=True) for each in sets]


def text_copies(
    sets: Sequence[Hashes], allowed: Allowed, *, least: float
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Return pairs of texts `[P]`, `[P]` and their Jaccard similarity where at least `least`.

    Args:
        sets: hashes of each text; those with fewer than `FEWEST_RUNS` are not compared.
        allowed: takes two arrays of text numbers, returns which pairs are of interest.
        least: Jaccard similarity in [0, 1].
    """
    owner = np.array([i for i, s in enumerate(sets) if len(s) >= FEWEST_RUNS], dtype=np.int64)
    if len(owner) < 2:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    minima = np.stack([_minima(sets[i]) for i in owner])
    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        keys = _band_keys(minima[:, band * _ROWS : (band + 1) * _ROWS])
        order = np.argsort(keys, kind="stable")
        for distance in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            same = keys[order[distance:]] == keys[order[:-distance]]
            pairs = owner[order[:-distance][same]], owner[order[distance:][same]]
            left, right = np.minimum(*pairs), np.maximum(*pairs)
            kept = allowed(left, right)
            found |= set(zip(left[kept].tolist(), right[kept].tolist(), strict=True))
    pairs_ = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    similarity = np.array([jaccard(sets[i], sets[j]) for i, j in pairs_])
    near = similarity >= least
    return pairs_[near, 0], pairs_[near, 1], similarity[near]


def jaccard(one: Hashes, two: Hashes) -> float:
    """Return the share of the union that both hold, in [0, 1]."""
    both = len(np.intersect1d(one, two, assume_unique=True))
    return both / max(len(one) + len(two) - both, 1)


def _minima(runs: Hashes) -> Hashes:
    """Return the least value of the set under each of the permutations x → a·x + b mod 2⁶⁴."""
    rng = np.random.default_rng(0)
    factor = rng.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64) * 2 + 1
    shift = rng.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64)
    mixed = runs[:, None] * factor + shift
    return (mixed ^ (mixed >> np.uint64(32))).min(axis=0)


def _band_keys(minima: Hashes) -> Hashes:
    keys = np.zeros(len(minima), np.uint64)
    for column in minima.T:
        keys = keys * _GOLDEN + column
    return keys
