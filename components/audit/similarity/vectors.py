"""Vectors of patients that point the same way: standardised, sketched, compared.

Letters: `n` records that have a vector, `W` width, `P` pairs.

Each column is standardised first: what all records share would bring them near one another. Vectors
of few independent numbers agree by chance, so that the cosine from which on two are copies rises
with the number of pairs: the cosine of two random directions in `d` dimensions, mapped to [0, 1],
has the beta distribution with both parameters (d − 1)/2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from components.audit.similarity.banding import Allowed, Ints, candidates
from components.audit.similarity.basis import fit_basis
from components.audit.similarity.traces import Floats

Flags = npt.NDArray[np.bool_]
# Sketches keep 32 of the embedding's components: copies stay closer than this.
_LEAST_COSINE = 0.8
# Pairs of one cohort that may reach the bound by chance; exact copies stay above it.
_BY_CHANCE, _MOST_BOUND = 0.01, 1 - 1e-6
# A vector of which fewer entries are known is not compared.
_LEAST_KNOWN = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """One kind of vector of a cohort's records.

    Attributes:
        name: of the kind.
        records: `[n]` places in the manifest of those that can be compared.
        rows: `[P]` such places → `[P, W]` raw vectors.
        mean: `[W]` over them.
        sd: `[W]`; 1 where a column is constant.
        bound: cosine from which on two vectors are copies.
    """

    name: str
    records: Ints
    rows: Callable[[Ints], Floats]
    mean: Floats
    sd: Floats
    bound: float

    @property
    def loose_bound(self) -> float:
        """Return the cosine of directions that are twice as far apart as those at the bound."""
        return 1 - 4 * (1 - self.bound)

    def directions(self, records: Ints) -> Floats:
        """Return `[P, W]` standardised vectors of unit length; missing entries at the mean."""
        z = np.nan_to_num((self.rows(records) - self.mean) / self.sd, nan=0.0)
        return z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)

    def cosine(self, left: Ints, right: Ints) -> Floats:
        """Return `[P]` cosines of pairs."""
        return np.einsum("pw,pw->p", self.directions(left), self.directions(right))


def fit_vectors(
    name: str, records: Ints, rows: Callable[[Ints], Floats], least: float
) -> tuple[Vectors, Floats]:
    """Return the vectors of a cohort, and `[n, W]` the directions of those that can be compared.

    Args:
        name: of the kind.
        records: places in the manifest of those that have one.
        rows: places → raw vectors.
        least: lowest cosine of copies.
    """
    values = rows(records)
    known = ~np.isnan(values)
    enough = known.mean(axis=1) >= _LEAST_KNOWN
    records, values, known = records[enough], values[enough], known[enough]
    count = np.maximum(known.sum(axis=0), 1)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    mean = (total / count).astype(np.float32)
    spread: Floats = np.where(known, values - mean, np.float32(0)).astype(np.float32, copy=False)
    sd = np.sqrt((spread**2).sum(axis=0, dtype=np.float64) / count).astype(np.float32)
    sd = np.where(sd > 0, sd, np.float32(1))
    bound = chance_bound((spread / sd).astype(np.float32, copy=False), least)
    own = Vectors(name=name, records=records, rows=rows, mean=mean, sd=sd, bound=bound)
    return own, own.directions(records)


def chance_bound(z: Floats, least: float) -> float:
    """Return the cosine that hardly any two of different patients reach by chance.

    The dimensions are counted by the participation ratio of the covariance's eigenvalues, (Σλ)² /
    Σλ² (Bretherton et al., J Climate 1999;12:1990-2009).

    Args:
        z: `[n, W]` standardised vectors, 0 where an entry is missing.
        least: no bound is lower.
    """
    if len(z) < 2:
        return least
    gram = (z.T @ z if z.shape[1] <= len(z) else z @ z.T).astype(np.float64)
    squares = float((gram * gram).sum())
    dimensions = float(np.trace(gram)) ** 2 / squares if squares > 0 else 0.0
    if dimensions <= 1:
        return _MOST_BOUND
    pairs = len(z) * (len(z) - 1) / 2
    half = (dimensions - 1) / 2
    cosine = 2 * float(stats.beta.isf(min(1.0, _BY_CHANCE / pairs), half, half)) - 1
    return min(max(least, cosine), _MOST_BOUND)


def close_pairs(own: Vectors, directions: Floats, allowed: Allowed) -> tuple[Ints, Ints, Floats]:
    """Return `[P]` left and right records and cosines of pairs that are copies, or half as near.

    The looser ones show who belongs to a crowd of like vectors.

    Args:
        own: the vectors.
        directions: `[n, W]` of `own.records`.
        allowed: takes two arrays of places in the manifest, returns which pairs are of interest.
    """
    if len(directions) < 2:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0, np.float32)

    def among(left: Ints, right: Ints) -> Flags:
        return allowed(own.records[left], own.records[right])

    owner = np.arange(len(directions))
    pairs = candidates(fit_basis(directions).sketch(directions), owner, among, least=_LEAST_COSINE)
    cosine = np.einsum("pd,pd->p", directions[pairs.left], directions[pairs.right])
    near = cosine >= own.loose_bound
    return own.records[pairs.left[near]], own.records[pairs.right[near]], cosine[near]
