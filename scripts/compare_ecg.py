"""Draw simulated beside real 12-lead ECGs and measure both: the evidence of docs/synthetic.md.

`python scripts/compare_ecg.py <folder with wfdb_ecg>` rewrites docs/img/ecg_simulated.png,
docs/img/ecg_real.png and the table between the two `intervals` marks of docs/synthetic.md. Real
pages and amplitudes come from `cinc2021`, real intervals from the annotations of `ludb`, where
every lead is scaled to 1 mV from peak to peak, so that its amplitudes say nothing.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import wfdb
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image
from wfdb.processing import xqrs_detect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.ingest.synthetic.block import draw  # noqa: E402 - the script runs from anywhere
from components.ingest.synthetic.cohort import BLOCK  # noqa: E402
from components.ingest.synthetic.ecg import Heart, draw_heart, retest, synthesise  # noqa: E402
from components.ingest.synthetic.nuisance import Nuisance, disturb  # noqa: E402
from components.ingest.synthetic.options import SyntheticOptions  # noqa: E402
from components.ingest.synthetic.streams import stream  # noqa: E402
from components.ingest.synthetic.vcg import (  # noqa: E402
    DOWER,
    LEADS_8,
    LEADS_12,
    SEGMENTS,
    Kernels,
    beat,
    twelve,
)
from scripts.marks import write_between  # noqa: E402

mpl.use("Agg")
FS = 500
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
PAGE = ("HR06001", "HR06003", "JS20000", "HR06004")
COLUMN_S = 2.5
ROW_MV = 3.0
# A wave begins where it leaves the baseline by what a reader can see on paper.
VISIBLE_MV = 0.02
# A P wave further ahead belongs to another beat (third-degree block aside).
MAX_PR_S = 0.4
ROWS = ("HR (/min)", "PR (ms)", "QRS (ms)", "QTc (ms)", "R in V5 (mV)", "S in V1 (mV)")
Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Page:
    """One ECG to draw: `[12, samples]` mV in the order of LEADS_12."""

    title: str
    signal: Signal


def main() -> None:
    """Draw both pages and rewrite the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path, help="the folder wfdb_ecg with cinc2021 and ludb")
    folder = parser.parse_args().real
    draw_page(simulated_pages(), ROOT / "docs" / "img" / "ecg_simulated.png")
    draw_page(real_pages(folder / "cinc2021"), ROOT / "docs" / "img" / "ecg_real.png")
    intervals = real_intervals(folder / "ludb" / "data")
    amplitudes = real_amplitudes(folder / "cinc2021")
    real = [*intervals.T, *amplitudes.T]
    write_table(list(simulated_intervals().T), real)


def hearts(block: int = 0) -> list[tuple[Heart, str]]:
    """Return the hearts of one block of the default cohort, and their sites."""
    drawn = draw(SyntheticOptions(), block)
    cohort = drawn.cohort
    return [
        (
            draw_heart(
                drawn.scores[i],
                age=float(cohort.age[i]),
                female=bool(cohort.female[i]),
                bmi=float(cohort.bmi[i]),
                rng=stream(SyntheticOptions().seed, "heart", int(cohort.index[i])),
            ),
            str(cohort.site[i]),
        )
        for i in range(BLOCK)
    ]


def simulated_pages(count: int = 4) -> list[Page]:
    """Return the first patients of the default cohort, with their site's noise."""
    pages = []
    for number, (heart, site) in enumerate(hearts()[:count]):
        rng = stream(1, "page", number)
        seen, nuisance = retest(heart, rng), Nuisance(noise=1.0)
        clean, rhythm = synthesise(seen, nuisance.disturbance, fs=FS, rng=rng)
        signal = disturb(clean, nuisance, rhythm=rhythm, site=site, fs=FS, rng=rng)
        pages.append(Page(f"simulated, site {site}", twelve(signal).astype(np.float64)))
    return pages


def real_pages(folder: Path) -> list[Page]:
    """Return records of Challenge 2021 with their leads in the order of LEADS_12."""
    pages = []
    for name in PAGE:
        leads = _read(folder / name)
        pages.append(Page(f"real, {name}", np.stack([leads[lead] for lead in LEADS_12])))
    return pages


def draw_page(pages: list[Page], file: Path) -> None:
    """Draw four ECGs at 25 mm/s and 10 mm/mV on red millimetre paper."""
    figure, axes = plt.subplots(2, 2, figsize=(16, 6.5), constrained_layout=True)
    for page, axis in zip(pages, axes.ravel(), strict=True):
        _draw_ecg(axis, page)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=105)
    plt.close(figure)
    file.parent.mkdir(parents=True, exist_ok=True)
    # A palette keeps the picture below the 300 kB that a repository can bear.
    Image.open(buffer).convert("RGB").quantize(24).save(file, optimize=True)


def _draw_ecg(axis: Axes, page: Page) -> None:
    width, height = 4 * COLUMN_S, 3 * ROW_MV
    for step, weight in ((0.04, 0.25), (0.2, 0.7)):
        axis.vlines(np.arange(0, width + step / 2, step), -height, 0, "#f0a0a0", lw=weight)
    for step, weight in ((0.1, 0.25), (0.5, 0.7)):
        axis.hlines(np.arange(-height, step / 2, step), 0, width, "#f0a0a0", lw=weight)
    samples = round(COLUMN_S * FS)
    for row, leads in enumerate(LAYOUT):
        level = -(row + 0.55) * ROW_MV
        for column, lead in enumerate(leads):
            start = column * samples
            signal = page.signal[LEADS_12.index(lead)]
            part = signal[start : start + samples] - np.median(signal)
            time = column * COLUMN_S + np.arange(samples) / FS
            axis.plot(time, part + level, color="black", lw=0.7)
            axis.text(time[0] + 0.03, level + 0.9, lead, fontsize=9)
    axis.set(xlim=(0, width), ylim=(-height, 0), title=page.title, xticks=[], yticks=[])
    # 25 mm per s against 10 mm per mV.
    axis.set_aspect(0.4)


