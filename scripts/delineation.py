"""Delineation against cardiologists' annotations of LUDB: the evidence of docs/delineation.md.

`python scripts/delineation.py <folder with wfdb_ecg>` rewrites the tables between the marks of
docs/delineation.md and docs/img/delineation.png. Rules were chosen on LUDB's odd numbers (those of
the segments on every second of them); the even ones are held out. Every lead of LUDB is annotated
by itself; the record's one answer is compared with each of the twelve.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import wfdb
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.core.attribution.groups import SEGMENTS  # noqa: E402 - the script runs from anywhere
from components.core.progress import progress  # noqa: E402
from components.core.readers.rawfile import DiskFile  # noqa: E402
from components.core.readers.registry import Declared, read_signal  # noqa: E402
from components.core.signals.beats import find_beats  # noqa: E402
from components.core.signals.delineate import delineate, painted  # noqa: E402
from components.core.signals.leads import LEADS8, LEADS12, select  # noqa: E402
from components.core.signals.prominence import WAVES  # noqa: E402
from components.core.signals.resample import resample  # noqa: E402
from scripts.marks import write_between  # noqa: E402

DOC, PICTURE = ROOT / "docs" / "delineation.md", ROOT / "docs" / "img" / "delineation.png"
FS = 500.0
# ms. A wave counts as found where its middle lies within this of an annotated one (ANSI/AAMI EC57).
TOLERANCE = 150.0
SYMBOLS = ("p", "N", "t")
EIGHT = [LEADS12.index(lead) for lead in LEADS8]
BOUNDARIES = tuple(f"{wave} {side}" for wave in WAVES for side in ("onset", "offset"))
# Slow: a tenth of the recordings says enough about what was not taken.
TENTH = 10
# ms. Complexes wider than this are told of separately (the normal limit: AHA/ACCF/HRS 2009).
WIDE = 120.0
# Held-out recordings to look at: sinus rhythm, fibrillation, left bundle branch block.
SHOWN, SHOWN_S, SHOWN_LEADS = (2, 38, 24), 5.0, ("II", "V1", "V5")
COLOURS = ("#8fbce6", "#f2a9a0", "#f6e3a1", "#b5dca8")
Array = npt.NDArray[np.float32]
# `[n, 2]` onset and offset in ms, NaN where unknown, of P, QRS and T.
Truth = tuple[npt.NDArray[np.float64], ...]
# Recording → per lead `[beats, 3, 2]` ms.
Rule = Callable[[Array], Sequence[npt.NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Record:
    """A recording of LUDB: `[12, T]` in the order of LEADS12, and each lead's annotations."""

    number: int
    values: Array
    truth: tuple[Truth, ...]


@dataclass
class Tally:
    """Errors in ms of each of `BOUNDARIES`, and counts of each of `WAVES`."""

    errors: list[list[float]] = field(default_factory=lambda: [[] for _ in BOUNDARIES])
    found: list[int] = field(default_factory=lambda: [0] * len(WAVES))
    missed: list[int] = field(default_factory=lambda: [0] * len(WAVES))
    false: list[int] = field(default_factory=lambda: [0] * len(WAVES))

    def add(self, waves: npt.NDArray[np.float64], truth: Truth) -> None:
        """Compare a lead's `[beats, 3, 2]` ms with its annotations."""
        complexes = _middle(truth[1])
        if len(complexes) == 0:
            return
        # Waves of the first and last cycle are not annotated: false is what lies between.
        first, last = complexes[0], complexes[-1]
        for wave, expected in enumerate(truth):
            middle = _middle(waves[:, wave])
            used = np.zeros(len(middle), np.bool_)
            for own, at in zip(expected, _middle(expected), strict=True):
                self._match(wave, waves[:, wave], own, np.where(used, np.nan, middle) - at, used)
            extra = ~used & (middle > first) & (middle < last)
            self.false[wave] += int(extra.sum())

    def _match(
        self,
        wave: int,
        spans: npt.NDArray[np.float64],
        own: npt.NDArray[np.float64],
        away: npt.NDArray[np.float64],
        used: npt.NDArray[np.bool_],
    ) -> None:
        distance = np.nan_to_num(np.abs(away), nan=np.inf)
        nearest = int(distance.argmin()) if len(distance) else -1
        if nearest < 0 or distance[nearest] > TOLERANCE:
            self.missed[wave] += 1
            return
        used[nearest] = True
        self.found[wave] += 1
        for side in (0, 1):
            error = spans[nearest, side] - own[side]
            if not np.isnan(error):
                self.errors[2 * wave + side].append(float(error))

    def median_error(self) -> list[float]:
        """Return the median absolute error of each boundary in ms."""
        return [float(np.median(np.abs(each))) if each else np.nan for each in self.errors]

    def sensitivity(self) -> list[float]:
        """Return the share of annotated waves that are found."""
        pairs = zip(self.found, self.missed, strict=True)
        return [f / max(f + m, 1) for f, m in pairs]

    def false_share(self) -> list[float]:
        """Return the share of waves found that are annotated nowhere, within what is annotated."""
        pairs = zip(self.found, self.false, strict=True)
        return [n / max(f + n, 1) for f, n in pairs]


