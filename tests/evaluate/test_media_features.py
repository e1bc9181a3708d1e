"""Numbers of pictures and sounds: planted ink, planted bands, beats and murmurs, by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from components.core.data.cohort import read_part, rows_of
from components.core.errors import CardioError
from components.evaluate.baselines import Features, design
from components.evaluate.media_features import (
    BANDS,
    PROFILE,
    WIDTHS,
    embedding_features,
    features_of,
    picture_features,
    sound_features,
    width_of,
)
from tests.evaluate.conftest import Example

_ALL = np.ones((1, 1), np.bool_)


def test_ink_is_found_where_it_is() -> None:
    page = np.full((1, 1, 32, 48), 255, np.uint8)
    assert not picture_features(page).any()
    page[0, 0, 4:6] = 0  # one of 16 bands of two rows
    found = picture_features(page)[0]
    assert found.shape == (WIDTHS["ecg_image"],)
    np.testing.assert_allclose(found[:PROFILE], np.eye(PROFILE)[2], atol=1e-6)
    np.testing.assert_allclose(found[PROFILE : 2 * PROFILE], 2 / 32, atol=1e-6)
    mean, sd, across, down = found[2 * PROFILE :]
    assert mean == pytest.approx(1 / 16)
    assert sd == pytest.approx(np.sqrt(1 / 16 * 15 / 16))
    assert across == 0
    assert down == pytest.approx(2 / 31)  # two steps of one in 31


def test_a_coloured_picture_is_as_its_mean() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (3, 1, 32, 48)).astype(np.uint8)
    found = picture_features(np.repeat(grey, 3, axis=1))
    np.testing.assert_allclose(found, picture_features(grey), atol=1e-6)


def heart(*, frames: int = 250, beat: int = 45, murmur: float = 0.0) -> np.ndarray:
    """Return `[1, 1, 20, frames]` dB: S1 and S2 in the lower bands, a murmur between them above."""
    out = np.full((20, frames), -40.0)
    for start in range(0, frames, beat):
        out[:8, start : start + 5] = 0
        out[:8, start + 15 : start + 20] = -6
        out[12:, start + 5 : start + 15] += murmur
    return out[None, None]


def test_bands_have_their_mean_and_spread() -> None:
    values = np.zeros((1, 1, 20, 100))
    values[0, 0, 4:6] = 10 * np.tile([1.0, -1.0], 50)
    found = sound_features(values, _ALL)[0]
    assert found.shape == (WIDTHS["pcg"],)
    assert not found[:BANDS].any()
    np.testing.assert_allclose(found[BANDS : 2 * BANDS], 10 * np.eye(BANDS)[2], atol=1e-5)


def test_a_murmur_is_told_and_a_beat_repeats_itself() -> None:
    quiet, loud = (sound_features(heart(murmur=m), _ALL)[0] for m in (0.0, 8.0))
    gaps = slice(2 * BANDS, 3 * BANDS)
    assert (quiet[gaps][:4] < -5).all()
    assert (loud[gaps][6:] < quiet[gaps][6:] - 1).all()  # above, the murmur's frames are the loud
    upper = slice(6, BANDS)
    assert (loud[upper] - quiet[upper] > 1).all()
    correlation, lag = quiet[-2:]
    assert lag == pytest.approx(45 / 250)
    assert correlation > 0.6


def test_windows_that_are_not_there_do_not_count() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 3, 20, 60))
    valid = np.array([[True, True, False], [False, True, True]])
    found = sound_features(values, valid)
    other = values.copy()
    other[~valid] = 99
    np.testing.assert_array_equal(sound_features(other, valid), found)
    single = [sound_features(values[:, [w]], np.ones((2, 1), np.bool_)) for w in range(3)]
    np.testing.assert_allclose(found[0], (single[0][0] + single[1][0]) / 2, rtol=1e-4, atol=1e-5)
    whole = features_of("pcg", values, None)
    np.testing.assert_allclose(whole[0], np.mean([each[0] for each in single], axis=0), rtol=1e-3,
                               atol=1e-5)  # fmt: skip


def test_silence_has_finite_numbers() -> None:
    assert np.isfinite(sound_features(np.zeros((1, 2, 12, 20)), np.ones((1, 2), np.bool_))).all()


def test_records_that_lack_one_are_missing_and_each_is_computed_once(
    examples: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = examples("media").behind.cohort
    rows = read_part(stage, "holdout", "train")
    features = Features(500)
    first = features.media(rows, "pcg")
    there = rows.arrays["pcg"].there
    assert first.shape == (len(rows), WIDTHS["pcg"])
    assert np.isfinite(first[there]).all()
    assert np.isnan(first[~there]).all()

    def again(*_: object) -> None:
        raise CardioError("computed again")

    monkeypatch.setattr("components.evaluate.baselines.features_of", again)
    np.testing.assert_array_equal(features.media(rows, "pcg"), first)
    with pytest.raises(CardioError, match="computed again"):
        features.media(rows, "ecg_image")


def test_the_simple_models_see_table_pictures_and_sounds(
    examples: Callable[[str], Example],
) -> None:
    stage = examples("media").behind.cohort
    seen = [read_part(stage, "holdout", part) for part in ("train", "val")]
    x, asked = design(seen, rows_of(stage, "holdout", "test"), Features(500))
    assert x.shape[1] == asked.shape[1] == seen[0].tabular.shape[1] + sum(WIDTHS.values())
    without = [rows.without("pcg").without("ecg_image") for rows in seen]
    assert design(without, without[0], Features(500))[0].shape[1] == seen[0].tabular.shape[1]


def test_an_embedding_is_its_entries_and_several_vectors_their_mean() -> None:
    values = np.array([[[1.0, 2.0], [3.0, np.nan], [9.0, 9.0]], [[5.0, np.nan]] * 3])
    valid = np.array([[True, True, False], [True, False, False]])
    found = embedding_features(values, valid)
    np.testing.assert_array_equal(found, [[2.0, 2.0], [5.0, np.nan]])
    one = values[:, 0].astype(np.float16)
    np.testing.assert_array_equal(features_of("emb_clinical", one, None), one)
    assert width_of("emb_spatial", (3, 2)) == 2
    assert width_of("pcg", (2, 10, 24)) == WIDTHS["pcg"]


def test_an_absent_embedding_has_no_entries_and_says_so(
    examples: Callable[[str], Example],
) -> None:
    done = examples("embedded")
    rows = read_part(done.behind.cohort, "holdout", "train")
    found = Features(500).all_media(rows)
    widths = [part.reader.shape[-1] for part in rows.arrays.values()]
    assert found.shape == (len(rows), sum(widths) + len(widths))
    end = -1
    for width, part in zip(widths, rows.arrays.values(), strict=True):
        start, end = end + 1, end + 1 + width
        np.testing.assert_array_equal(found[:, end] == 1, part.there)
        assert np.isfinite(found[part.there, start:end]).all()
        assert np.isnan(found[~part.there, start:end]).all()
