"""Who trains, who validates, who is tested: whole patients, and whole groups where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from components.core.config.sections import SplitConfig
from components.core.data.units import units
from components.core.errors import InputError
from components.core.schemas import PART_PREFIX, PARTS
from components.preprocess import draws, planned
from components.preprocess.groups import group_column
from components.preprocess.periods import SHIFTED_NOTE, by_period

Parts = dict[str, pd.Series]


@dataclass(frozen=True, kw_only=True)
class Split:
    """The parts of every fold, and what the split promises.

    Attributes:
        parts: `part.<fold>` → part (`train`, `val`, `test`) of every record.
        method: `given`, `holdout`, `folds`, `temporal`, `period` or `site`.
        groups: column → between which parts no value of it may be shared: `all` parts, or `test`
            and the other two.
        note: one sentence for the report; empty where there is nothing to add.
    """

    parts: Parts
    method: str
    groups: dict[str, str]
    note: str = ""


def assign(
    frame: pd.DataFrame,
    config: SplitConfig,
    *,
    label: pd.Series | None = None,
    shuffle: int | None = None,
) -> Split:
    """Return the part of every record in every fold.

    Args:
        frame: `patient_id`, `label` (0, 1, missing), `given_split`, `site`, `period` and
            `index_time` per record.
        config: method, shares, folds, seed, group.
        label: per record, by which parts are drawn in place of the frame's own.
        shuffle: seed under which the frame's own were dealt out; None where they were not.

    Raises:
        InputError: too few patients of a class, splits given for some records only, or dates,
            sites or groups that the method needs are missing.
    """
    split = _assigned(frame if label is None else frame.assign(label=label), config)
    if shuffle is not None:
        _check_dealt(frame, split, shuffle)
    return split


def _assigned(frame: pd.DataFrame, config: SplitConfig) -> Split:
    method = resolve(frame, config)
    groups = {"patient_id": "all"}
    if config.group != "patient":
        groups[group_column(frame, config.group)] = "all"
    note = ""
    if method == "given":
        parts = {"given": frame["given_split"].astype("string")}
    else:
        unit = units(frame, list(groups))
        if method == "temporal":
            drawn, note = planned.temporal(frame, unit, config)
            note += SHIFTED_NOTE if _has_periods(frame) else ""
        elif method == "period":
            drawn, note = by_period(frame, unit, config)
        elif method == "site":
            drawn, note = planned.by_site(frame, unit, config)
            groups.setdefault("site", "test")
        else:
            drawn = draws.draw(draws.strata(frame["label"], unit), method, config)
        parts = {name: unit.map(part) for name, part in drawn.items()}
    _check_classes(frame, parts)
    named = {f"{PART_PREFIX}{name}": part for name, part in parts.items()}
    return Split(parts=named, method=method, groups=groups, note=note)


def _has_periods(frame: pd.DataFrame) -> bool:
    return "period" in frame and bool(frame["period"].notna().any())


def resolve(frame: pd.DataFrame, config: SplitConfig) -> str:
    """Return the method, `auto` resolved to `given`, `holdout` or `folds`."""
    has = frame["given_split"].notna()
    if config.method in {"auto", "given"} and has.any():
        if not has.all():
            raise InputError(
                f"{int((~has).sum())} of {len(has)} records have no split while others bring one; "
                "fill the column, or set preprocess.split.method to holdout or folds"
            )
        return "given"
    if config.method == "given":
        raise InputError("preprocess.split.method is 'given', but the data bring no split column")
    if config.method != "auto":
        return config.method
    patients = frame.groupby("patient_id")["label"].max()
    few = len(patients) < config.min_patients or int((patients == 1).sum()) < config.min_events
    return "folds" if few else "holdout"


def _check_dealt(frame: pd.DataFrame, split: Split, seed: int) -> None:
    # Parts are stratified on the labels as they were: chance may leave a small one without a class.
    for fold, part, value in _lacking(frame, split.parts):
        raise InputError(
            f"label.shuffle={seed} leaves the {part} part of {fold.removeprefix(PART_PREFIX)} "
            f"without a record of label {value}; choose another seed"
        )


def _check_classes(frame: pd.DataFrame, parts: Parts) -> None:
    for fold, part, value in _lacking(frame, parts):
        raise InputError(
            f"the {part} part of {fold} has no record with label {value}; both classes "
            "are needed in every part: bring more data or check the label column"
        )


def _lacking(frame: pd.DataFrame, parts: Parts) -> Iterator[tuple[str, str, int]]:
    """Yield each fold, part and label of which there is no record."""
    for fold, assigned in parts.items():
        for part in PARTS:
            labels = frame.loc[assigned == part, "label"].dropna()
            yield from ((fold, part, value) for value in (0, 1) if not (labels == value).any())
