"""TF-IDF against scikit-learn; fitted once, on training notes, and the same out of JSON."""

from __future__ import annotations

import base64
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from components.core.config.base import validate
from components.core.config.text import TextConfig
from components.core.errors import ConfigError, InputError
from components.core.text import tfidf
from components.core.text.term_weights import count_terms, smoothed_idf, terms_of, weigh
from components.core.text.tfidf import TfidfEncoder, fit_tfidf
from components.core.text.words import words

RARE = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr"]


def notes(n: int = 120, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(RARE, 12)) for _ in range(n)]


CONFIG = TextConfig(width=8, min_documents=3)


@pytest.fixture(scope="module")
def fitted() -> TfidfEncoder:
    return fit_tfidf(notes(), CONFIG)


def test_weights_are_those_of_scikit_learn() -> None:
    texts = notes(40)
    oracle = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    expected = oracle.fit_transform(texts).toarray()
    terms = list(oracle.get_feature_names_out())
    counts = count_terms(texts, {term: i for i, term in enumerate(terms)}, (1, 1))
    idf = smoothed_idf(counts)
    np.testing.assert_allclose(idf, oracle.idf_, rtol=1e-12)
    np.testing.assert_allclose(weigh(counts, idf).toarray(), expected, atol=1e-12)


def test_the_projection_is_that_of_an_exact_decomposition(fitted: TfidfEncoder) -> None:
    texts = notes()
    counts = count_terms(texts, {t: i for i, t in enumerate(fitted.terms)}, fitted.ngram)
    weights = weigh(counts, np.array(fitted.idf))
    _, strength, directions = np.linalg.svd(weights.toarray(), full_matrices=False)
    raw = fitted.transform(texts) * np.array(fitted.sd) + np.array(fitted.mean)
    # The strongest direction stands apart; the energy of all kept ones is nearly the best possible.
    np.testing.assert_allclose(np.abs(raw[:, 0]), np.abs(weights @ directions[0]), atol=1e-4)
    assert (raw**2).sum() > 0.97 * (strength[:8] ** 2).sum()


def test_columns_are_standardised_by_the_training_notes(fitted: TfidfEncoder) -> None:
    out = fitted.transform(notes())
    assert (out.dtype, out.shape, fitted.fitted_texts) == (np.float32, (120, 8), 120)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-4)
    before = fitted.model_dump_json()
    fitted.transform(notes(seed=9))
    assert fitted.model_dump_json() == before


def test_fitting_twice_gives_the_same_bits(fitted: TfidfEncoder) -> None:
    assert fit_tfidf(notes(), CONFIG) == fitted
    assert fit_tfidf(notes(seed=1), CONFIG) != fitted


def test_json_keeps_every_bit(fitted: TfidfEncoder) -> None:
    texts = notes(seed=5)
    again = TfidfEncoder.model_validate_json(fitted.model_dump_json())
    assert np.array_equal(again.transform(texts), fitted.transform(texts))
    assert again == fitted


def test_a_damaged_encoder_is_refused(fitted: TfidfEncoder) -> None:
    cut = base64.b64encode(base64.b64decode(fitted.components)[:-4]).decode()
    with pytest.raises(ConfigError, match=r"8 columns do not fit .* the encoder is damaged"):
        validate(TfidfEncoder, {**fitted.model_dump(), "components": cut}, "text.json")


@given(st.permutations(range(30)), st.integers(1, 30))
def test_a_text_has_the_same_vector_in_any_company(order: list[int], size: int) -> None:
    encoder, texts = _shared(), notes(30, seed=3)
    whole = encoder.transform(texts)
    some = order[:size]
    assert np.array_equal(encoder.transform([texts[i] for i in some]), whole[some])


_ONCE: list[TfidfEncoder] = []


def _shared() -> TfidfEncoder:
    if not _ONCE:
        _ONCE.append(fit_tfidf(notes(), CONFIG))
    return _ONCE[0]


def test_pieces_do_not_show(fitted: TfidfEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted.transform(notes())
    monkeypatch.setattr(tfidf, "_PIECE", 7)
    assert np.array_equal(fitted.transform(notes()), whole)


@pytest.mark.parametrize("text", [None, "", " \n\t", "zzz unheard of", "…"])
def test_a_text_that_says_nothing_is_zeros(fitted: TfidfEncoder, text: str | None) -> None:
    out = fitted.transform([text, notes()[0]])
    assert not out[0].any()
    assert out[1].any()


def test_values_of_measurements_are_no_terms() -> None:
    texts = [f"EF {n} %, Na{n + 100}, {n}.5 mg {chr(97 + n % 3)}x" for n in range(30)]
    encoder = fit_tfidf(texts, TextConfig(width=2, min_documents=2))
    assert not [t for t in encoder.terms if any(c.isdigit() and c != "0" for c in t)]
    assert "ef 0" in encoder.terms
    assert np.array_equal(encoder.transform(["EF 12 % ax"]), encoder.transform(["ef 99 % AX"]))


def test_one_word_has_one_form_in_every_script() -> None:
    composed = "dyspn\u00e9e \u00d6dem"
    loose = unicodedata.normalize("NFD", composed)
    assert loose != composed
    assert list(terms_of(composed, (1, 2))) == list(terms_of(loose, (1, 2)))
    assert list(terms_of("Ａ心不全 Б", (1, 1))) == ["a心不全", "б"]


def test_a_name_in_many_notes_of_one_patient_is_no_term() -> None:
    texts = [f"fever cough{' miller' if i < 10 else ''} {RARE[i % 7]}" for i in range(40)]
    patients = [0] * 10 + list(range(1, 31))
    assert "miller" in fit_tfidf(texts, TextConfig(width=3)).terms
    assert "miller" not in fit_tfidf(texts, TextConfig(width=3), patients=patients).terms
    with pytest.raises(InputError, match="40 notes came with 3 patients; give one patient"):
        fit_tfidf(texts, TextConfig(), patients=[1, 2, 3])


def test_the_width_shrinks_to_what_the_notes_bear() -> None:
    few = fit_tfidf(notes(6), TextConfig(width=64, min_documents=1))
    assert (few.wanted_width, few.width) == (64, 6)
    # Two kinds of note, whatever their number, differ along one line.
    two = fit_tfidf(["a b", "c d"] * 20, TextConfig(width=64, min_documents=1))
    assert two.width <= 2
    assert two.transform(["a b"])[0, 0] == pytest.approx(-two.transform(["c d"])[0, 0], rel=1e-4)


def test_the_most_widespread_terms_are_kept() -> None:
    texts = ["a b", "a c", "a b d"] * 5
    encoder = fit_tfidf(texts, TextConfig(width=2, min_documents=1, max_terms=2, ngram=(1, 1)))
    assert encoder.terms == ("a", "b")


def test_many_notes_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "MOST_NOTES", 50)
    assert fit_tfidf(notes(120), CONFIG).fitted_texts == 40


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no training patient has a note"),
        ([None, " "], "no training patient has a note, so no term can be learnt"),
        (["a b", "c d"], r"no term is in the notes of 3 of 2 training patients; lower"),
        (["same words"] * 9, "the 9 training notes are all alike"),
    ],
)
def test_notes_that_teach_nothing_are_refused(texts: list[str | None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_tfidf(texts, CONFIG)


def test_an_empty_row_of_weights_stays_empty() -> None:
    counts = sparse.csr_matrix((np.array([2.0]), [1], [0, 1, 1]), shape=(2, 3))
    assert weigh(counts, np.ones(3)).toarray().tolist() == [[0, 1, 0], [0, 0, 0]]
