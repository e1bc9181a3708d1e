"""Tables of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.compare.flips import CELLS, Flips
from components.compare.wording import is_underpowered
from components.core.comparison.judged import Judged
from components.core.comparison.paired import WITHIN_FOLD
from components.core.metrics.interval import number
from components.core.metrics.registry import all_metrics
from components.core.metrics.tables import Figures
from components.core.report.section import Table


def models_table(models: Sequence[Judged]) -> Table:
    """Return who is compared, and on whom each was tested."""
    header = ("", "Model", "Run", "Evaluation", "Test split", "Patients", "Events", "Prevalence")
    rows = tuple(
        (
            m.letter,
            m.model,
            m.reference,
            m.stage.fingerprint[:12],
            m.test_split[:12],
            f"{m.sizes['patients']:,.0f}",
            f"{m.sizes['events']:,.0f}{' (underpowered)' if is_underpowered(m) else ''}",
            f"{number(100 * m.sizes['prevalence'], 1)} %",
        )
        for m in models
    )
    return Table("Models", header, rows)


def side_by_side(models: Sequence[Judged]) -> Table:
    """Return every figure of every model, each with its interval."""
    names = _ordered([name for m in models for name in m.figures])
    rows = tuple((title(name), *(_cell(m.figures, name) for m in models)) for name in names)
    note = "Each with its 95 % interval, as in the model's own report."
    return Table("All figures", ("Figure", *(m.name for m in models)), rows, note)


def differences_table(reference: Judged, others: Mapping[str, Figures]) -> Table:
    """Return each model's figures minus the reference's."""
    names = _ordered([name for found in others.values() for name in found])
    header = ("Figure", *(f"{letter} minus {reference.letter}" for letter in others))
    rows = tuple((title(n), *(_cell(found, n) for found in others.values())) for n in names)
    first = next(iter(others.values()))
    note = f"Intervals: {first['auroc'].method}; none is corrected for their number."
    return Table("Paired differences", header, rows, note)


def flips_table(reference: Judged, other: Judged, found: Flips) -> Table:
    """Return the reclassification table of a pair, by label."""
    header = ("Patients", *(cell.capitalize() for cell in CELLS), "Net share reclassified rightly")
    shares = {"events": "nri_events", "no events": "nri_no_events"}
    rows = tuple(
        (name, *(f"{count:,}" for count in cells), found.figures[shares[name]].text())
        for name, cells in found.counts.items()
    )
    note = (
        f"From {reference.letter} to {other.letter}, each at its own threshold. Sum of both shares "
        f"(net reclassification index): {found.figures['nri'].text()}."
    )
    return Table(f"{other.letter} against {reference.letter}: changed calls", header, rows, note)


def title(name: str) -> str:
    """Return a figure's name in print."""
    base = name.removesuffix(WITHIN_FOLD)
    known = all_metrics().get(base)
    if known is not None:
        return known.title + (", within folds" if base != name else "")
    if name.startswith("net_benefit/"):
        return f"Net benefit at {name.removeprefix('net_benefit/')} %"
    return name.replace("_", " ")


def _ordered(names: Sequence[str]) -> list[str]:
    """Return the names once each, the registry's first."""
    known = list(all_metrics())
    place = {name: i for i, name in enumerate(known)}
    found = list(dict.fromkeys(names))
    return sorted(found, key=lambda n: place.get(n.removesuffix(WITHIN_FOLD), len(known)))


def _cell(figures: Figures, name: str) -> str:
    return figures[name].text() if name in figures else "not computed"
