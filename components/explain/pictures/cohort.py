"""The cohort's section of a method: where on ECG, picture and sound, from which inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import SEGMENTS, Grouped
from components.core.metrics.resampling import Plan
from components.core.report.section import Plot, Section, Table
from components.explain.pictures import bars as drawing
from components.explain.pictures import heat
from components.explain.pictures.means import Mean, by_size, means, spoken, table

Floats = npt.NDArray[np.float64]
_TITLES = {
    "segment": "Segments of the beat",
    "lead": "Leads",
    "modality": "Modalities",
    "band": "Frequency bands of the heart sound",
}


def section(
    grouped: Mapping[str, Grouped],
    patients: npt.ArrayLike,
    *,
    method: str,
    title: str,
    event: str,
    plan: Plan,
) -> Section:
    """Return the pictures and tables of one method's groups; variables have a swarm of their own.

    Args:
        grouped: kind → attributions of `n` records.
        patients: `[n]` whose record it is.
        method: its name; part of the pictures' names.
        title: heading.
        event: what the log-odds are of.
        plan: how patients are resampled.
    """
    plots: list[Plot] = []
    tables: list[Table] = []
    text: list[str] = []
    if "lead_segment" in grouped:
        cells = grouped["lead_segment"]
        plots.append(cell_maps(cells, name=f"{method}-lead-segment", event=event))
        text += _beatless(cells)
    if "region" in grouped:
        plots.append(region_maps(grouped["region"], name=f"{method}-region", event=event))
    for kind in (kind for kind in _TITLES if kind in grouped):
        found = means(grouped[kind], patients, plan=plan)
        if kind == "modality":
            found = {spoken(name): found[name] for name in by_size(found)}
        if found:
            plots.append(_bars(found, kind=kind, method=method, event=event))
            tables.append(_table(found, kind))
    return Section(name=f"cohort-{method}", title=title, text=tuple(text),
                   tables=tuple(tables), plots=tuple(plots))  # fmt: skip


def cell_maps(grouped: Grouped, *, name: str, event: str) -> Plot:
    """Return the maps of mean signed and mean absolute attribution per lead and segment.

    Args:
        grouped: of kind `lead_segment`.
        name: of the picture.
        event: what the log-odds are of.
    """
    leads = [cell.rsplit(" ", 1)[0] for cell in grouped.names[:: len(SEGMENTS)]]
    shape = (len(leads), len(SEGMENTS))
    signed, absolute = (
        _column_means(values).reshape(shape) for values in (grouped.values, np.abs(grouped.values))
    )
    return heat.maps(signed, absolute, leads, name=name, event=event)


def region_maps(grouped: Grouped, *, name: str, event: str) -> Plot:
    """Return the maps of mean signed and mean absolute attribution per region of the picture.

    Args: as of `cell_maps`, of kind `region`.
    """
    pairs = [each.split(" column ") for each in grouped.names]
    rows = list(dict.fromkeys(row for row, _ in pairs))
    columns = list(dict.fromkeys(column for _, column in pairs))
    shape = (len(rows), len(columns))
    signed, absolute = (
        _column_means(values).reshape(shape) for values in (grouped.values, np.abs(grouped.values))
    )
    return heat.maps(
        signed, absolute, rows, name=name, event=event, columns=columns,
        cells="region of the picture, from its upper left corner",
    )  # fmt: skip


def _column_means(values: Floats) -> Floats:
    count = np.isfinite(values).sum(0)
    found = np.full(count.shape, np.nan)
    np.divide(np.nan_to_num(values).sum(0), count, out=found, where=count > 0)
    return found


def _beatless(cells: Grouped) -> list[str]:
    none = int((~np.isfinite(cells.values)).all(1).sum())
    if not none:
        return []
    return [f"In {none} of {len(cells.values)} records no beat was found: they are explained "
            "without segments and left out of the map and of the segments."]  # fmt: skip


def _bars(found: Mapping[str, Mean], *, kind: str, method: str, event: str) -> Plot:
    return drawing.bars(found, name=f"{method}-{kind}", title=_TITLES[kind], event=event)


def _table(found: Mapping[str, Mean], kind: str) -> Table:
    caption = f"{_TITLES[kind]}: mean attribution, log-odds"
    return table(found, caption=caption, kind=kind)
