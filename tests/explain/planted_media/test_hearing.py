"""Murmur and third sound in the log-mel array, against sounds that hold nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.media.config import SoundConfig
from components.core.media.sound import log_mel
from components.core.readers.audio import Sound
from components.explain.planted_media.hearing import Heard, cells, frames, windows_of
from components.ingest.synthetic.media import heart_sound
from components.ingest.synthetic.media.heart_sound import FS, SECONDS, Chest, sound
from components.ingest.synthetic.rhythm import Rhythm

CONFIG = SoundConfig()
QUIET = -20.0
MURMUR_HZ = (150.0, 400.0)
THIRD_HZ = heart_sound.S3_HZ
AFTER = (heart_sound.S3_DELAY, heart_sound.S3_DELAY + heart_sound.S3_WIDTH)


def rhythm() -> Rhythm:
    times = np.arange(-0.5, SECONDS + 1, 0.85)
    return Rhythm(r_times=times, rr=np.full(len(times), 0.85), ectopic=np.zeros(len(times), bool))


def heard_and_power(*, murmur: float = QUIET, s3: float = QUIET) -> tuple[Heard, np.ndarray]:
    """Return a recording's beats, and `[W, M, T]` power of what one sound adds to the others."""
    chest = Chest(murmur=QUIET, s3=QUIET, rate=60 / 0.85)
    plain, own = sound(chest, rhythm(), site="MV", rng=np.random.default_rng(0))
    louder, _ = sound(
        replace(chest, murmur=murmur, s3=s3), rhythm(), site="MV", rng=np.random.default_rng(0)
    )
    made = log_mel([Sound(values=(louder - plain).astype(np.float32), fs=FS, lsb=1.0)], CONFIG)
    power = 10 ** (made.values.astype(np.float64) / 10)
    power[~made.valid] = 0
    return Heard(s1=tuple(own.s1), s2=tuple(own.s2), seconds=SECONDS), power


def share(power: np.ndarray, mask: np.ndarray) -> float:
    return float((power * mask).sum() / power.sum())


def moved(heard: Heard, by: float) -> Heard:
    return replace(heard, s1=tuple(t + by for t in heard.s1), s2=tuple(t + by for t in heard.s2))


def test_the_murmur_lies_in_its_cells() -> None:
    heard, power = heard_and_power(murmur=3.0)
    mask = cells([heard], [heard.systoles], MURMUR_HZ, CONFIG)
    later = moved(heard, 0.4)
    assert mask[:2].mean() < 0.25
    assert share(power, mask) > 0.85
    assert share(power, cells([later], [later.systoles], MURMUR_HZ, CONFIG)) < 0.3


def test_the_third_sound_lies_in_its_cells() -> None:
    heard, power = heard_and_power(s3=3.0)
    mask = cells([heard], [heard.third_sounds(AFTER)], THIRD_HZ, CONFIG)
    later = moved(heard, 0.2)
    assert mask[:2].mean() < 0.015
    assert share(power, mask) > 0.65
    assert share(power, cells([later], [later.third_sounds(AFTER)], THIRD_HZ, CONFIG)) < 0.05


def test_absent_windows_hold_nothing_and_recordings_take_turns() -> None:
    first = Heard(s1=(0.5, 5.5), s2=(0.8, 5.8), seconds=10.0)
    other = Heard(s1=(1.0,), s2=(1.4,), seconds=7.0)
    found = windows_of([first, other], CONFIG)
    assert [(each.recording, each.start) for each in found] == [(0, 0.0), (1, 0.0), (0, 5.0)]
    mask = cells([first, other], [first.systoles, other.systoles], (25.0, 400.0), CONFIG)
    assert not mask[3:].any()
    hop = CONFIG.hop_s
    np.testing.assert_allclose(mask.sum((1, 2))[:3] / CONFIG.mels * hop, [0.3, 0.4, 0.3])


def test_frames_share_a_span_by_their_steps() -> None:
    config = SoundConfig(window_s=1.0, hop_s=0.1, windows=1)
    (window,) = windows_of([Heard(s1=(), s2=(), seconds=3.0)], config)
    found = frames(window, [(0.12, 0.35)], config)
    # Steps reach from 0.05 to 0.15, to 0.25, to 0.35.
    np.testing.assert_allclose(found, [0, 0.3, 1, 1, 0, 0, 0, 0, 0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(frames(window, [(0.0, 0.03)], config)[0], 0.6)


def test_a_recording_shorter_than_a_window_comes_again() -> None:
    config = SoundConfig(window_s=5.0, windows=2)
    short = Heard(s1=(0.5,), s2=(0.9,), seconds=2.0)
    (window,) = windows_of([short], config)
    assert (window.start, window.seconds) == (0.0, 2.0)
    found = frames(window, short.systoles, config)
    assert found.sum() * config.hop_s == pytest.approx(3 * 0.4)
    at = np.flatnonzero(found == 1) * config.hop_s
    assert {round(float(t)) for t in at // 2.0} == {0, 1, 2}


def test_a_systole_that_began_before_the_recording_lasts_from_its_start() -> None:
    assert Heard(s1=(1.0,), s2=(0.2, 1.3), seconds=2.0).systoles == [(0.0, 0.2), (1.0, 1.3)]


@pytest.mark.parametrize(("s1", "s2"), [((0.1, 1.0), (0.4,)), ((0.5,), (0.4,)), ((), (0.1, 0.5))])
def test_sounds_that_make_no_beats_are_refused(
    s1: tuple[float, ...], s2: tuple[float, ...]
) -> None:
    with pytest.raises(InputError, match=r"first and \d second sounds of a recording that make no"):
        _ = Heard(s1=s1, s2=s2, seconds=2.0).systoles
