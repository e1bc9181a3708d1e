"""Mean attributions of groups over a cohort, signed and absolute, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import Grouped
from components.core.metrics.column_means import mean_intervals, patients_with
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.modalities import TITLES
from components.core.report.section import Table

# What the digits of a table can hold beside their interval.
DIGITS = 3
HEADER = ("mean (95 % interval)", "mean magnitude (95 % interval)", "patients")


def spoken(name: str) -> str:
    """Return a modality as people call it; another name as it is."""
    return TITLES.get(name, name)


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A group's attribution over a cohort, in log-odds.

    Attributes:
        signed: mean; above 0 towards the event.
        absolute: mean of the magnitudes, how much the group moves answers either way.
        patients: who have the group.
    """

    signed: Interval
    absolute: Interval
    patients: int


def means(grouped: Grouped, patients: npt.ArrayLike, *, plan: Plan) -> dict[str, Mean]:
    """Return the mean of every group that some record has, by name.

    Args:
        grouped: attributions of `n` records.
        patients: `[n]` whose record it is.
        plan: how patients are resampled.

    Raises:
        InputError: as many patients as records are needed.
    """
    counts = patients_with(grouped.values, patients)
    kept = np.flatnonzero(counts > 0)
    if not kept.size:
        return {}
    names = [grouped.names[k] for k in kept.tolist()]
    values = grouped.values[:, kept]
    signed = mean_intervals(values, names, patients, plan=plan)
    absolute = mean_intervals(np.abs(values), names, patients, plan=plan)
    return {
        name: Mean(signed=signed[name], absolute=absolute[name], patients=int(counts[k]))
        for name, k in zip(names, kept.tolist(), strict=True)
    }


def by_size(found: Mapping[str, Mean]) -> list[str]:
    """Return the groups' names, the largest mean magnitude first."""
    return sorted(found, key=lambda name: (-found[name].absolute.value, name))


def table(found: Mapping[str, Mean], *, caption: str, kind: str, note: str = "") -> Table:
    """Return a row per group in the given order.

    Args:
        found: of the groups.
        caption: what the table shows.
        kind: of group, the head of the first column.
        note: a sentence below it.
    """
    rows = tuple(
        (name, mean.signed.text(DIGITS), mean.absolute.text(DIGITS), str(mean.patients))
        for name, mean in found.items()
    )
    return Table(caption, (kind, *HEADER), rows, note)
