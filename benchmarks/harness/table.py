"""The table, for the terminal and for `docs/benchmarks.md`."""

from __future__ import annotations

from benchmarks.harness.measure import Measured, exponent
from benchmarks.harness.row import Comparison, Row

HEADER = ("work", "peer", "ours", "peer's", "ratio", "aim", "growth", "peak memory")
_MB = 1e6


def lines(row: Row, found: dict[str, Measured], *, quick: bool) -> list[tuple[str, ...]]:
    """Return the row's lines, one per comparison, in the order of `HEADER`."""
    sizes = row.quick if quick else row.sizes
    return [_line(row, comparison, found, sizes) for comparison in row.comparisons]


def _line(
    row: Row, comparison: Comparison, found: dict[str, Measured], sizes: tuple[int, ...]
) -> tuple[str, ...]:
    ours = found[comparison.ours]
    other = found.get(comparison.other)
    work = comparison.work.format(size=f"{sizes[-1]:,}")
    return (
        f"{work} ({row.work(sizes[-1]):,} {row.unit})",
        comparison.peer,
        seconds(ours.seconds[-1]),
        "—" if other is None else seconds(other.seconds[-1]),
        "—" if other is None else f"{other.seconds[-1] / ours.seconds[-1]:.1f}×",
        verdict(comparison, ours, other),
        _pair(growth(sizes, ours), None if other is None else growth(sizes, other)),
        _pair(memory(ours), None if other is None else memory(other)),
    )


def seconds(value: float) -> str:
    """Return a duration with three digits."""
    return f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"


def verdict(comparison: Comparison, ours: Measured, other: Measured | None) -> str:
    """Return the aims and whether they were met."""
    told = [_of_time(comparison, ours, other), _of_memory(comparison, ours, other)]
    return ", ".join(each for each in told if each) or "—"


def _of_time(comparison: Comparison, ours: Measured, other: Measured | None) -> str:
    if comparison.limit_s is not None:
        met = ours.seconds[-1] <= comparison.limit_s
        return f"≤ {comparison.limit_s:g} s: {'met' if met else 'not met'}"
    if comparison.ratio is None or other is None:
        return ""
    met = other.seconds[-1] >= comparison.ratio * ours.seconds[-1]
    return f"≥ {comparison.ratio:g}×: {'met' if met else 'not met'}"


def _of_memory(comparison: Comparison, ours: Measured, other: Measured | None) -> str:
    if comparison.memory is None or other is None:
        return ""
    met = other.peak[-1] >= comparison.memory * ours.peak[-1]
    return f"memory ≤ 1/{comparison.memory:g}: {'met' if met else 'not met'}"


def growth(sizes: tuple[int, ...], side: Measured) -> str:
    """Return the exponent of time on size."""
    return f"{exponent(sizes, side.seconds):.2f}"


def memory(side: Measured) -> str:
    """Return the peaks at 1×, 4× and 16×."""
    return " / ".join(f"{peak / _MB:.0f}" for peak in side.peak) + " MB"


def _pair(ours: str, other: str | None) -> str:
    return ours if other is None else f"{ours} (peer {other})"


def notes(row: Row, found: dict[str, Measured]) -> list[str]:
    """Return the row's notes: its own sentences, each side's facts, and how repeats spread."""
    told = list(row.notes)
    for name, side in found.items():
        told += [f"{name}: {key} {value}." for key, value in side.facts.items()]
    spread = ", ".join(f"{name} {side.spread[-1]:.0%}" for name, side in found.items())
    return [*told, f"Spread of the repeats at the largest size: {spread}."]


def plain(table: list[tuple[str, ...]]) -> str:
    """Return the lines under the header, one block per line: a terminal is narrow."""
    blocks: list[str] = []
    for line in table:
        pairs = zip(HEADER[1:], line[1:], strict=True)
        blocks.append("\n".join([line[0], *(f"  {name:12} {value}" for name, value in pairs)]))
    return "\n\n".join(blocks)


def markdown(table: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    rule = ("---",) * len(HEADER)
    return "\n".join(f"| {' | '.join(line)} |" for line in (HEADER, rule, *table))
