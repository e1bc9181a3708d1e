"""How an image and a heart sound become arrays of fixed shape."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from components.core.config.base import Frozen


class ImageConfig(Frozen):
    """How a picture of an ECG becomes a row.

    Attributes:
        height: of the tensor; the picture is made as large as fits, its aspect kept.
        width: likewise; the rest is white, as paper is.
        colour: `grey` is its luma in one channel, `rgb` three.
    """

    height: int = Field(default=192, ge=16, le=4096)
    width: int = Field(default=288, ge=16, le=4096)
    colour: Literal["grey", "rgb"] = "grey"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return channels, height and width."""
        return (1 if self.colour == "grey" else 3, self.height, self.width)


class SoundConfig(Frozen):
    """How a patient's heart sounds become a row of windows.

    Attributes:
        fs: rate in Hz that every recording is brought to.
        low_hz: lower end of the band of the mel filters.
        high_hz: its upper end.
        window_s: length of a window.
        windows: most windows a record; of several sites each gives its first ones in turn.
        mels: filters.
        frame_s: length of a spectrum's frame.
        hop_s: from one frame to the next.
        shortest_s: a recording below this is refused; one below a window is repeated to fill it.
    """

    fs: int = Field(default=2000, gt=0)
    low_hz: float = Field(default=25, ge=0)
    high_hz: float = Field(default=400, gt=0)
    window_s: float = Field(default=5, gt=0)
    windows: int = Field(default=6, ge=1)
    mels: int = Field(default=32, ge=4)
    frame_s: float = Field(default=0.064, gt=0)
    hop_s: float = Field(default=0.02, gt=0)
    shortest_s: float = Field(default=2, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> SoundConfig:
        if not self.low_hz < self.high_hz <= self.fs / 2:
            raise ValueError("the band must rise and lie below half of fs: low_hz < high_hz ≤ fs/2")
        if not self.frame_s <= self.window_s:
            raise ValueError("a frame must fit into a window: frame_s ≤ window_s")
        if round(self.hop_s * self.fs) < 1:
            raise ValueError("hop_s is shorter than a sample")
        return self

    @property
    def samples(self) -> int:
        """Return the samples of a window."""
        return round(self.window_s * self.fs)

    @property
    def hop(self) -> int:
        """Return the samples from one frame to the next."""
        return round(self.hop_s * self.fs)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return windows, mel filters and frames."""
        return (self.windows, self.mels, self.samples // self.hop + 1)