def simulated_intervals() -> npt.NDArray[np.float64]:
    """Return `[hearts, 6]` in the order of ROWS, from the noise-free waves of each heart."""
    return np.array([_simulated_heart(heart) for heart, _ in hearts()])


def _simulated_heart(heart: Heart) -> list[float]:
    rr = 60.0 / heart.rate
    kernels = beat(heart.form, rr=rr)
    p, qrs, t = (_edges(kernels, SEGMENTS.index(wave)) for wave in ("P", "QRS", "T"))
    time = np.arange(qrs[0], qrs[1], 0.001)
    leads = kernels.dipole_at(time) @ (DOWER * heart.lead_gain[:, None]).T
    return [
        heart.rate,
        1e3 * (qrs[0] - p[0]),
        1e3 * (qrs[1] - qrs[0]),
        1e3 * (t[1] - qrs[0]) / rr ** (1 / 3),
        float(leads[:, LEADS_8.index("V5")].max()),
        -float(leads[:, LEADS_8.index("V1")].min()),
    ]


def _edges(kernels: Kernels, wave: int) -> Signal:
    """Return onset and end of a wave in lead II, s from R; NaN where it cannot be seen."""
    time = np.arange(-0.4, 0.7, 0.001)
    own = kernels.wave == wave
    bell = np.exp(-0.5 * ((time[:, None] - kernels.centre[own]) / kernels.width[own]) ** 2)
    lead = bell @ kernels.dipole[own] @ DOWER[LEADS_8.index("II")]
    seen = np.flatnonzero(np.abs(lead) > VISIBLE_MV)
    return time[seen[[0, -1]]] if len(seen) else np.full(2, np.nan)


def real_intervals(folder: Path) -> Signal:
    """Return `[records, 4]`, the intervals of ROWS, from LUDB's own delineation of lead II."""
    names = sorted({file.stem for file in folder.glob("*.hea")}, key=int)
    return np.array([_real_record(_waves(folder / name, "ii")) for name in names])


def _real_record(waves: dict[str, list[tuple[int, int, int]]]) -> list[float]:
    rr = _median(np.diff([float(peak) for _, peak, _ in waves["N"]]).tolist()) / FS
    pr, qt = [], []
    for on, _, _ in waves["N"]:
        before = [start for start, _, _ in waves["p"] if 0 < on - start < MAX_PR_S * FS]
        after = [end for _, peak, end in waves["t"] if 0 < peak - on < rr * FS]
        pr += [(on - before[-1]) / FS] if before else []
        qt += [(after[0] - on) / FS] if after else []
    width = [(off - on) / FS for on, _, off in waves["N"]]
    return [
        60.0 / rr,
        1e3 * _median(pr),
        1e3 * _median(width),
        1e3 * _median(qt) / rr ** (1 / 3),
    ]


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def real_amplitudes(folder: Path) -> Signal:
    """Return `[records, 2]`: R in V5 and S in V1 of Challenge 2021, over the level before QRS."""
    rows = []
    for file in sorted(folder.glob("*.hea")):
        lead = _read(file.with_suffix(""))
        peaks = np.asarray(xqrs_detect(lead["II"], fs=FS, verbose=False), dtype=np.int64)
        rows.append([_top(lead["V5"], peaks), _top(-lead["V1"], peaks)])
    return np.array(rows)


def _read(stem: Path) -> dict[str, Signal]:
    record: Any = wfdb.rdrecord(str(stem))
    signal = np.nan_to_num(np.asarray(record.p_signal, dtype=np.float64))
    return dict(zip(record.sig_name, signal.T, strict=True))


def _top(signal: Signal, peaks: npt.NDArray[np.int64]) -> float:
    """Return the median height of QRS (60 ms about R) over the 40 ms before it, mV."""
    inside = [peak for peak in peaks if 60 <= peak < len(signal) - 60]
    tops = [
        signal[peak - 30 : peak + 31].max() - np.median(signal[peak - 50 : peak - 30])
        for peak in inside
    ]
    return _median(tops)


def _waves(stem: Path, lead: str) -> dict[str, list[tuple[int, int, int]]]:
    """Return (onset, peak, offset) samples of P (`p`), QRS (`N`) and T (`t`) of one lead."""
    annotation: Any = wfdb.rdann(str(stem), lead)
    found: dict[str, list[tuple[int, int, int]]] = {"p": [], "N": [], "t": []}
    symbols, samples = list(annotation.symbol), annotation.sample
    for i in range(1, len(symbols) - 1):
        if symbols[i] in found and symbols[i - 1] == "(" and symbols[i + 1] == ")":
            found[symbols[i]].append((int(samples[i - 1]), int(samples[i]), int(samples[i + 1])))
    return found


def write_table(simulated: list[Signal], real: list[Signal]) -> None:
    """Replace the table between the marks of docs/synthetic.md."""
    lines = [
        "| measure | simulated, mean (5th–95th percentile) | real, mean (5th–95th percentile) |",
        "|---|---|---|",
    ]
    for column, name in enumerate(ROWS):
        digits = 2 if "mV" in name else 0
        cells = [_cell(values[column], digits) for values in (simulated, real)]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
        print(lines[-1])
    write_between(ROOT / "docs" / "synthetic.md", "intervals", lines)


def _cell(values: Signal, digits: int) -> str:
    low, high = np.nanpercentile(values, [5, 95])
    return f"{np.nanmean(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


if __name__ == "__main__":
    main()
