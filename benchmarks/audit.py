"""Find near-identical recordings across the parts of a split, against comparing all pairs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.harness.cohort import FS, GAIN, LENGTH
from benchmarks.harness.row import Comparison, Outcome, Row, Values
from components.core.data import foldstats
from components.core.data.cohort import stats_path
from components.core.data.tensors import TensorReader, write_tensors
from components.core.schemas import MANIFEST, SHARDS
from components.core.signals.leads import LEADS8
from components.core.store import Stage

# One record in so many comes again with another gain, noise and start.
_COPY_EVERY = 64
_SHARD = 1024
# Beats that recordings are put together from; each recording mixes three with weights of its own.
_SHAPES = 256
# Queries that the peer is timed on; the whole is extrapolated from them.
_QUERIES = 100


def _prepare(folder: Path, size: int) -> None:
    write_cohort(folder, size)


def write_cohort(folder: Path, size: int) -> None:
    """Write a prepared cohort of different recordings, a few of them near copies."""
    shapes = _shapes()
    (folder / SHARDS).mkdir()
    for shard, first in enumerate(range(0, size, _SHARD)):
        ecg = np.stack([_counts(n, shapes) for n in range(first, min(first + _SHARD, size))])
        count = np.full(ecg.shape[:2], float(LENGTH))
        mean, squares = ecg.mean(axis=2) / GAIN, ecg.var(axis=2) * LENGTH / GAIN**2
        write_tensors(
            folder / SHARDS / f"{shard:05d}.h5",
            ecg=ecg,
            scale=np.full(ecg.shape[:2], 1 / GAIN, np.float32),
            lead_mask=np.ones(ecg.shape[:2], np.bool_),
            valid=np.tile(np.array([0, LENGTH], np.int32), (len(ecg), 1)),
            moments=np.stack([count, mean, squares], axis=2),
            facts={"fs": FS, "leads": ";".join(LEADS8), "unit": "mV"},
        )
    _write_manifest(folder, size)


def _shapes() -> npt.NDArray[np.float32]:
    """Return `[256, 8, 500]`: P, QRS and T of 1 s, other amplitudes and widths in each."""
    rng = np.random.default_rng(0)
    time_ = np.arange(FS) / FS
    out = np.zeros((_SHAPES, len(LEADS8), FS), np.float32)
    for at, width, height in ((0.2, 0.03, 0.1), (0.36, 0.012, -0.2), (0.38, 0.012, 0.9),
                              (0.41, 0.012, -0.4), (0.65, 0.06, 0.25)):  # fmt: skip
        centre = at + rng.normal(0, 0.015, (_SHAPES, 1, 1))
        spread = width * np.exp(rng.normal(0, 0.3, (_SHAPES, 1, 1)))
        gain = height + abs(height) * rng.normal(0, 0.7, (_SHAPES, len(LEADS8), 1))
        out += (gain * np.exp(-(((time_ - centre) / spread) ** 2) / 2)).astype(np.float32)
    return out


def _counts(number: int, shapes: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Return recording `number` `[8, 5000]` in counts of 1 µV."""
    original = number - 1 if number % _COPY_EVERY == 1 else number
    rng = np.random.default_rng(original)
    beat = np.tensordot(rng.normal(0.33, 0.3, 3), shapes[rng.integers(0, _SHAPES, 3)], 1)
    signal = np.zeros((len(LEADS8), LENGTH + 2 * FS), np.float32)
    onset, rate = rng.uniform(0, 1), rng.uniform(0.6, 1.2)
    while onset < 11:
        start = int(onset * FS)
        signal[:, start : start + FS] += beat[:, : signal.shape[1] - start]
        onset += rate * np.exp(rng.normal(0, 0.06))
    signal = signal[:, FS // 2 : FS // 2 + LENGTH]
    rng = np.random.default_rng([number, 1])
    if original != number:
        cut = int(rng.integers(50, 500))
        signal = np.concatenate([signal[:, cut:], signal[:, :cut]], axis=1) * rng.uniform(0.7, 1.4)
    noise = 0.01 * rng.standard_normal(signal.shape, dtype=np.float32)
    return np.rint((signal + noise) * GAIN).clip(-32767, 32767).astype(np.int16)


def _write_manifest(folder: Path, size: int) -> None:
    number = np.arange(size)
    frame = pd.DataFrame(
        {
            "sample_id": [f"r{n}" for n in number],
            "patient_id": [f"p{n}" for n in number],
            "row": number + 2,
            "label": pd.Series(number % 10 == 0, dtype="Int8"),
            "censored": False,
            "ecg_sha256": [f"{n:064x}" for n in number],
            "shard": number // _SHARD,
            "shard_row": number % _SHARD,
            "part.holdout": _parts(number),
        }
    )
    frame.to_parquet(folder / MANIFEST, index=False)
    train = frame[frame["part.holdout"] == "train"]
    reader = TensorReader(folder / SHARDS, sorted(set(frame["shard"])))
    stats = foldstats.fit_fold("holdout", train, [], reader, LEADS8)
    path = stats_path(folder, "holdout")
    path.parent.mkdir()
    foldstats.save(stats, path)


def _parts(number: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """Return 70/15/15; copies are tested, what they are copies of is trained on."""
    drawn = np.select([number % 20 < 14, number % 20 < 17], ["train", "val"], "test")
    place = number % _COPY_EVERY
    return np.where(place == 1, "test", np.where(place == 0, "train", drawn))


def stage_of(folder: Path) -> Stage:
    """Return the cohort as a stage."""
    facts = {
        "modalities": ["ecg"], "features": [], "folds": ["holdout"],
        "ecg": {"fs": FS, "leads": list(LEADS8), "window_days": None},
    }  # fmt: skip
    return Stage(
        folder=folder, component="preprocess", fingerprint="", config={}, inputs={}, facts=facts
    )


def _apart(size: int) -> npt.NDArray[np.bool_]:
    return np.arange(size) % _COPY_EVERY == 1


def _found(rows: list[int], size: int) -> Values:
    """Return the number of copies found, and of recordings."""
    return np.array([len(set(rows)), size], dtype=np.float64)


def _ours(folder: Path, size: int) -> Outcome:
    from components.audit.checks import near_identical_signals as check
    from components.audit.finding import Audited
    from components.core.config.sections import AuditConfig, LabelConfig

    label = LabelConfig(name="toy", definition="toy", prediction_time="day 0")
    audited = Audited(
        stage=stage_of(folder), manifest=pd.read_parquet(folder / MANIFEST), label=label,
        config=AuditConfig(), test_looks=0,
    )  # fmt: skip
    start = time.perf_counter()
    finding = check.check(audited)
    seconds = time.perf_counter() - start
    copies = [pair["of_row"] for pair in finding.evidence["listed"]]
    facts = {"candidates": f"{finding.evidence['candidate_pairs']:,}"}
    return Outcome(seconds=seconds, units=size, result=_found(copies, size), facts=facts)


def _peer(folder: Path, size: int) -> Outcome:
    """Compare held-out recordings with all others: best normalised cross-correlation by FFT."""
    from scipy.fft import irfft, next_fast_len, rfft

    frame = pd.read_parquet(folder / MANIFEST)
    start = time.perf_counter()
    reader = TensorReader(folder / SHARDS, sorted(set(frame["shard"])))
    spectra = []
    length = next_fast_len(2 * (LENGTH // 4), real=True)
    for shard in sorted(set(frame["shard"])):
        rows = frame.index[frame["shard"] == shard].to_numpy()
        counts = reader.ecg(np.full(len(rows), shard), rows % _SHARD)
        x = counts.reshape(*counts.shape[:2], -1, 4).mean(axis=3, dtype=np.float32)
        x -= x.mean(axis=2, keepdims=True)
        x /= np.sqrt((x * x).sum(axis=(1, 2), keepdims=True))
        spectra.append(rfft(x, length, axis=2))
    spectrum = np.concatenate(spectra)
    loaded = time.perf_counter() - start
    queries = np.flatnonzero(_apart(size))
    timed = queries[:: max(1, len(queries) // _QUERIES)][:_QUERIES]
    start = time.perf_counter()
    hits = 0
    for query in timed:
        best = np.full(size, -1.0)
        for first in range(0, size, 256):
            cross = (spectrum[first : first + 256] * np.conj(spectrum[query])).sum(axis=1)
            best[first : first + 256] = irfft(cross, length, axis=1).max(axis=1)
        best[query] = -1
        hits += int(best.argmax() == query - 1)
    # The loading once; every pair across parts has a recording that is validated or tested.
    asked = int((frame["part.holdout"] != "train").sum())
    seconds = loaded + (time.perf_counter() - start) / len(timed) * asked
    found = round(hits / len(timed) * len(queries))
    return Outcome(seconds=seconds, units=size, result=np.array([found, size], dtype=np.float64))


ROW = Row(
    name="audit",
    unit="recordings",
    sizes=(1_024, 4_096, 16_384),
    quick=(128, 192, 256),
    prepare=_prepare,
    work=lambda size: size,
    sides={"ours": _ours, "all pairs": _peer},
    comparisons=(
        Comparison(
            work="near-identical recordings across parts among {size} 10 s 8-lead ECGs",
            ours="ours", other="all pairs", ratio=10,
            peer="cross-correlation of all pairs across parts by scipy's FFT",
        ),
    ),
    notes=(
        f"One recording in {_COPY_EVERY} is a copy with another gain, noise and start. The peer's "
        "candidate for a copy is the best of all; ours is what the audit reports.",
        f"The peer is timed on at most {_QUERIES} recordings and extrapolated to those of the "
        "validation and test part; it compares at 125 Hz, for which all spectra fit into memory.",
    ),
)  # fmt: skip
