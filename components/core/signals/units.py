"""Physical units and what is physically plausible: to mV, rate, gain, amplitude, missing samples.

Shapes: `[leads, samples]`. Everything that cannot be a resting or ambulatory ECG is refused with
a reason code; nothing is rescaled on a guess.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, quoted
from components.core.signals.signal import Signal

# Millivolts per unit; names are compared case-folded, which also maps U+00B5 onto U+03BC.
_MILLIVOLTS: dict[str, float] = {
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "μv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}
DIMENSIONLESS = "z"

# Below 50 Hz a QRS complex (up to 40 Hz) is not sampled; 20 kHz is beyond late-potential work.
FS_RANGE = (50.0, 20_000.0)
# mV per count: 24-bit amplifiers reach 2e-5; at 1 mV a QRS complex would be one or two counts.
LSB_RANGE = (1e-6, 1.0)
# Counts from 0 to physical zero: beyond this, float32 no longer holds every count exactly.
MAX_BASELINE = 2**24
# Four times the +-5 mV that IEC 60601-2-25 asks an electrocardiograph to record.
MAX_AMPLITUDE_MV = 20.0
# A thirtieth of the 30 uV of noise that the same standard allows.
MIN_AMPLITUDE_MV = 1e-3
# One or a few loose electrodes are missing leads; more than half is a damaged recording.
MAX_NON_FINITE_LEADS = 0.5


def is_voltage(unit: str) -> bool:
    """Return whether `unit` is one of the voltages known here."""
    return unit.strip().casefold() in _MILLIVOLTS


def millivolts_per(unit: str, *, field: str = "unit") -> float:
    """Return how many mV one `unit` is.

    Raises:
        RecordError: `unknown_unit`.

    >>> millivolts_per("MICROVOLTS")
    0.001
    """
    try:
        return _MILLIVOLTS[unit.strip().casefold()]
    except KeyError:
        raise RecordError(
            "unknown_unit",
            "the unit is not a voltage known here (V, mV, uV, nV)",
            field=field,
            value=quoted(unit),
            advice="state the unit of the waveform as one of these",
        ) from None


def check_signal(signal: Signal) -> Signal:
    """Return `signal` if its shape, rate and gain can be those of an ECG.

    Raises:
        RecordError: `no_ecg_leads`, `empty_signal`, `duplicate_lead`, `absurd_fs`, `absurd_gain`,
            `absurd_offset`.
    """
    if not signal.leads:
        raise RecordError("no_ecg_leads", "the file holds no ECG lead", field="leads")
    if len(set(signal.leads)) != len(signal.leads):
        raise duplicate_lead(signal.leads)
    if signal.samples == 0:
        raise RecordError("empty_signal", "the leads hold no sample", field="samples", value=0)
    check_fs(signal.fs)
    if signal.is_integer:
        for lead, lsb, offset in zip(signal.leads, signal.lsb, signal.offset, strict=True):
            check_lsb(float(lsb), lead)
            _check_baseline(float(offset) / float(lsb), lead)
    return signal


def duplicate_lead(names: tuple[str, ...]) -> RecordError:
    """Return the error for a lead that is there twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    return RecordError(
        "duplicate_lead",
        f"a lead is there more than once: {', '.join(twice)}",
        field="leads",
        value=", ".join(names),
        advice="keep one channel per lead",
    )


def check_fs(fs: float) -> float:
    """Return `fs` in Hz if it is a rate at which ECGs are recorded.

    Raises:
        RecordError: `absurd_fs`.
    """
    if math.isfinite(fs) and FS_RANGE[0] <= fs <= FS_RANGE[1]:
        return fs
    raise RecordError(
        "absurd_fs",
        f"the sampling rate {fs:g} Hz is outside {FS_RANGE[0]:g}–{FS_RANGE[1]:g} Hz",
        field="fs",
        value=fs,
        advice="correct the sampling rate in the file or the manifest",
    )


def check_lsb(lsb: float, lead: str) -> None:
    """Refuse a gain that no electrocardiograph has.

    Args:
        lsb: mV per count.
        lead: for the message.

    Raises:
        RecordError: `absurd_gain`.
    """
    if math.isfinite(lsb) and LSB_RANGE[0] <= lsb <= LSB_RANGE[1]:
        return
    raise RecordError(
        "absurd_gain",
        f"one count of lead {lead} would be {lsb:g} mV, outside {LSB_RANGE[0]:g}–{LSB_RANGE[1]:g}",
        field=lead,
        value=lsb,
        advice="correct the gain or its unit",
    )


def _check_baseline(counts: float, lead: str) -> None:
    if math.isfinite(counts) and abs(counts) <= MAX_BASELINE:
        return
    raise RecordError(
        "absurd_offset",
        f"the zero of lead {lead} lies {counts:g} counts away, more than {MAX_BASELINE}",
        field=lead,
        value=counts,
        advice="correct the offset or baseline, or the gain",
    )


def mask_non_finite(
    values: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return `mask` without the leads that hold a NaN or infinite sample, and zero them in place.

    A gap is never interpolated: one missing sample masks its lead. When more than
    `MAX_NON_FINITE_LEADS` of the present leads are hit, the recording is refused.

    Args:
        values: `[leads, samples]`.
        mask: `[leads]`, True where the lead is present.

    Raises:
        RecordError: `nan_samples`.
    """
    # A sum is NaN or infinite as soon as one term is: one pass and no temporary array.
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(values.sum(axis=1, dtype=np.float64))
    hit = mask & ~finite
    if hit.sum() > MAX_NON_FINITE_LEADS * mask.sum():
        raise RecordError(
            "nan_samples",
            f"{int(hit.sum())} of {int(mask.sum())} leads hold samples without a value",
            field="samples",
            value=int(np.count_nonzero(~np.isfinite(values[mask]))),
            advice="cut the recording to a part that is complete",
        )
    values[hit] = 0.0
    return mask & finite


def check_amplitude(
    peak_to_peak: npt.NDArray[np.float32], *, most_mv: float = MAX_AMPLITUDE_MV
) -> None:
    """Refuse amplitudes that no ECG has, the sign of a wrong unit or gain.

    Amplitude is half of the peak-to-peak range, so that an electrode's constant offset is free.

    Args:
        peak_to_peak: `[leads]` in mV, of the leads that are present and not flat.
        most_mv: greatest median amplitude taken.

    Raises:
        RecordError: `implausible_amplitude`.
    """
    amplitude = peak_to_peak / 2
    middle = float(np.median(amplitude))
    if middle <= most_mv and float(amplitude.max()) >= MIN_AMPLITUDE_MV:
        return
    raise RecordError(
        "implausible_amplitude",
        f"the leads' median amplitude is {middle:.3g} mV, outside "
        f"{MIN_AMPLITUDE_MV:g}–{most_mv:g} mV",
        field="amplitude",
        value=f"{middle:.3g} mV",
        advice="check the unit and the gain",
    )
