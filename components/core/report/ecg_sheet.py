"""The sheet itself as SVG: grid, rows, cells, header, legend; all lengths in `UNITS` to the mm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import SEGMENTS
from components.core.report.ecg_layout import Cell, Floats, piece
from components.core.report.ecg_legend import Tints
from components.core.report.ecg_trace import (
    SHADES,
    UNITS,
    X_UNITS,
    Y_UNITS,
    coloured,
    runs,
    trace,
)
from components.core.report.palette import AGAINST, BLACK, TOWARDS

# Millimetres: margin, pulse, text. The trace starts on a bold line, behind the pulse.
_MARGIN, _PULSE, _LINE = 5, 15, 5
# Height of a letter, and the mean width of DejaVu Sans at that height with some room.
_SIZE, _LETTER = 3.2, 2.05
_WIDTH = _PULSE + 250 + 5
# A pulse of 1 mV lasts 200 ms.
_PULSE_S = 0.2
# Warm grey paper: orange and blue stand out on it, and a reader knows it for ECG paper.
_FINE, _BOLD, _INK = "#f1dedb", "#dfb9b4", BLACK
# Segments: tints other than the two colours of attribution.
_GROUND = {"P": "#dff0e0", "QRS": "#e4e4e4", "ST": "#fbf0c4", "T": "#ecdff2"}
# Opacity and width (in mm) of a shade, so that size can be told in grey print, too.
_OPACITY = {1: 0.30, 2: 0.45, 3: 0.60, 4: 0.75, 5: 0.90}
_BREADTH = {1: 0.9, 2: 1.1, 3: 1.4, 4: 1.6, 5: 1.9}
# Control characters, which no XML may hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Measures of a sheet.

    Attributes:
        heights: per row, millimetres above and below its zero line.
        head: lines at the top, the first one bold.
        foot: lines at the bottom.
    """

    heights: tuple[tuple[int, int], ...]
    head: tuple[str, ...]
    foot: tuple[str, ...]

    @property
    def top(self) -> int:
        """Return where the grid begins, in mm."""
        return _MARGIN + _LINE * len(self.head) + 2

    @property
    def grid(self) -> int:
        """Return the grid's height in mm."""
        return sum(up + down for up, down in self.heights)

    def zero(self, row: int) -> int:
        """Return where a row's zero line lies, in mm."""
        before = sum(up + down for up, down in self.heights[:row])
        return self.top + before + self.heights[row][0]


def row_svg(sheet: Sheet, row: int) -> str:
    """Return a row's calibration pulse."""
    x, y = (_MARGIN + 3) * UNITS, sheet.zero(row) * UNITS
    wide = round(_PULSE_S * X_UNITS)
    return f'<path class="cal" d="M{x} {y}h{UNITS * 2}v-{Y_UNITS}h{wide}v{Y_UNITS}h{UNITS * 2}"/>'


def cell_svg(
    sheet: Sheet, row: int, cell: Cell, values: Mapping[str, Floats], *, fs: float, tints: Tints
) -> str:
    """Return a cell: ground, colour, trace, lead name; words where the lead was not recorded."""
    x = (_MARGIN + _PULSE) * UNITS + round(cell.at_s * X_UNITS)
    y, up = sheet.zero(row) * UNITS, sheet.heights[row][0]
    parts = [f'<g transform="translate({x} {y})">']
    if cell.at_s:
        parts.append(f'<path class="cut" d="M0 {-UNITS * 4}v{UNITS * 8}"/>')
    own = piece(values[cell.lead], cell, fs) if cell.lead in values else np.zeros(0)
    if np.isfinite(own).any():
        parts += _ground(sheet.heights[row], cell, fs, tints.segments)
        if tints.shade is not None and cell.lead in tints.shade:
            found = coloured(own, piece(tints.shade[cell.lead], cell, fs), fs)
            parts += [f'<path class="{_class(k)}" d="{found[k]}"/>' for k in sorted(found)]
        parts.append(f'<path class="ecg" d="{trace(own, fs)}"/>')
    else:
        parts.append(f'<text class="none" x="{UNITS * 10}" y="{UNITS}">not recorded</text>')
    label = UNITS * 4 - up * UNITS
    parts.append(f'<text class="lead" x="{UNITS}" y="{label}">{_text(cell.lead)}</text></g>')
    return "".join(parts)


def sheet_svg(sheet: Sheet, body: Sequence[str], tints: Tints, *, event: str) -> str:
    """Return the whole sheet.

    Args:
        sheet: its measures.
        body: rows and cells.
        tints: what the legend has to explain.
        event: what the log-odds are of.
    """
    legend = list(_legend(sheet, tints, event))
    wide = _WIDTH + 2 * _MARGIN
    high = sheet.top + sheet.grid + _LINE * len(sheet.foot) + 3 + sum(h for h, _ in legend) + 2
    grid = f'x="{_MARGIN * UNITS}" y="{sheet.top * UNITS}"'
    size = f'width="{_WIDTH * UNITS}" height="{sheet.grid * UNITS}"'
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}mm" height="{high}mm" '
        f'viewBox="0 0 {wide * UNITS} {high * UNITS}"><title>{_text(sheet.head[0])}</title>',
        f"<style>{_style()}</style><defs>{_patterns(sheet)}"
        f'<clipPath id="p"><rect {grid} {size}/></clipPath></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<g clip-path="url(#p)"><g class="under"><rect {grid} {size} fill="url(#f)"/>'
        f'<rect {grid} {size} fill="url(#b)"/></g>',
        *body, f'</g><rect class="edge" {grid} {size}/>',
        *_lines(sheet), *[drawn for _, drawn in legend], "</svg>\n",
    ])  # fmt: skip


