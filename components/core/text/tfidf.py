"""TF-IDF and truncated SVD: fitted on training notes only, kept as JSON in the bundle.

The projection is latent semantic analysis (Deerwester et al. 1990, JASIS 41:391) by a randomised
singular value decomposition (Halko et al. 2011, SIAM Review 53:217) with a fixed seed.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import threadpoolctl
from pydantic import Field, model_validator
from scipy import sparse

from components.core.config.base import Frozen
from components.core.config.text import TextConfig
from components.core.errors import InputError
from components.core.text.term_weights import count_terms, smoothed_idf, terms_of, weigh

Floats = npt.NDArray[np.float32]

# Notes that are looked at, evenly spread: it bounds memory (half a gigabyte of discharge
# summaries), and more notes change neither which terms are frequent nor the leading dimensions.
MOST_NOTES = 50_000
# Notes per piece of a transform, so that memory does not grow with the cohort.
_PIECE = 4096
# A dimension this much weaker than the first is rounding: the square root of double precision.
_WEAKEST = 1e-8
# A column whose spread is below this share of its size is constant but for rounding in float32.
_CONSTANT = 1e-6


@dataclass(frozen=True, eq=False)
class _Ready:
    """An encoder's numbers as arrays; compared by identity, since encoders compare by fields.

    Attributes:
        index: term → number.
        idf: `[terms]`.
        projection: `[terms, width]`.
        mean: `[width]`.
        sd: `[width]`.
    """

    index: dict[str, int]
    idf: npt.NDArray[np.float64]
    projection: Floats
    mean: Floats
    sd: Floats


class TfidfEncoder(Frozen):
    """Turns notes into `[n, width]` float32, each column standardised by the training notes.

    Attributes:
        terms: words and runs of words, sorted.
        idf: of each term.
        components: `[width, terms]` little-endian float32 in base64.
        mean: of each column over the training notes, before standardising.
        sd: likewise.
        ngram: shortest and longest run of words that is a term.
        fitted_texts: notes it was fitted on.
        wanted_width: the width that was asked for; `width` is smaller where notes or terms are few.
    """

    terms: tuple[str, ...] = Field(min_length=1)
    idf: tuple[float, ...]
    components: str
    mean: tuple[float, ...] = Field(min_length=1)
    sd: tuple[float, ...]
    ngram: tuple[int, int]
    fitted_texts: int = Field(ge=1)
    wanted_width: int = Field(ge=1)

    @model_validator(mode="after")
    def _sizes_agree(self) -> TfidfEncoder:
        values = len(base64.b64decode(self.components, validate=True)) / 4
        terms, width = len(self.terms), len(self.mean)
        if (len(self.idf), len(self.sd), values) != (terms, width, terms * width):
            raise ValueError(
                f"{terms} terms and {width} columns do not fit {len(self.idf)} idf, "
                f"{len(self.sd)} sd and {values:g} components; the encoder is damaged"
            )
        return self

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.mean)

    @cached_property
    def _ready(self) -> _Ready:
        flat = np.frombuffer(base64.b64decode(self.components), "<f4").astype(np.float32)
        return _Ready(
            index={term: number for number, term in enumerate(self.terms)},
            idf=np.array(self.idf),
            projection=np.ascontiguousarray(flat.reshape(self.width, len(self.terms)).T),
            mean=np.array(self.mean, np.float32),
            sd=np.array(self.sd, np.float32),
        )

    def transform(self, texts: Sequence[str | None]) -> Floats:
        """Return `[n, width]` float32; a text has the same vector in whatever company.

        A row is exactly zero, the training mean, where the text is None or blank, and where it
        has no known term.
        """
        ready = self._ready
        out = np.zeros((len(texts), self.width), np.float32)
        for start in range(0, len(texts), _PIECE):
            counts = count_terms(texts[start : start + _PIECE], ready.index, self.ngram)
            known = np.diff(counts.indptr) > 0
            # Sparse times dense sums row by row: no other row bears on the rounding.
            values = np.asarray(weigh(counts, ready.idf).astype(np.float32) @ ready.projection)
            out[start : start + _PIECE][known] = ((values - ready.mean) / ready.sd)[known]
        return out


def fit_tfidf(
    texts: Sequence[str | None],
    config: TextConfig,
    *,
    patients: Sequence[object] | None = None,
) -> TfidfEncoder:
    """Return an encoder fitted on training notes.

    Where there are more than `MOST_NOTES`, that many of them, evenly spread, are fitted on.

    Args:
        texts: of the training part alone; None and blank ones are left out.
        config: `width`, `max_terms`, `min_documents`, `ngram`.
        patients: whose each note is. A term is then kept by the number of patients, not of notes,
            so that no patient's own name is a term however many notes there are.

    Raises:
        InputError: there is no note, no term in enough of them, or no two notes differ.
    """
    if patients is not None and len(patients) != len(texts):
        raise InputError(
            f"{len(texts)} notes came with {len(patients)} patients; give one patient for each note"
        )
    owners = list(range(len(texts)) if patients is None else patients)
    full = [
        (text, owner) for text, owner in zip(texts, owners, strict=True) if text and text.strip()
    ]
    taken = full[:: max(1, -(-len(full) // MOST_NOTES))]
    if not taken:
        raise InputError(
            "no training patient has a note, so no term can be learnt; give notes or leave text out"
        )
    terms = _frequent(taken, config)
    notes = [text for text, _ in taken]
    counts = count_terms(notes, {term: i for i, term in enumerate(terms)}, config.ngram)
    idf = smoothed_idf(counts)
    plain = TfidfEncoder(
        terms=terms,
        idf=tuple(idf.tolist()),
        ngram=config.ngram,
        fitted_texts=len(notes),
        wanted_width=config.width,
        **_columns(_directions(weigh(counts, idf), config.width)),
    )
    return _standardised(plain, notes, counts)


def _frequent(notes: list[tuple[str, object]], config: TextConfig) -> tuple[str, ...]:
    """Return the terms of at least `min_documents` patients, those in the most notes first cut."""
    owned: dict[object, set[str]] = {}
    for text, owner in notes:
        owned.setdefault(owner, set()).update(terms_of(text, config.ngram))
    seen = Counter(term for terms in owned.values() for term in terms)
    enough = [term for term, n in seen.items() if n >= config.min_documents]
    if not enough:
        raise InputError(
            f"no term is in the notes of {config.min_documents} of {len(owned)} training patients; "
            "lower text.min_documents, give more notes or leave text out"
        )
    return tuple(sorted(sorted(enough, key=lambda term: (-seen[term], term))[: config.max_terms]))


def _directions(weights: sparse.csr_matrix, width: int) -> Floats:
    """Return `[k, terms]`, the leading right singular vectors; `k` is at most the rank."""
    from sklearn.utils.extmath import randomized_svd

    most = min(width, *weights.shape)
    # With one thread the sums have one order, whatever the machine's number of cores.
    with threadpoolctl.threadpool_limits(1, "blas"):
        _, strength, directions = randomized_svd(weights, n_components=most, random_state=0)
    return directions[strength > _WEAKEST * strength[0]].astype(np.float32)


def _columns(directions: Floats) -> dict[str, Any]:
    """Return the fields of an encoder that projects on `[k, terms]` and standardises nothing."""
    return {
        "components": base64.b64encode(directions.astype("<f4").tobytes()).decode("ascii"),
        "mean": (0.0,) * len(directions),
        "sd": (1.0,) * len(directions),
    }


def _standardised(plain: TfidfEncoder, notes: list[str], counts: sparse.csr_matrix) -> TfidfEncoder:
    """Return the encoder with the mean and SD of each column, without constant columns."""
    values = plain.transform(notes)[np.diff(counts.indptr) > 0].astype(np.float64)
    mean, sd = values.mean(axis=0), values.std(axis=0)
    varies = sd > _CONSTANT * np.abs(values).max(axis=0)
    if not varies.any():
        raise InputError(
            f"the {len(notes)} training notes are all alike, so they tell nothing of a patient; "
            "give other notes or leave text out"
        )
    flat = np.frombuffer(base64.b64decode(plain.components), "<f4")
    directions = flat.reshape(plain.width, len(plain.terms))[varies]
    fields: dict[str, Any] = plain.model_dump() | _columns(directions)
    fields |= {"mean": tuple(mean[varies].tolist()), "sd": tuple(sd[varies].tolist())}
    return TfidfEncoder(**fields)
