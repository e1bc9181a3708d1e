"""From columns of the manifest to groups of patients, and names that may leave the data folder.

A hospital's cell may hold free text, and what a handful of patients share may say who they are. A
value is shown, and becomes a metric's name, only where 20 patients of the whole cohort hold it; the
others are one group, `other`, a name that tells nothing of them and that the gate judges like any
other. Bands of a numeric column are named by their cut points.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from components.core.config.evaluate import SubgroupsConfig
from components.core.errors import ConfigError, nearest
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.schemas import TABULAR_PREFIX, tabular_columns

# Columns of the manifest itself; the others are clinical fields. `period`: the years that shifted
# dates still tell.
_OWN = ("site", "period")
STANDARD = ("sex", "age", "race", *_OWN, "therapy")
# A number that takes no more values than this, all whole, is a code (0/1, a grade), no measurement.
MOST_CODES = 10
# Of all rare values together, however many there are: two models are compared by it.
OTHER = "other"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """A way of dividing the patients.

    Attributes:
        name: as in the manifest, without prefix.
        of_patient: patient id → value as shown; missing where it is not known.
        shown: the values in the order they are shown.
        keys: value → its name in the tracking store; of rare ones together `other`.
    """

    name: str
    of_patient: pd.Series
    shown: tuple[str, ...]
    keys: dict[str, str]

    @property
    def key(self) -> str:
        """Return the column's name in the tracking store."""
        return safe(self.name)


def columns_of(manifest: pd.DataFrame, config: SubgroupsConfig) -> tuple[Column, ...]:
    """Return the columns to divide by, those without two known values left out.

    Args:
        manifest: of ingest, whole cohort: `patient_id`, `row`, `site`, `period` where the source
            tells it, and `tab.<name>` columns.
        config: which columns, and the cut points of numeric ones.

    Raises:
        ConfigError: a column that is not there, or a number without cut points.
    """
    found = [_column(manifest, name, config) for name in wanted(manifest, config)]
    return tuple(column for column in found if len(column.shown) > 1)


def wanted(manifest: pd.DataFrame, config: SubgroupsConfig) -> tuple[str, ...]:
    """Return the names of the columns that are asked for, or the standard ones that are there.

    Raises:
        ConfigError: a column that is asked for and not there.
    """
    there = [*(name for name in _OWN if name in manifest), *tabular_columns(manifest)]
    for name in config.columns:
        if name not in there:
            raise ConfigError(f"evaluate.subgroups.columns names '{name}'; {nearest(name, there)}")
    return config.columns or tuple(name for name in STANDARD if name in there)


def safe(text: str) -> str:
    """Return `text` with every run of characters that no metric's name may hold as one `_`.

    >>> safe("anthracycline+anti_her2"), safe("St. Mary's")
    ('anthracycline_anti_her2', 'St._Mary_s')
    """
    return _UNSAFE.sub("_", text)


def band_names(cuts: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the bands between cut points; whole ones are those of whole numbers.

    >>> band_names((18, 50, 75)), band_names((1.5, 2))
    (('under 18', '18-49', '50-74', '75+'), ('under 1.5', '1.5 to under 2', '2+'))
    """
    whole = all(float(cut).is_integer() for cut in cuts)
    inner = [
        f"{low:g}-{high - 1:g}" if whole else f"{low:g} to under {high:g}"
        for low, high in pairwise(cuts)
    ]
    return (f"under {cuts[0]:g}", *inner, f"{cuts[-1]:g}+")


def _column(manifest: pd.DataFrame, name: str, config: SubgroupsConfig) -> Column:
    cells = manifest[_source(manifest, name)]
    ordered = manifest.assign(cell=cells).sort_values("row", kind="stable")
    # The first recording's that has one: a patient is in one group, whatever later ones say.
    known = ordered.groupby("patient_id", sort=True)["cell"].first().dropna()
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known):
        return _numeric(name, known, config)
    return _categorical(name, known.astype("string"))


def _source(manifest: pd.DataFrame, name: str) -> str:
    """Return the manifest's own column where it knows anything, else the clinical field."""
    field = f"{TABULAR_PREFIX}{name}"
    own = name in _OWN and name in manifest
    return name if own and (field not in manifest or manifest[name].notna().any()) else field


def _numeric(name: str, known: pd.Series, config: SubgroupsConfig) -> Column:
    cuts = config.bands.get(name)
    numbers = known.to_numpy(np.float64)
    if cuts is None:
        codes = np.unique(numbers)
        if len(codes) > MOST_CODES or not np.equal(np.mod(codes, 1), 0).all():
            raise ConfigError(
                f"the column '{name}' of evaluate.subgroups is a measurement and has no cut "
                f"points; give some, e.g. evaluate.subgroups.bands: {{{name}: [1, 2]}}"
            )
        return _categorical(name, known.map("{:g}".format))
    names = band_names(cuts)
    labels = np.array(names, dtype=object)[np.searchsorted(cuts, numbers, side="right")]
    present = tuple(band for band in names if (labels == band).any())
    keys = {band: safe(band) for band in present}
    return Column(name=name, of_patient=pd.Series(labels, known.index), shown=present, keys=keys)


def _categorical(name: str, known: pd.Series) -> Column:
    counts = known.value_counts()
    shown = sorted(str(value) for value in counts[counts >= RARE_PATIENTS].index)
    rare = len(counts) - len(shown)
    if not rare:
        return Column(name=name, of_patient=known, shown=tuple(shown), keys=_keys(shown, {}))
    other = f"other ({rare} value{'s' if rare > 1 else ''})"
    pooled = known.where(known.isin(shown), other)
    keys = _keys(shown, {other: OTHER})
    return Column(name=name, of_patient=pooled, shown=(*shown, other), keys=keys)


def _keys(values: list[str], fixed: dict[str, str]) -> dict[str, str]:
    """Return each value's safe name, beside the fixed ones; a second of a spelling is numbered."""
    taken = dict.fromkeys(fixed.values(), 1)
    found = dict(fixed)
    for value in values:
        name = safe(value)
        taken[name] = taken.get(name, 0) + 1
        found[value] = name if taken[name] == 1 else f"{name}_{taken[name]}"
    return found
