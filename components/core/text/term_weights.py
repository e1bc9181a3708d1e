"""Terms of notes and their TF-IDF weights.

Weights are (1 + log count) · idf, rows of length one (Salton and Buckley 1988, Information
Processing & Management 24:513).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from components.core.text.words import words

Doubles = npt.NDArray[np.float64]


def terms_of(text: str, ngram: tuple[int, int]) -> Iterable[str]:
    """Return the runs of `ngram[0]` to `ngram[1]` words of a text, numbers without their digits."""
    # Compatibility forms and loose accents are the same word.
    parts = words(unicodedata.normalize("NFKC", text))
    for size in range(ngram[0], ngram[1] + 1):
        for start in range(len(parts) - size + 1):
            yield " ".join(parts[start : start + size])


def count_terms(
    texts: Sequence[str | None], index: dict[str, int], ngram: tuple[int, int]
) -> sparse.csr_matrix:
    """Return `[n, terms]` counts of the known terms."""
    columns: list[int] = []
    values: list[int] = []
    ends = [0]
    for text in texts:
        found = Counter(index[t] for t in terms_of(text or "", ngram) if t in index)
        for column in sorted(found):
            columns.append(column)
            values.append(found[column])
        ends.append(len(columns))
    shape = (len(texts), len(index))
    return sparse.csr_matrix((np.array(values, np.float64), columns, ends), shape=shape)


def weigh(counts: sparse.csr_matrix, idf: Doubles) -> sparse.csr_matrix:
    """Return TF-IDF weights, rows of length one, out of `[n, terms]` counts."""
    weights = counts.copy()
    weights.data = (1 + np.log(weights.data)) * idf[weights.indices]
    lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    weights.data /= np.repeat(lengths, np.diff(weights.indptr))
    return weights


def smoothed_idf(counts: sparse.csr_matrix) -> Doubles:
    """Return log((1 + n) / (1 + df)) + 1 of each column, df the rows that have the term."""
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.log((1 + counts.shape[0]) / (1 + frequency)) + 1
