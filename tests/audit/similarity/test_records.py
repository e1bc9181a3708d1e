"""Copies are found whatever was done to them; different recordings are not taken for copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.signal import butter, resample_poly, sosfiltfilt

from benchmarks.audit import _counts, _shapes
from components.audit.similarity.anchors import MOST, cut_windows, find_anchors
from components.audit.similarity.banding import candidates
from components.audit.similarity.basis import fit_basis
from components.audit.similarity.correlate import coarse, concentration, correlations
from components.audit.similarity.records import Signals, compare, nearest, sketch
from components.audit.similarity.traces import Traces, make_traces

N = 60
FS = 500


def recordings() -> np.ndarray:
    """Return `[60, 8, 5000]` counts of different people."""
    shapes = _shapes()
    return np.stack([_counts(64 * n, shapes) for n in range(N)]).astype(float)


def traces(counts: np.ndarray, fs: float = FS) -> Traces:
    whole = np.rint(counts).clip(-32767, 32767).astype(np.int16)
    valid = np.tile(np.array([0, whole.shape[2]], np.int32), (len(whole), 1))
    return make_traces(whole, np.ones(whole.shape[:2], np.bool_), valid, fs)


def joined(one: Traces, two: Traces) -> Traces:
    length = min(one.signal.shape[2], two.signal.shape[2])
    return Traces(
        signal=np.concatenate([t.signal[..., :length] for t in (one, two)]),
        valid=np.concatenate([t.valid for t in (one, two)]).clip(max=length),
        fs=one.fs,
    )


def take(all_: Traces, rows: np.ndarray) -> Traces:
    return Traces(signal=all_.signal[rows], valid=all_.valid[rows], fs=all_.fs)


def found(all_: Traces) -> dict[tuple[int, int], float]:
    """Return the correlation of every candidate pair of the first and the second half."""
    record, sample = find_anchors(all_)
    windows = cut_windows(all_, record, sample)
    vectors = fit_basis(windows).sketch(windows)
    pairs = candidates(vectors, record, lambda a, b: (a < N) & (b >= N), least=0.8)
    one, two = take(all_, pairs.left), take(all_, pairs.right)
    _, lag = coarse(one, two, sample[pairs.left_sketch] - sample[pairs.right_sketch])
    r = correlations(one, two, lag)
    return dict(
        zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), r.tolist(), strict=True)
    )


def filtered(x: np.ndarray) -> np.ndarray:
    return sosfiltfilt(butter(2, (0.5, 40), "band", fs=FS, output="sos"), x, axis=2)


ALTERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the same": lambda x: x,
    "gain and offset": lambda x: 0.6 * x + 300,
    "gain per lead": lambda x: x * np.linspace(0.5, 1.5, 8)[:, None],
    "noise": lambda x: x + np.random.default_rng(5).normal(0, 20, x.shape),
    "a quarter of the rate": lambda x: resample_poly(resample_poly(x, 1, 4, axis=2), 4, 1, axis=2),
    "another filter": filtered,
    "a later start": lambda x: x[..., 777:],
    "all at once": lambda x: 1.3 * filtered(x)[..., 333:] + 80
    + np.random.default_rng(5).normal(0, 15, x[..., 333:].shape),
}  # fmt: skip


@pytest.mark.parametrize("how", list(ALTERED))
def test_altered_copies_are_found_and_nothing_else(how: str) -> None:
    original = recordings()
    found_ = found(joined(traces(original), traces(ALTERED[how](original))))
    copies = {(n, n + N) for n in range(N)}
    hits = {pair for pair, r in found_.items() if r >= 0.95}
    assert len(hits & copies) >= 0.95 * N
    assert not hits - copies


def test_another_sampling_rate() -> None:
    original = recordings()
    slow = traces(resample_poly(original, 1, 2, axis=2), 250)
    hits = {pair for pair, r in found(joined(traces(original), slow)).items() if r >= 0.95}
    assert {(n, n + N) for n in range(N)} >= hits
    assert len(hits) >= 0.95 * N


def test_traces_are_blind_to_gain_padding_and_missing_leads() -> None:
    whole = np.rint(recordings()[:3]).astype(np.int16)
    mask = np.ones((3, 8), np.bool_)
    mask[1, 2] = False
    valid = np.array([[0, 5000], [0, 5000], [402, 4603]], np.int32)
    made = make_traces(whole, mask, valid, FS)
    assert made.fs == 125
    assert made.valid.tolist() == [[0, 1250], [0, 1250], [101, 1150]]
    assert not made.signal[1, 2].any()
    assert not made.signal[2, :, :101].any()
    assert not made.signal[2, :, 1150:].any()
    np.testing.assert_allclose(made.signal[0].mean(axis=1), 0, atol=0.05)
    np.testing.assert_allclose(made.signal[0].std(axis=1), 1, atol=0.2)
    double = make_traces(2 * whole, mask, valid, FS)
    np.testing.assert_allclose(double.signal, made.signal, atol=1e-3)


def test_anchors_are_beats_whose_window_is_real() -> None:
    made = traces(recordings()[:5])
    record, sample = find_anchors(made)
    assert set(record) == set(range(5))
    assert np.bincount(record).max() <= MOST
    assert sample.min() >= 25
    assert sample.max() <= 1250 - 350
    assert cut_windows(made, record, sample).shape == (len(record), 8 * 188)


def test_too_little_in_common_is_no_correlation() -> None:
    made = traces(recordings()[:2])
    same = Traces(signal=made.signal[[0, 0]], valid=made.valid[[0, 0]], fs=made.fs)
    one, two = take(same, np.array([0])), take(same, np.array([1]))
    assert correlations(one, two, np.array([0]))[0] == pytest.approx(1, abs=1e-3)
    assert coarse(one, two, np.array([1]))[1].tolist() == [0]
    assert correlations(one, two, np.array([600])) == -1  # 5.2 s in common
    assert coarse(one, two, np.array([600]))[0] == -1
    few = one.signal.copy()
    few[:, 3:] = 0
    bare = Traces(signal=few, valid=one.valid, fs=one.fs)
    assert correlations(bare, two, np.array([0])) == -1  # three of eight leads
    few[:, :5] = one.signal[:, :5]
    assert correlations(bare, two, np.array([0])) == pytest.approx(1, abs=1e-3)


def test_one_shared_artefact_does_not_make_a_copy() -> None:
    one, two = recordings()[:1], recordings()[1:2]
    for x in (one, two):
        x[..., 2000:2300] += 20_000
    pair = traces(one), traces(two)
    assert coarse(*pair, np.array([0]))[0] > 0.8
    assert correlations(*pair, np.array([0])) < 0.5


class Reader:
    """What `Signals` asks of a `TensorReader`, of one shard."""

    def __init__(self, counts: np.ndarray, valid: tuple[int, int]) -> None:
        self.counts = np.rint(counts).astype(np.int16)
        self.bounds = np.tile(np.array(valid, np.int32), (len(counts), 1))

    def ecg(self, shard: np.ndarray, row: np.ndarray) -> np.ndarray:
        return self.counts[row]

    def lead_mask(self, shard: np.ndarray, row: np.ndarray) -> np.ndarray:
        return np.ptp(self.counts[row], axis=2) > 0

    def valid(self, shard: np.ndarray, row: np.ndarray) -> np.ndarray:
        return self.bounds[row]


def signals(counts: np.ndarray, valid: tuple[int, int] = (0, 5000)) -> Signals:
    frame = pd.DataFrame({"shard": 0, "shard_row": np.arange(len(counts))})
    reader: Any = Reader(counts, valid)
    return Signals(frame, reader, FS)


@pytest.mark.parametrize(
    ("counts", "valid"),
    [(recordings()[:4], (0, 2900)), (np.zeros((4, 8, 5000)), (0, 5000))],
    ids=["shorter than six seconds", "flat"],
)
def test_what_cannot_be_compared_has_no_sketch(counts: np.ndarray, valid: tuple[int, int]) -> None:
    none = signals(counts, valid)
    sketches = sketch(none)
    assert len(sketches.record) == 0
    pairs = candidates(sketches.vectors, sketches.record, lambda a, b: a < b, least=0.5)
    assert [len(each) for each in compare(none, sketches, pairs)] == [0, 0]
    some = np.array([0, 1])
    assert len(nearest(none, sketches, some, some)) == 0


def test_the_nearest_of_a_copy_is_what_it_is_a_copy_of() -> None:
    original = recordings()[:20]
    own = signals(np.concatenate([original, 0.8 * original[:5]]))
    sketches = sketch(own)
    found = nearest(own, sketches, np.arange(20, 25), np.arange(20))
    assert (found > 0.99).all()
    others = nearest(own, sketches, np.arange(5, 10), np.setdiff1d(np.arange(20), np.arange(5, 10)))
    assert (others < 0.95).all()


def test_what_differs_in_a_copy_lies_everywhere_and_in_anothers_beats_in_the_complexes() -> None:
    time = np.arange(5000) / FS
    noise = np.random.default_rng(2).normal(0, 10, (3, 1, 8, 5000))

    def beats(width: float) -> np.ndarray:
        wave = 1000 * np.exp(-(((time % 0.8 - 0.4) / width) ** 2))
        return wave * np.linspace(0.5, 1.5, 8)[None, :, None]

    own = traces(beats(0.020) + noise[0])
    copy, other = traces(beats(0.020) + noise[1]), traces(beats(0.026) + noise[2])
    lag = np.array([0])
    assert correlations(own, other, lag)[0] > 0.95
    assert concentration(own, copy, lag)[0] < 1.5
    assert concentration(own, other, lag)[0] > 4
