"""The heart sounds: timed by the beats, and holding what was planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.signal import butter, sosfiltfilt

from components.ingest.synthetic.media.heart_sound import FS, MURMUR_HZ, S3_HZ, Chest, sound, timing
from components.ingest.synthetic.media.microphone import Room, draw_room, recorded, samples, wav
from components.ingest.synthetic.rhythm import Rhythm
from components.ingest.synthetic.streams import stream
from tests.ingest.synthetic.test_generate import manifest_of

FloatArray = npt.NDArray[np.float64]


def even(rr: float = 0.8) -> Rhythm:
    times = np.arange(0.2, 10.4, rr)
    return Rhythm(r_times=times, rr=np.full(len(times), rr), ectopic=np.zeros(len(times), np.bool_))


def heard(murmur: float = -9.0, s3: float = -9.0, site: str = "MV") -> FloatArray:
    chest = Chest(murmur=murmur, s3=s3, rate=75.0)
    return sound(chest, even(), site=site, rng=stream(2, "heard"))[0]


def band(signal: FloatArray, hertz: tuple[float, float]) -> FloatArray:
    return sosfiltfilt(butter(3, hertz, btype="band", fs=FS, output="sos"), signal)


def loudness(signal: FloatArray, starts: list[float], low: float, high: float) -> float:
    """Return the median root mean square of a window after each of `starts`, s."""
    parts = [signal[round((s + low) * FS) : round((s + high) * FS)] for s in starts]
    return float(np.median([np.sqrt(np.mean(each**2)) for each in parts if len(each) > 100]))


def test_systole_is_that_of_weissler() -> None:
    first, second = timing(even(), 75.0)
    # QS2 = 546 - 2.1 * 75 = 388.5 ms from Q, which lies 40 ms before R.
    assert (second - even().r_times)[:-1] == pytest.approx(0.3485)
    assert first - even().r_times == pytest.approx(0.03)


def test_s2_never_comes_after_the_next_beat() -> None:
    first, second = timing(even(0.35), 75.0)
    assert (second[:-1] < first[1:]).all()


def test_beats_are_where_the_sound_is() -> None:
    signal, found = sound(Chest(murmur=-9, s3=-9, rate=75), even(), site="MV", rng=stream(1, "s"))
    for start in (*found.s1, *found.s2):
        inside = np.abs(signal[round(start * FS) : round((start + 0.06) * FS)]).max()
        before = np.abs(signal[max(0, round((start - 0.03) * FS)) : round(start * FS)]).max()
        assert inside > 5 * before


def test_murmur_fills_systole_and_grows_with_its_score() -> None:
    _, times = sound(Chest(murmur=0, s3=0, rate=75), even(), site="MV", rng=stream(1, "s"))
    levels = [
        loudness(band(heard(murmur=score), MURMUR_HZ), times.s1, 0.12, 0.28)
        for score in (-1, 0, 1, 2)
    ]
    ratio = np.diff(np.log(levels))
    assert ratio == pytest.approx([0.65] * 3, abs=0.05)
    loud = band(heard(murmur=2), MURMUR_HZ)
    assert loudness(loud, times.s2, 0.15, 0.35) < levels[-1] / 20


@pytest.mark.parametrize("site", ["AV", "PV", "TV"])
def test_murmur_is_loudest_at_the_apex(site: str) -> None:
    starts = (even().r_times + 0.03).tolist()
    apex, other = (
        loudness(band(heard(murmur=2, site=each), MURMUR_HZ), starts, 0.12, 0.28)
        for each in ("MV", site)
    )
    assert other < 0.8 * apex


def test_third_sound_follows_s2_and_grows_with_its_score() -> None:
    starts = timing(even(), 75.0)[1][:-2].tolist()
    soft, loud = (
        loudness(band(heard(s3=score), S3_HZ), starts, 0.15, 0.21) for score in (0.0, 2.0)
    )
    assert np.log(loud / soft) == pytest.approx(1.0, abs=0.15)


def test_wav_keeps_its_counts() -> None:
    counts = np.array([0, 1, -32768, 32767], np.int16)
    assert (samples(wav(counts)) == counts).all()


def test_rooms_add_what_they_tell() -> None:
    rooms = [draw_room(stream(1, "room", i), nuisance=True) for i in range(400)]
    speech = np.mean(["speech" in room.flags() for room in rooms])
    assert 0.08 < speech < 0.17
    assert draw_room(stream(1, "room", 0), nuisance=False) == Room()
    clean = heard()
    still = recorded(clean, Room(), stream(1, "r"))
    for room in (Room(noise=0.05), Room(speech=True), Room(friction=True)):
        other = recorded(clean, room, stream(1, "r"))
        assert np.abs(other.astype(float) - still).max() > 100


def test_planted_scores_can_be_measured_in_the_files(clinic: Path) -> None:
    """Despite noise, voices, gains and stethoscopes: rank correlations over some 50 patients."""
    truth = pq.read_table(clinic / "truth.parquet").to_pandas()
    rows: list[tuple[float, float, float, float]] = []
    for cell, row in zip(manifest_of(clinic).pcg_audio, truth.itertuples(), strict=True):
        if not cell or row.broken in {"empty_sound", "short_sound"}:
            continue
        content = (clinic / cell.split(";")[0].rpartition("=")[2]).read_bytes()
        signal = samples(content).astype(np.float64)
        s1, s2 = list(row.pcg_s1_s[0]), list(row.pcg_s2_s[0])
        height = loudness(signal, s1, 0.0, 0.08)
        murmur = loudness(band(signal, MURMUR_HZ), s1, 0.12, 0.22) / height
        third = loudness(band(signal, S3_HZ), s2, 0.15, 0.20) / height
        rows.append((murmur, row.score_murmur, third, row.score_s3))
    found = pd.DataFrame(rows).corr(method="spearman").to_numpy()
    assert len(rows) > 40
    assert found[0, 1] > 0.8
    assert found[2, 3] > 0.4
