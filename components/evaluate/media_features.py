"""Numbers that a simple model takes of pictures, heart sounds and embeddings.

Fixed functions of each record. Shapes: `n` records, `W` windows or patches, `M` mel filters, `T`
frames.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from components.core.modalities import EMBEDDED, ArrayModality, MediaModality

AnyArray = npt.NDArray[Any]
Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
# Groups of mel filters: at 32 filters from 25 to 400 Hz about 35 Hz each, the width of a band in
# which S1, S2 and murmurs are told apart by ear.
BANDS = 10
# Of the envelope; the median is what they are taken from.
_QUANTILES = (0.1, 0.25, 0.75, 0.9)
# Lags of a heart's beat, as shares of a window: of 5 s 0.4 to 1.65 s, 36 to 150 beats a minute.
_LAGS = (0.08, 0.33)
# Pieces of a picture's rows and columns.
PROFILE = 16
WIDTHS: dict[MediaModality, int] = {"ecg_image": 2 * PROFILE + 4, "pcg": 3 * BANDS + 10}


def width_of(name: ArrayModality, shape: tuple[int, ...]) -> int:
    """Return how many numbers are taken of an array modality.

    Args:
        name: of the modality.
        shape: of a record's array.
    """
    return shape[-1] if name in EMBEDDED else WIDTHS[cast(MediaModality, name)]


def features_of(name: ArrayModality, values: AnyArray, valid: AnyArray | None) -> Singles:
    """Return `[n, width_of(name)]` of an array modality; every record must have it.

    Args:
        name: of the modality.
        values: `[n, …]` as stored.
        valid: `[n, W]` which windows are there; None where a record is one piece.
    """
    if name == "ecg_image":
        return picture_features(values)
    if name in EMBEDDED:
        return embedding_features(values, valid)
    there = np.ones(values.shape[:2], np.bool_) if valid is None else valid.astype(np.bool_)
    return sound_features(values, there)


def embedding_features(values: AnyArray, valid: AnyArray | None) -> Singles:
    """Return the entries of embeddings themselves, of several vectors of a record their mean.

    Args:
        values: `[n, width]`, or `[n, W, width]` of several vectors; NaN where an entry is missing.
        valid: `[n, W]` which of the vectors are there.
    """
    if valid is None:
        return values.astype(np.float32)
    there = valid.astype(np.bool_)[:, :, None] & ~np.isnan(values)
    count = there.sum(axis=1)
    total = np.where(there, values, 0).astype(np.float64).sum(axis=1)
    mean = total / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan).astype(np.float32)


def picture_features(values: AnyArray) -> Singles:
    """Return `[n, 36]` of pictures `[n, C, height, width]`: where on the page the ink is.

    Mean ink of 16 bands of rows and 16 of columns, and over the page its mean, SD and mean absolute
    step to the next column and to the next row.
    """
    ink = 1 - values.astype(np.float64).mean(axis=1) / 255  # stored as 8-bit, paper white
    rows = [part.mean(axis=(1, 2)) for part in np.array_split(ink, PROFILE, axis=1)]
    columns = [part.mean(axis=(1, 2)) for part in np.array_split(ink, PROFILE, axis=2)]
    steps = [np.abs(np.diff(ink, axis=axis)).mean(axis=(1, 2)) for axis in (2, 1)]
    whole = [ink.mean(axis=(1, 2)), ink.std(axis=(1, 2))]
    return np.stack([*rows, *columns, *whole, *steps], axis=1).astype(np.float32)


def sound_features(values: AnyArray, valid: npt.NDArray[np.bool_]) -> Singles:
    """Return `[n, 40]` of log-mel windows `[n, W, M, T]` in dB, the mean over a record's windows.

    Of ten bands the mean, the SD over time, and the level in the quieter half of the frames minus
    that in the louder half, which a murmur is among; of the envelope, without finding the beats,
    its spread and shape and how far it repeats itself at a heart's pace.

    Args:
        values: dB.
        valid: `[n, W]` which windows are there, at least one a record.
    """
    record, window = np.nonzero(valid)
    each = _window_features(values[record, window].astype(np.float64))
    total = np.zeros((len(values), each.shape[1]))
    np.add.at(total, record, each)
    return (total / valid.sum(axis=1, keepdims=True)).astype(np.float32)


def _window_features(mels: Floats) -> Floats:
    """Return `[w, 40]` of windows `[w, M, T]`."""
    bands = np.stack([part.mean(axis=1) for part in np.array_split(mels, BANDS, axis=1)], axis=1)
    envelope = mels.mean(axis=1)
    quiet = envelope <= np.median(envelope, axis=1, keepdims=True)
    gaps = _masked_mean(bands, quiet) - _masked_mean(bands, ~quiet)
    return np.concatenate(
        [bands.mean(axis=2), bands.std(axis=2), gaps, _envelope(envelope)], axis=1
    )


def _masked_mean(bands: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
    """Return `[w, bands]` means over the frames of `mask` `[w, T]`; 0 where there are none."""
    count = np.maximum(mask.sum(axis=1), 1)[:, None]
    return (bands * mask[:, None, :]).sum(axis=2) / count


def _envelope(envelope: Floats) -> Floats:
    """Return `[w, 10]` of envelopes `[w, T]`: spread, shape, quantiles, step and rhythm."""
    centred = envelope - envelope.mean(axis=1, keepdims=True)
    sd = envelope.std(axis=1)
    unit = centred / np.where(sd > 0, sd, 1.0)[:, None]
    median = np.median(envelope, axis=1)
    quantiles = np.quantile(envelope, _QUANTILES, axis=1) - median
    step = np.abs(np.diff(envelope, axis=1)).mean(axis=1)
    shape = [(unit**power).mean(axis=1) for power in (3, 4)]
    return np.stack([sd, *shape, *quantiles, step, *_rhythm(unit)], axis=1)


def _rhythm(unit: Floats) -> tuple[Floats, Floats]:
    """Return the greatest autocorrelation at a heart's pace and its lag, a share of the window."""
    frames = unit.shape[1]
    first = max(1, round(_LAGS[0] * frames))
    lags = np.arange(first, max(first + 1, round(_LAGS[1] * frames)))
    found = np.stack([(unit[:, lag:] * unit[:, : frames - lag]).mean(axis=1) for lag in lags])
    return found.max(axis=0), lags[found.argmax(axis=0)] / frames
