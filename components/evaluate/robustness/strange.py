"""Recordings made strange: what a model should know that it has never seen.

A wrong rate in the header, loose electrodes, exchanged electrodes, and signals that are no ECG at
all. Signals made here take the root mean square of the record whose place they take, so that the
amplitude alone gives nothing away.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from components.core.signals.resample import resample
from components.evaluate.robustness.heart_sound import heart_sound
from components.evaluate.robustness.noise import filtered, record_rms
from components.evaluate.robustness.recordings import (
    Change,
    Condition,
    Flags,
    Recordings,
    Setup,
    Values,
)

KIND = "Strangeness"
_FLAT = (2, 4)
_SWAPS = (("V1", "V6"), ("I", "II"))
# Exchanged arms: the limb leads that stand in each other's place; lead I is turned round.
_ARMS = {"II": "III", "III": "II", "aVR": "aVL", "aVL": "aVR"}


def conditions(setup: Setup) -> Iterator[Condition]:
    """Yield every strangeness that the task's leads can show."""
    yield _condition("double_speed", "recorded at half the rate declared", _faster(setup.fs),
                     "half of the record at double speed, twice")  # fmt: skip
    yield _condition("half_speed", "recorded at twice the rate declared", _slower(setup.fs),
                     "half of the record at half the speed")  # fmt: skip
    for count in _FLAT:
        if count < len(setup.leads):
            yield _condition(f"flat_{count}", f"{count} flat leads", _flat(setup, count),
                             "drawn for each record; in use they count as recorded")  # fmt: skip
    for one, other in _SWAPS:
        if {one, other} <= set(setup.leads):
            yield _condition(f"swapped_{one}_{other}", f"{one} and {other} exchanged",
                             _swapped(setup, one, other), "")  # fmt: skip
    if {"I", "II"} <= set(setup.leads):
        yield _condition("arms", "arm electrodes exchanged", _arms(setup), "")
    yield _condition("heart_sound", "a heart sound in place of the ECG", _sound(setup),
                     "made: bursts of S1 and S2, on all leads")  # fmt: skip
    yield _condition("white_noise", "white noise in place of the ECG", _noise(setup), "")


def _condition(key: str, title: str, change: Change, remark: str) -> Condition:
    return Condition(kind=KIND, key=key, title=title, change=change, remark=remark)


def _faster(fs: float) -> Change:
    """Return what reads a record of half the rate: two beats lie where one should.

    The record has only as many seconds as it has, so that they are read twice; the seam is a step.
    """

    def change(values: Values) -> Values:
        # A device of half the rate filters as it samples, and so does the resampler.
        half = resample(values, fs, fs / 2)
        return np.concatenate([half, half], axis=-1)

    return _between_ends(change)


def _slower(fs: float) -> Change:
    """Return what reads a record of twice the rate: it lasts twice as long, half of it fits."""

    def change(values: Values) -> Values:
        half = -(-values.shape[-1] // 2)
        return resample(values[..., :half], fs, 2 * fs)

    return _between_ends(change)


def _between_ends(change: Callable[[Values], Values]) -> Change:
    """Return the change of each record between its own ends; padding is no signal."""

    def whole(recordings: Recordings) -> Recordings:
        values = np.zeros_like(recordings.values)
        for start, stop in np.unique(recordings.valid, axis=0).tolist():
            rows = np.flatnonzero((recordings.valid == (start, stop)).all(axis=1))
            if stop > start:
                made = change(recordings.values[rows, :, start:stop])
                values[rows, :, start:stop] = made[..., : stop - start]
        return replace(recordings, values=values)

    return whole


def _flat(setup: Setup, count: int) -> Change:
    """Return the loss of `count` leads: preparation masks a lead that does not move."""

    def change(recordings: Recordings) -> Recordings:
        kept = recordings.lead_mask.copy()
        for place, rng in enumerate(_streams(recordings, setup, "flat")):
            # The same order for every count: four flat leads hold the two.
            kept[place, rng.permutation(kept.shape[1])[:count]] = False
        return _masked(recordings, kept)

    return change


def _swapped(setup: Setup, one: str, other: str) -> Change:
    order = np.arange(len(setup.leads))
    a, b = setup.leads.index(one), setup.leads.index(other)
    order[[a, b]] = b, a

    def change(recordings: Recordings) -> Recordings:
        return replace(
            recordings,
            values=recordings.values[:, order],
            lead_mask=recordings.lead_mask[:, order],
        )

    return change


def _arms(setup: Setup) -> Change:
    """Return what exchanged arms record: I turned round, II and III, aVR and aVL exchanged.

    The chest leads stay, since the mean of the limbs does (Einthoven, Wilson).
    """
    place = {lead: row for row, lead in enumerate(setup.leads)}

    def change(recordings: Recordings) -> Recordings:
        values, mask = recordings.values.copy(), recordings.lead_mask.copy()
        first, second = recordings.values[:, place["I"]], recordings.values[:, place["II"]]
        values[:, place["I"]] = -first
        third = second - first
        limb = {"II": second, "III": third, "aVR": -(first + second) / 2, "aVL": first - second / 2}
        both = recordings.lead_mask[:, place["I"]] & recordings.lead_mask[:, place["II"]]
        for lead, taken in _ARMS.items():
            if lead in place:
                values[:, place[lead]] = limb[taken]
                mask[:, place[lead]] = both
        return _masked(replace(recordings, values=values), mask)

    return change


def _sound(setup: Setup) -> Change:
    def change(recordings: Recordings) -> Recordings:
        length = recordings.values.shape[2]
        made = [
            np.broadcast_to(heart_sound(rng, length, fs=setup.fs), recordings.values.shape[1:])
            for rng in _streams(recordings, setup, "heart_sound")
        ]
        return _replaced(recordings, setup, np.stack(made).astype(np.float32))

    return change


def _noise(setup: Setup) -> Change:
    def change(recordings: Recordings) -> Recordings:
        shape = recordings.values.shape[1:]
        streams = _streams(recordings, setup, "white_noise")
        return _replaced(
            recordings, setup, np.stack([rng.standard_normal(shape, np.float32) for rng in streams])
        )

    return change


def _replaced(recordings: Recordings, setup: Setup, made: Values) -> Recordings:
    """Return recordings that hold `made` `[B, K, L]` at each record's own root mean square."""
    made = filtered(made, setup)
    made = made / np.sqrt(np.square(made).mean(axis=(1, 2), keepdims=True))
    values = made * record_rms(recordings)[:, None, None] * recordings.real()
    return replace(recordings, values=values.astype(np.float32))


def _masked(recordings: Recordings, kept: Flags) -> Recordings:
    return replace(recordings, values=recordings.values * kept[:, :, None], lead_mask=kept)


def _streams(recordings: Recordings, setup: Setup, name: str) -> Iterator[np.random.Generator]:
    """Yield each record's own stream: neither the batch nor the other records change it."""
    for record in recordings.ids:
        keys = (setup.config.seed, zlib.crc32(name.encode()), zlib.crc32(record.encode()))
        yield np.random.default_rng(keys)
