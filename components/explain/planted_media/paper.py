"""Where a place on a page of paper comes to lie in the array that the network reads.

Page → picture: turned about its middle, at a resolution; picture → array: as large as fits, its
aspect kept, in the middle of white (`core.media.image.image_array`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Left, top, right and bottom in shares of the page.
Box = Sequence[float]
# Points per pixel and direction at which a box is looked for: a border is met to an eighth.
_POINTS = 4


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One page in its array.

    Attributes:
        page_mm: width and height of the page.
        px_per_mm: resolution of the picture.
        degrees: the page is turned by, counter-clockwise, about its middle.
        shape: rows and columns of the array.
    """

    page_mm: tuple[float, float]
    px_per_mm: float
    degrees: float
    shape: tuple[int, int]

    @property
    def picture(self) -> tuple[int, int]:
        """Return width and height of the picture in its own pixels."""
        return round(self.page_mm[0] * self.px_per_mm), round(self.page_mm[1] * self.px_per_mm)

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Return left, top, width and height of the picture within the array, in its elements."""
        width, height = self.picture
        scale = min(self.shape[0] / height, self.shape[1] / width)
        own = max(1, round(width * scale)), max(1, round(height * scale))
        return (self.shape[1] - own[0]) // 2, (self.shape[0] - own[1]) // 2, *own

    def elements(self, shares: Floats) -> Floats:
        """Return where points of the page lie in the array.

        Args:
            shares: `[..., 2]` x and y in shares of the page's width and height.

        Returns:
            `[..., 2]` column and row; the first element reaches from 0 to 1.
        """
        middle = np.array(self.page_mm) / 2
        seen = ((shares * self.page_mm - middle) @ self._turn + middle) * self.px_per_mm
        left, top, width, height = self.frame
        return seen * (width, height) / self.picture + (left, top)

    def shares(self, elements: Floats) -> Floats:
        """Return the points of the page that lie at `[..., 2]` columns and rows of the array."""
        left, top, width, height = self.frame
        seen = (elements - (left, top)) * self.picture / (width, height) / self.px_per_mm
        middle = np.array(self.page_mm) / 2
        return ((seen - middle) @ self._turn.T + middle) / self.page_mm

    @property
    def _turn(self) -> Floats:
        """Return what turns rows of x and y, y downwards, counter-clockwise to the eye."""
        angle = math.radians(self.degrees)
        return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        """Return `[H, W]` which elements hold the picture; the others are padding."""
        left, top, width, height = self.frame
        found = np.zeros(self.shape, np.bool_)
        found[top : top + height, left : left + width] = True
        return found

    def covered(self, boxes: Sequence[Box]) -> Floats:
        """Return `[H, W]` what share of each element lies in any of the boxes."""
        height, width = self.shape
        y, x = ((np.arange(size * _POINTS) + 0.5) / _POINTS for size in (height, width))
        at = self.shares(np.stack(np.meshgrid(x, y), axis=-1))
        inside = np.zeros(at.shape[:2], np.bool_)
        for left, top, right, bottom in boxes:
            across = (at[..., 0] >= left) & (at[..., 0] < right)
            inside |= across & (at[..., 1] >= top) & (at[..., 1] < bottom)
        shares = inside.reshape(height, _POINTS, width, _POINTS).mean(axis=(1, 3))
        return np.where(self.within, shares, 0.0)
