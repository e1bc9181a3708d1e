"""From a recording to the fixed-length leads a model sees: one code path for training and serving.

Cut off a calibration pulse → pick leads → window → millivolts → judge quality → resample → filter
→ mask flat leads → fixed length. L is the length in samples, shapes are `[leads, L]`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError
from components.core.signals import calibration, filters
from components.core.signals import resample as rate
from components.core.signals.assess import judge, strip_of
from components.core.signals.fixed import fit_length
from components.core.signals.leads import select
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.quality import Quality, unjudged
from components.core.signals.signal import Signal
from components.core.signals.units import check_amplitude, check_fs, mask_non_finite

# mV; a tenth of the smallest plausible amplitude, and far above what float32 leaves of a constant.
_FLAT = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """Fixed-length leads.

    Attributes:
        values: `[leads, L]` float32 in the configured unit; exactly 0 in padding and masked leads.
        lead_mask: `[leads]`, True where the lead is real.
        start: first real sample.
        stop: one past the last real sample.
        flags: what was done or found, for the manifest.
        lsb: `[leads]` float32, the device's gain where values still are whole counts, else NaN.
        quality: of the window, as recorded: before resampling and filters.
    """

    values: npt.NDArray[np.float32]
    lead_mask: npt.NDArray[np.bool_]
    start: int
    stop: int
    flags: dict[str, bool]
    lsb: npt.NDArray[np.float32]
    quality: Quality


def prepare(signal: Signal, config: PrepareConfig) -> Prepared:
    """Return the configured leads of `signal` at the configured rate, unit and length.

    Longer recordings give their centre, shorter ones are padded with zeros on both sides.

    Raises:
        RecordError: `wrong_unit`, `absurd_fs`, `too_short`, `no_ecg_leads`, `too_few_leads`,
            `nan_samples`, `implausible_amplitude`, `duplicate_lead`.
    """
    recorded = signal.samples
    check_fs(signal.fs)
    signal = _without(signal, calibration.real_part(signal))
    _check(signal, config)
    window, skipped, wanted = _window(signal, config)
    values, present = select(window, config.leads)
    _check_count(signal, present, config)
    mask = mask_non_finite(values, present)
    quality = _quality(window, values, mask, config, skipped=skipped, wanted=wanted)
    values = _changed(values, signal.fs, config)[:, skipped : skipped + wanted]
    fitted, start, stop = fit_length(values, config.length)
    own = signal.fs == config.fs and signal.is_integer and not config.is_filtered
    live = _mask_flat(fitted, mask, slice(start, stop), config)
    return Prepared(
        values=fitted,
        lead_mask=live,
        start=start,
        stop=stop,
        flags={
            "resampled": signal.fs != config.fs,
            "cropped": rate.output_length(signal.samples, signal.fs, config.fs) > config.length,
            "padded": stop - start < config.length,
            "derived_lead": bool((present & ~_is_recorded(signal, config)).any()),
            "missing_lead": not present.all(),
            "non_finite_lead": bool((present & ~mask).any()),
            "flat_lead": bool((mask & ~live).any()),
            "calibration_pulse": signal.samples < recorded,
            "filtered": config.is_filtered,
        },
        lsb=_gains(signal, config, live & _is_recorded(signal, config) & own),
        quality=quality,
    )


def _check(signal: Signal, config: PrepareConfig) -> None:
    if signal.unit != config.unit:
        raise RecordError(
            "wrong_unit",
            f"the recording is in {signal.unit}, the task wants {config.unit}",
            field="unit",
            value=signal.unit,
            advice="a standardised recording has lost its amplitude: run the task with unit z",
        )
    # The half sample forgives a file that leaves out the window's last one.
    if signal.samples == 0 or (signal.samples + 0.5) / signal.fs < config.shortest_s:
        raise RecordError(
            "too_short",
            f"the recording lasts {signal.duration_s:.3g} s, less than {config.shortest_s:g} s",
            field="samples",
            value=signal.samples,
            advice="record longer or lower min_duration_s",
        )


def _check_count(signal: Signal, present: npt.NDArray[np.bool_], config: PrepareConfig) -> None:
    found = int(present.sum())
    if found >= config.fewest_leads:
        return
    names = ", ".join(signal.leads)
    raise RecordError(
        "too_few_leads" if found else "no_ecg_leads",
        f"{found} of {len(config.leads)} leads are there, fewer than {config.fewest_leads}; "
        f"leads found: {names or 'none'}",
        field="leads",
        value=names,
        advice="use a recording with more leads or lower min_leads",
    )


def _without(signal: Signal, real: slice) -> Signal:
    if real == slice(0, signal.samples):
        return signal
    return dataclasses.replace(signal, values=signal.values[:, real])


def _quality(
    window: Signal,
    values: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    config: PrepareConfig,
    *,
    skipped: int,
    wanted: int,
) -> Quality:
    """Return the quality of what will be kept, without the margins of resampling and filters."""
    if not config.judge:
        return unjudged(config.leads)
    step = window.fs / config.fs
    kept = slice(round(skipped * step), round((skipped + wanted) * step))
    strip = strip_of(window, values[:, kept], mask, config.leads)
    return judge(strip, dataclasses.replace(window, values=window.values[:, kept]))


def _changed(
    values: npt.NDArray[np.float32], fs: float, config: PrepareConfig
) -> npt.NDArray[np.float32]:
    if fs != config.fs:
        values = rate.resample(values, fs, config.fs)
    if not config.is_filtered:
        return values
    return filters.apply(
        values, config.fs, highpass_hz=config.highpass_hz, notch_hz=config.notch_hz
    )


def _window(signal: Signal, config: PrepareConfig) -> tuple[Signal, int, int]:
    """Cut `signal` to what the centre window needs, so that cost does not grow with its length.

    Returns:
        the cut signal, how many of its resampled samples come before the window, and how many
        belong to it.
    """
    total = rate.output_length(signal.samples, signal.fs, config.fs)
    if total <= config.length:
        return signal, 0, total
    first = (total - config.length) // 2
    change = rate.ratio(signal.fs, config.fs)
    p, q = change.numerator, change.denominator
    margin = rate.half_width(signal.fs, config.fs) + 1 if change != 1 else 0
    if config.is_filtered:
        margin += math.ceil(filters.margin_s(config.highpass_hz, config.notch_hz) * signal.fs)
    # Only at multiples of q does the cut signal's first output fall on one of the whole signal's.
    cycles = max(0, (math.floor(first / change) - margin) // q)
    last = math.ceil((first + config.length) / change) + margin
    cut = dataclasses.replace(signal, values=signal.values[:, cycles * q : last])
    return cut, first - cycles * p, config.length


def _is_recorded(signal: Signal, config: PrepareConfig) -> npt.NDArray[np.bool_]:
    return np.array([lead in signal.leads for lead in config.leads], np.bool_)


def _mask_flat(
    fitted: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    real: slice,
    config: PrepareConfig,
) -> npt.NDArray[np.bool_]:
    """Return `mask` without constant leads, zero them in place, and check what amplitude is left.

    Raises:
        RecordError: `no_ecg_leads`, `implausible_amplitude`.
    """
    peak_to_peak = np.ptp(fitted[:, real], axis=1)
    live = mask & (peak_to_peak > _FLAT)
    if not live.any():
        raise RecordError(
            "no_ecg_leads",
            "every lead is constant or without values",
            field="leads",
            value=int(mask.sum()),
            advice="leave the recording out",
        )
    if config.unit == "mV":
        check_amplitude(peak_to_peak[live], most_mv=config.max_amplitude_mv)
    fitted[~live] = 0.0
    return live


def _gains(
    signal: Signal, config: PrepareConfig, whole: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    row = {lead: index for index, lead in enumerate(signal.leads)}
    gains = np.full(len(config.leads), np.nan, np.float32)
    for index in np.flatnonzero(whole):
        at = row[config.leads[index]]
        lsb, offset = float(signal.lsb[at]), float(signal.offset[at])
        if lsb and abs(offset / lsb - round(offset / lsb)) < 1e-6:  # a whole baseline, see Signal
            gains[index] = lsb
    return gains
