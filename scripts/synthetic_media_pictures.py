"""Draws a page and a heart sound of the synthetic cohort, for the documentation."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from PIL import Image

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.media.heart_sound import FS
from components.ingest.synthetic.media.microphone import samples
from components.ingest.synthetic.options import SyntheticOptions

_PATIENTS, _SECONDS = 30, 4
# Few colours and a smaller page keep the file small.
_COLOURS, _SHRUNK = 24, 0.6


def main() -> None:
    """Write `synthetic_page.png` and `synthetic_pcg.png` into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    target: Path = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        generate(folder, SyntheticOptions(media=True, patients=_PATIENTS, broken_files=False))
        _page(folder, target / "synthetic_page.png")
        _phonocardiogram(folder, target / "synthetic_pcg.png")


def _page(folder: Path, file: Path) -> None:
    with Image.open(sorted(folder.glob("ecg_image/B/*.jpg"))[0]) as picture:
        size = (round(picture.width * _SHRUNK), round(picture.height * _SHRUNK))
        picture.resize(size).quantize(_COLOURS).save(file, optimize=True)


def _phonocardiogram(folder: Path, file: Path) -> None:
    truth = pq.read_table(folder / "truth.parquet").to_pandas()
    plain = truth[truth.has_pcg & (truth.pcg_nuisance == "")].sort_values("score_murmur")
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    for axis, row in zip(axes, (plain.iloc[0], plain.iloc[-1]), strict=True):
        name = sorted(folder.glob(f"pcg/*/{row.recording_id}*.wav"))[0]
        shown = samples(name.read_bytes())[: _SECONDS * FS] / 32768
        axis.plot(np.arange(len(shown)) / FS, shown, color="black", linewidth=0.5)
        for s1, s2 in zip(row.pcg_s1_s[0], row.pcg_s2_s[0], strict=True):
            if s2 < _SECONDS:
                axis.axvspan(s1, s2, color="tab:orange", alpha=0.2, linewidth=0)
        axis.set_title(
            f"murmur {row.score_murmur:+.1f} SD, third sound {row.score_s3:+.1f} SD", fontsize=9
        )
        axis.set_ylabel("share of full scale", fontsize=8)
    axes[-1].set_xlabel("seconds; systole shaded")
    figure.savefig(file, dpi=80)


if __name__ == "__main__":
    main()
