"""Who the patients are: characteristics of those developed on and of those evaluated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.tabular import MIN_CATEGORY
from components.core.report.section import Section, Table
from components.core.schemas import MANIFEST, PART_PREFIX, TABULAR_PREFIX
from components.evaluate.analysis import Context

NAME = "patients"
ORDER = 5
# Beyond this many levels a row each would say less than it costs to read.
_LEVELS = 8
Mask = npt.NDArray[np.bool_]


def applies(context: Context) -> bool:
    """Return whether the cohort has tabular features."""
    return bool(context.stages.cohort.facts["features"])


def analyse(context: Context) -> Section:
    """Return the table of characteristics, one row per feature or level."""
    frame = pd.read_parquet(context.stages.cohort.folder / MANIFEST)
    first = frame.drop_duplicates("patient_id").reset_index(drop=True)
    # A patient's label is that of any record, as in the figures.
    first["label"] = first["patient_id"].map(frame.groupby("patient_id")["label"].max())
    fold = None if context.tables.folded else f"{PART_PREFIX}{context.tests[0].fold}"
    found = groups(first, fold)
    features: list[str] = context.stages.cohort.facts["features"]
    return Section(
        name=NAME,
        title="Who are the patients?",
        text=("Each patient once, by the first record.",),
        tables=(characteristics(first, features, found),),
        items=("20b",),
    )


def groups(first: pd.DataFrame, fold: str | None) -> dict[str, Mask]:
    """Return the columns of the table; the last two are those that are set against each other.

    Args:
        first: one row per patient.
        fold: column of the parts; None under cross-validation, where everyone is evaluated.
    """
    event = first["label"].eq(1).fillna(value=False).to_numpy(bool)
    free = first["label"].eq(0).fillna(value=False).to_numpy(bool)
    if fold is None:
        return {"All": np.ones(len(first), bool), "With event": event, "Without event": free}
    tested = first[fold].eq("test").fillna(value=False).to_numpy(bool)
    seen = first[fold].isin(["train", "val"]).to_numpy(bool)
    return {
        "Evaluated, with event": tested & event,
        "Evaluated, without": tested & free,
        "Development": seen,
        "Evaluated": tested,
    }


def characteristics(first: pd.DataFrame, features: list[str], found: dict[str, Mask]) -> Table:
    """Return median and quartiles of numbers, counts of categories, and gaps.

    The last column is the standardised mean difference of the last two groups: the difference in
    units of the pooled SD (Austin 2009, Stat Med 28:3083).
    """
    one, other = list(found)[-2:]
    rows: list[tuple[str, ...]] = [
        ("Patients", *(f"{int(mask.sum()):,}" for mask in found.values()), "")
    ]
    for name in features:
        rows += _feature(name, first[f"{TABULAR_PREFIX}{name}"], list(found.values()))
    note = (
        f"Numbers: median (quartiles). Counts of 1 to {MIN_CATEGORY - 1} patients are not shown. "
        f"SMD: {one.lower()} minus {other.lower()}, in standard deviations; beyond ±0.1 the groups "
        "differ by more than a trifle."
    )
    return Table("Characteristics", ("Characteristic", *found, "SMD"), tuple(rows), note)


def _feature(name: str, values: pd.Series, masks: list[Mask]) -> Iterator[tuple[str, ...]]:
    gaps = values.isna().to_numpy(bool)
    if not pd.api.types.is_numeric_dtype(values):
        yield from _levels(name, values, gaps, masks)
    else:
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        if set(np.unique(numbers[~gaps])) <= {0.0, 1.0}:
            yield _shares(name, numbers == 1, gaps, masks)
        else:
            yield (name, *(_quartiles(numbers[mask & ~gaps]) for mask in masks),
                   _smd(*(numbers[mask & ~gaps] for mask in masks[-2:])))  # fmt: skip
    if gaps.any():
        yield _shares(f"{name}: missing", gaps, np.zeros_like(gaps), masks)


def _levels(
    name: str, values: pd.Series, gaps: Mask, masks: list[Mask]
) -> Iterator[tuple[str, ...]]:
    text = values.astype("string")
    counts = text.value_counts()
    shown = [str(level) for level in counts[counts >= MIN_CATEGORY].index[:_LEVELS]]
    for level in shown:
        yield _shares(f"{name}: {level}", _is(text, level), gaps, masks)
    rest = ~text.isin(shown).fillna(value=False).to_numpy(bool) & ~gaps
    if rest.any():
        yield _shares(f"{name}: any other", rest, gaps, masks)


def _is(text: pd.Series, level: str) -> Mask:
    return text.eq(level).fillna(value=False).to_numpy(bool)


def _shares(name: str, has: Mask, gaps: Mask, masks: list[Mask]) -> tuple[str, ...]:
    """Return count and share among those without a gap, and the difference."""
    cells = [_count(int((has & mask).sum()), int((mask & ~gaps).sum())) for mask in masks]
    pair = [has[mask & ~gaps].astype(np.float64) for mask in masks[-2:]]
    rare = any(0 < values.sum() < MIN_CATEGORY for values in pair)
    return (name, *cells, "" if rare else _smd(*pair))


def _count(count: int, of: int) -> str:
    if 0 < count < MIN_CATEGORY:
        return f"<{MIN_CATEGORY}"
    return f"{count:,} ({100 * count / of:.1f} %)" if of else "none known"


def _quartiles(values: npt.NDArray[np.float64]) -> str:
    if values.size < MIN_CATEGORY:
        return "too few"
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


def _smd(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> str:
    if min(one.size, other.size) < MIN_CATEGORY:
        return ""
    spread = float(np.sqrt(0.5 * (one.var(ddof=1) + other.var(ddof=1))))
    return f"{(one.mean() - other.mean()) / spread:+.2f}".replace("-", "−") if spread else ""
