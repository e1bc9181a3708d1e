"""Two pictures laid over one another, and how well they then agree.

Letters: `H`, `W` of the pictures compared, which are of one size.

A scan of a print-out is turned, moved and stretched a little. The turn and the shift are found by
trying turns, each with the correlation over all shifts (a product of Fourier transforms); the rest
by Gauss-Newton steps on an affine map (Lucas and Kanade 1981).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import affine_transform, gaussian_filter

from components.audit.similarity.traces import Floats

# Degrees: a page laid on a scanner by hand.
_TURNS = (-2.0, -1.0, 0.0, 1.0, 2.0)
# Of the longer side: a shift that is looked for.
_MOST_SHIFT = 0.08
# Pixels of blur of the two rounds of steps: the first sees further, the second is exact.
_BLURS = (2.0, 0.7)
_STEPS = 6
# Side of a tile in pixels: about a beat of a lead on a page of twelve.
_TILE = 16
# A tile counts where either picture has this share of the energy of its busiest tenth.
_BUSY, _BUSIEST = 0.1, 0.9
# Share of the tiles that may agree less than the figure says: a note written on the page.
_LOWER = 0.25


def coarse(one: Floats, two: Floats) -> tuple[float, Floats]:
    """Return correlation in [-1, 1] under the best turn and shift, and `[2, 3]` that map.

    Args:
        one: `[H, W]`, high-passed ink.
        two: likewise, which `one` is to be laid upon.
    """
    height, width = two.shape
    spectrum, reach = np.fft.rfft2(two), max(1, round(_MOST_SHIFT * max(height, width)))
    best, found = -1.0, np.zeros((2, 3), np.float32)
    for turn in _TURNS:
        whole = _turned(turn, one.shape)
        moved = _warped(one, whole)
        scale = float(np.sqrt((moved * moved).sum() * (two * two).sum()))
        cross = np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(moved)), s=(height, width))
        near = np.roll(cross, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
        down, right = np.unravel_index(int(near.argmax()), near.shape)
        figure = float(near[down, right]) / scale if scale > 0 else -1.0
        if figure > best:
            shift = np.array([down - reach, right - reach], np.float32)
            best, found = figure, whole.copy()
            found[:, 2] -= whole[:, :2] @ shift
    return best, found


def agreement(one: Floats, two: Floats, start: Floats) -> float:
    """Return how well two pictures agree tile by tile, in [-1, 1], 1 for copies.

    The lower quartile of the correlation over the tiles with ink: two pages of one layout agree in
    their grid and captions and in no lead; copies agree everywhere.

    Args:
        one: `[H, W]`.
        two: likewise.
        start: of the map from `two`'s pixels to `one`'s, as of `coarse`.
    """
    whole = start.astype(np.float64)
    for blur in _BLURS:
        whole = _refined(_blurred(one, blur), _blurred(two, blur), whole)
    return _tiles(_warped(one, whole), two)


def _blurred(picture: Floats, pixels: float) -> Floats:
    return np.asarray(gaussian_filter(picture, pixels), np.float32)


def _turned(degrees: float, shape: tuple[int, ...]) -> Floats:
    """Return `[2, 3]`: the turn about the middle, as a map of places (down, right, 1)."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(shape) - 1) / 2
    return np.column_stack([turn, middle - turn @ middle]).astype(np.float32)


def _warped(picture: Floats, whole: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(
        affine_transform(picture, whole[:, :2], whole[:, 2], order=1, mode="constant"), np.float32
    )


def _refined(one: Floats, two: Floats, whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the map after some Gauss-Newton steps, the best one that was met."""
    down, right = np.mgrid[: two.shape[0], : two.shape[1]].astype(np.float64)
    places = np.stack([down, right, np.ones_like(down)]).reshape(3, -1)
    # Places as shares of the picture keep the normal equations well conditioned.
    size = float(max(two.shape))
    best, kept = -2.0, whole
    for _ in range(_STEPS):
        moved = _warped(one, whole)
        figure = _correlation(moved, two)
        if figure > best:
            best, kept = figure, whole
        slope = np.stack([np.gradient(moved, axis=axis) for axis in (0, 1)]).reshape(2, 1, -1)
        # Slopes of the warped picture stand for those of the picture: the maps are near 1.
        design = (slope * (places / [[size], [size], [1]])[None]).reshape(6, -1)
        gain = float((moved * two).sum()) / max(float((moved * moved).sum()), 1e-12)
        step = np.linalg.lstsq(
            design @ design.T * gain, design @ (two - gain * moved).ravel(), rcond=1e-6
        )[0].reshape(2, 3)
        whole = whole + step / [size, size, 1]
    return whole if _correlation(_warped(one, whole), two) > best else kept


def _correlation(one: Floats, two: Floats) -> float:
    scale = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum()) / scale if scale > 0 else -1.0


def _tiles(one: Floats, two: Floats) -> float:
    left, right = _cut(one), _cut(two)
    energy = np.stack([(left * left).sum(axis=1), (right * right).sum(axis=1)])
    busy = (energy >= _BUSY * np.quantile(energy, _BUSIEST, axis=1, keepdims=True)).any(axis=0)
    scale = np.sqrt(energy.prod(axis=0))
    both = (left * right).sum(axis=1)
    r = np.divide(both, scale, out=np.zeros_like(both), where=scale > 0)
    return float(np.quantile(r[busy], _LOWER))


def _cut(picture: Floats) -> Floats:
    """Return `[tiles, pixels]`, each around its mean; what is left at the edges is not looked at.

    A picture smaller than a tile is one tile.
    """
    high, wide = (min(_TILE, side) for side in picture.shape)
    down, right = picture.shape[0] // high, picture.shape[1] // wide
    tiles = picture[: down * high, : right * wide].reshape(down, high, right, wide)
    flat = tiles.transpose(0, 2, 1, 3).reshape(down * right, -1)
    return flat - flat.mean(axis=1, keepdims=True)