def _middle(spans: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return spans.mean(axis=1)


def read_record(folder: Path, number: int) -> Record:
    """Return a recording of `folder`, LUDB's `data`, with its annotations."""
    signal = read_signal(DiskFile(folder / f"{number}.hea", folder), Declared())
    values, _ = select(signal, LEADS12)
    truth = tuple(annotated(folder / str(number), lead) for lead in LEADS12)
    return Record(number, np.nan_to_num(values), truth)


def annotated(stem: Path, lead: str) -> Truth:
    """Return the annotations of one lead; a wave without both of its feet is left out."""
    annotation: Any = wfdb.rdann(str(stem), lead.lower())
    symbols, ms = list(annotation.symbol), 1000 * np.asarray(annotation.sample) / FS
    spans: dict[str, list[tuple[float, float]]] = {symbol: [] for symbol in SYMBOLS}
    for i in range(1, len(symbols) - 1):
        if symbols[i] in spans and symbols[i - 1] == "(" and symbols[i + 1] == ")":
            spans[symbols[i]].append((float(ms[i - 1]), float(ms[i + 1])))
    return tuple(np.array(spans[s], np.float64).reshape(-1, 2) for s in SYMBOLS)


def is_wide(record: Record) -> bool:
    """Return whether the annotated complexes are wider than `WIDE`, by their median."""
    spans = np.concatenate([truth[1] for truth in record.truth])
    return bool(np.median(np.diff(spans, axis=1)) > WIDE)


def one_answer(leads: Sequence[int], fs: float = FS) -> Rule:
    """Return the rule by which all leads share what some of them say, at some rate."""

    def rule(values: Array) -> list[npt.NDArray[np.float64]]:
        x = values[list(leads)]
        found = delineate(x if fs == FS else resample(x, FS, fs), fs)
        return [found.record * 1000 / fs] * len(values)

    return rule


def each_lead(values: Array) -> list[npt.NDArray[np.float64]]:
    """Return what each lead says by itself."""
    return [lead * 1000 / FS for lead in delineate(values, FS).leads]


def library(method: str) -> Rule:
    """Return neurokit2 as it comes, lead by lead: its own cleaning, our complexes."""

    def rule(values: Array) -> list[npt.NDArray[np.float64]]:
        # The last complex's window may leave the recording, and a wave at sample 0 is dropped.
        at = find_beats(values, FS).at[1:-1]
        return [_by_library(lead, at, method) * 1000 / FS for lead in values]

    return rule


def _by_library(lead: Array, at: npt.NDArray[np.intp], method: str) -> npt.NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        clean = cast(Any, neurokit2).ecg_clean(lead.astype(np.float64), sampling_rate=int(FS))
        said = cast(Any, neurokit2).ecg_delineate(clean, at, sampling_rate=int(FS), method=method)[
            1
        ]
    keys = [[f"ECG_{w}_{side}" for side in ("Onsets", "Offsets")] for w in ("P", "R", "T")]
    return np.moveaxis(np.array([[said[key] for key in pair] for pair in keys], float), 2, 0)


def tally(records: Iterable[Record], rule: Rule) -> Tally:
    """Return what a rule makes of some recordings."""
    total = Tally()
    for record in records:
        for waves, truth in zip(rule(record.values), record.truth, strict=True):
            total.add(waves, truth)
    return total


def main() -> None:
    """Compare everything, draw the picture and rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with wfdb_ecg")
    folder = parser.parse_args().data / "wfdb_ecg" / "ludb" / "data"
    records = [read_record(folder, number) for number in range(1, 201)]
    odd, even = records[::2], records[1::2]
    runs: list[tuple[str, list[Record], Rule]] = [
        ("**all leads' one answer, 8 leads**", records, one_answer(EIGHT)),
        ("the same, odd numbers (looked at)", odd, one_answer(EIGHT)),
        ("the same, even numbers (held out)", even, one_answer(EIGHT)),
        (
            "the same, even numbers, QRS over 0.12 s",
            [r for r in even if is_wide(r)],
            one_answer(EIGHT),
        ),
        ("the same from 12 leads", records, one_answer(range(12))),
        ("8 leads at 250 Hz", records, one_answer(EIGHT, 250.0)),
        ("8 leads at 100 Hz", records, one_answer(EIGHT, 100.0)),
        ("each lead by itself", records, each_lead),
        ("the library alone, `prominence`, every tenth", records[::TENTH], library("prominence")),
        ("the library alone, `dwt`, every tenth", records[::TENTH], library("dwt")),
    ]
    tallies: list[tuple[str, Tally]] = []
    with progress("LUDB", sum(len(each) for _, each, _ in runs), "records") as advance:
        for name, chosen, rule in runs:
            tallies.append((name, tally(chosen, rule)))
            advance(len(chosen))
    write_between(DOC, "boundaries", [*boundary_table(tallies), scatter_row(records)])
    write_between(DOC, "waves", wave_table(tallies))
    write_between(DOC, "peaks", list(peak_table(records)))
    write_between(DOC, "speed", [speed_line(records[:20])])
    draw(records)


def boundary_table(tallies: Sequence[tuple[str, Tally]]) -> list[str]:
    """Return median |error|, median error and interquartile range per boundary."""
    lines = [f"| | {' | '.join(BOUNDARIES)} |", "|---|" + "---|" * len(BOUNDARIES)]
    for name, each in tallies:
        cells = [
            f"{np.median(np.abs(e)):.0f} ({np.median(e):+.0f}, "
            f"{np.subtract(*np.percentile(e, [75, 25])):.0f})"
            for e in each.errors
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def scatter_row(records: Sequence[Record]) -> str:
    """Return how far a beat's marks of one lead lie from the median of all, as a table's row."""
    found: list[list[float]] = [[] for _ in BOUNDARIES]
    for record in records:
        for wave in range(len(WAVES)):
            # Any lead names the beats: here the one that is best seen.
            for beat in record.truth[LEADS12.index("II")][wave]:
                marks = np.concatenate([_near(each[wave], beat.mean()) for each in record.truth])
                away = np.abs(marks - np.median(marks, axis=0))
                for side in (0, 1):
                    found[2 * wave + side] += away[:, side].tolist()
    cells = " | ".join(f"{np.median(each):.0f}" for each in found)
    return f"| cardiologists: a lead's mark from the median of the leads' | {cells} |"


def _near(spans: npt.NDArray[np.float64], at: float) -> npt.NDArray[np.float64]:
    return spans[np.abs(_middle(spans) - at) < TOLERANCE]


def wave_table(tallies: Sequence[tuple[str, Tally]]) -> list[str]:
    """Return sensitivity and share of false ones per wave, in per cent."""
    lines = [f"| | {' | '.join(WAVES)} |", "|---|" + "---|" * len(WAVES)]
    for name, each in tallies:
        shares = zip(each.sensitivity(), each.false_share(), strict=True)
        cells = [f"{100 * caught:.1f} / {100 * false:.1f}" for caught, false in shares]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def peak_table(records: Sequence[Record]) -> Iterator[str]:
    """Yield how many complexes are found, and found where there is none, by two detectors."""
    yield "| detector | sensitivity | false |"
    yield "|---|---|---|"
    detectors: dict[str, Callable[[Array], list[npt.NDArray[np.intp]]]] = {
        "all leads vote (`find_beats`)": lambda x: [find_beats(x, FS).at] * len(x),
        "neurokit2's own, each lead": _library_peaks,
    }
    for name, detect in detectors.items():
        total = Tally()
        for record in records:
            for at, truth in zip(detect(record.values), record.truth, strict=True):
                waves = np.full((len(at), len(WAVES), 2), np.nan)
                waves[:, 1] = (at * 1000 / FS)[:, None]
                total.add(waves, truth)
        share, false = total.sensitivity()[1], total.false_share()[1]
        yield f"| {name} | {100 * share:.2f} % | {100 * false:.2f} % |"


def _library_peaks(values: Array) -> list[npt.NDArray[np.intp]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        nk = cast(Any, neurokit2)
        clean = [nk.ecg_clean(lead.astype(float), sampling_rate=int(FS)) for lead in values]
        return [nk.ecg_peaks(each, sampling_rate=int(FS))[1]["ECG_R_Peaks"] for each in clean]


def speed_line(records: Sequence[Record]) -> str:
    """Return the time that 8 leads of 10 s at 250 Hz take."""
    slow = [resample(record.values[EIGHT], FS, 250.0) for record in records]
    start, spent = time.perf_counter(), time.process_time()
    for x in slow:
        delineate(x, 250.0)
    wall = 1000 * (time.perf_counter() - start) / len(slow)
    spent = 1000 * (time.process_time() - spent) / len(slow)
    return (
        f"8 leads × 10 s at 250 Hz: {spent:.0f} ms of processor time a record, {wall:.0f} ms wall."
    )


def draw(records: Sequence[Record]) -> None:
    """Draw held-out recordings with their segments, and the annotated feet as lines."""
    mpl.use("Agg")
    shape = (len(SHOWN), len(SHOWN_LEADS))
    figure, axes = plt.subplots(*shape, figsize=(15, 7), sharex=True, constrained_layout=True)
    for row, number in zip(axes, SHOWN, strict=True):
        record = records[number - 1]
        for axis, lead in zip(row, SHOWN_LEADS, strict=True):
            _draw_lead(axis, record, lead)
            axis.set_title(f"LUDB {number}, {lead}", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    # A palette keeps the picture below the 300 kB that a repository can bear.
    Image.open(buffer).convert("RGB").quantize(32).save(PICTURE, optimize=True)


def _draw_lead(axis: Axes, record: Record, lead: str) -> None:
    count = round(SHOWN_S * FS)
    at = np.arange(count) / FS
    found = painted(delineate(record.values[EIGHT], FS), record.values.shape[1])[:count]
    trace = record.values[LEADS12.index(lead), :count]
    low, high = float(trace.min()), float(trace.max())
    for index, colour in enumerate(COLOURS):
        inside = (found == index).tolist()
        axis.fill_between(at, low, high, where=inside, color=colour, lw=0, label=SEGMENTS[index])
    for spans in record.truth[LEADS12.index(lead)]:
        axis.vlines(spans.ravel() / 1000, low, high, "#555555", lw=0.6, ls=":")
    axis.plot(at, trace, color="black", lw=0.8)
    axis.set_xlim(0, SHOWN_S)
    axis.set_yticks([])
    if lead == SHOWN_LEADS[0]:
        axis.legend(ncols=len(COLOURS), fontsize=7, loc="upper right")


if __name__ == "__main__":
    main()