def _patterns(sheet: Sheet) -> str:
    found = ""
    for name, step, colour, pen in (("f", 1, _FINE, 2), ("b", 5, _BOLD, 4)):
        side = step * UNITS
        # A line lies in the middle of its pattern's corner, half of it on either side.
        found += (
            f'<pattern id="{name}" x="{_MARGIN * UNITS}" y="{sheet.top * UNITS}" width="{side}" '
            f'height="{side}" patternUnits="userSpaceOnUse"><path d="M0 0h{side}M0 0v{side}M0 '
            f'{side}h{side}M{side} 0v{side}" stroke="{colour}" stroke-width="{pen}"/></pattern>'
        )
    return found


def _style() -> str:
    shades = "".join(
        f".{_class(side * k)}{{stroke:{colour};stroke-opacity:{_OPACITY[k]};"
        f"stroke-width:{_BREADTH[k] * UNITS:g}}}"
        for side, colour in ((1, TOWARDS), (-1, AGAINST))
        for k in range(1, SHADES + 1)
    )
    return (
        "path{fill:none;stroke-linejoin:round}"
        f"text{{font-family:'DejaVu Sans',Arial,sans-serif;font-size:{_SIZE * UNITS:g}px;"
        f"fill:{_INK}}}"
        f".ecg,.cal{{stroke:{_INK};stroke-width:{0.3 * UNITS:g}}}"
        f".cut{{stroke:{_INK};stroke-width:{0.2 * UNITS:g}}}"
        f".edge{{fill:none;stroke:{_BOLD};stroke-width:4}}"
        ".lead,.head{font-weight:bold}.lead{paint-order:stroke;stroke:#fff;stroke-width:12px}"
        f".end{{text-anchor:end}}.none{{font-style:italic}}{shades}"
    )


def _class(shade: int) -> str:
    return f"{'t' if shade > 0 else 'a'}{abs(shade)}"


def _text(words: str) -> str:
    return escape(_CONTROL.sub("�", words))


def _ground(
    height: tuple[int, int], cell: Cell, fs: float, segments: npt.NDArray[np.integer] | None
) -> Iterator[str]:
    """Yield the tints of a cell's segments, one path per kind."""
    if segments is None:
        return
    own, (up, down) = piece(segments, cell, fs), height
    for name, colour in _GROUND.items():
        bands = "".join(
            f"M{round(run.start / fs * X_UNITS)} {-up * UNITS}"
            f"h{round((run.stop - run.start) / fs * X_UNITS)}v{(up + down) * UNITS}"
            f"h-{round((run.stop - run.start) / fs * X_UNITS)}z"
            for run in runs(own == SEGMENTS.index(name))
        )
        if bands:
            yield f'<path d="{bands}" style="fill:{colour};fill-opacity:.6"/>'


def _lines(sheet: Sheet) -> Iterator[str]:
    x = _MARGIN * UNITS
    for number, line in enumerate(sheet.head):
        y = (_MARGIN + _LINE * (number + 1) - 1) * UNITS
        kind = ' class="head"' if number == 0 else ""
        yield f'<text{kind} x="{x}" y="{y}">{_text(line)}</text>'
    for number, line in enumerate(sheet.foot):
        y = (sheet.top + sheet.grid + _LINE * (number + 1)) * UNITS
        yield f'<text x="{x}" y="{y}">{_text(line)}</text>'


def _legend(sheet: Sheet, tints: Tints, event: str) -> Iterator[tuple[int, str]]:
    """Yield height in mm and drawing of each line of the legend."""
    at = sheet.top + sheet.grid + _LINE * len(sheet.foot) + 3
    if tints.shade is not None and tints.limit > 0:
        yield 6, _scale(at * UNITS, tints.limit, event)
        at += 6
    if tints.segments is not None:
        yield 6, _swatches(at * UNITS)


def _scale(y: int, limit: float, event: str) -> str:
    """Return the scale of colours, from against to towards."""
    words, low = f"against {_text(event)}  −{limit:.2g}", y + 3 * UNITS
    x = round((_MARGIN + _LETTER * len(f"against {event}  −{limit:.2g}")) * UNITS)
    parts = [f'<text class="end" x="{x - UNITS}" y="{low}">{words}</text>']
    for shade in range(-SHADES, SHADES + 1):
        if shade:
            parts.append(f'<path class="{_class(shade)}" d="M{x} {y + 2 * UNITS}h{4 * UNITS}"/>')
        parts.append(f'<path class="ecg" d="M{x} {y + 2 * UNITS}h{4 * UNITS}"/>')
        x += 4 * UNITS
    unit = "log-odds per 40 ms (one small square) about each point"
    words = f"+{limit:.2g}  towards {_text(event)} · {unit}"
    return "".join([*parts, f'<text x="{x + UNITS}" y="{low}">{words}</text>'])


def _swatches(y: int) -> str:
    x, parts = _MARGIN * UNITS, ""
    for name, colour in _GROUND.items():
        box = f'x="{x}" y="{y}" width="{4 * UNITS}" height="{4 * UNITS}"'
        parts += f'<rect {box} fill="{colour}"/>'
        parts += f'<text x="{x + 5 * UNITS}" y="{y + 3 * UNITS}">{name}</text>'
        x += 18 * UNITS
    return parts
