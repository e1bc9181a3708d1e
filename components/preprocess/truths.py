"""What each head learns from: the columns `y.<head>`, missing where the truth is not known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from components.core.config.heads import (
    BinaryHead,
    ClassesHead,
    HeadConfig,
    HeadMap,
    SurvivalHead,
)
from components.core.config.sections import LabelConfig
from components.core.errors import InputError, nearest, quoted
from components.core.schemas import TARGET_PREFIX, TIMES, TRUTH_PREFIX, columns_under, of_endpoint

# Reasons for refusing a record that no head could learn from.
_UNPAIRED = {
    "echo_across_intervention": "an intervention lies between the ECG and every echo near it",
    "echo_outside_window": "no echo lies near enough to the ECG",
    "ecg_time_missing": "the ECG has no time, so which echo is near it cannot be told",
    "no_truth": "no head has a truth for the record",
}


def add_targets(
    frame: pd.DataFrame, heads: HeadMap, label: LabelConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records with `y.<head>` of the heads that have a target, and the refused ones.

    Where `label.derive` is `head` and the primary head has a target, `label` becomes its binary
    view (of classes: whether it is the highest); where it has none, `label` becomes missing until
    the outcome at the horizon is known.

    Args:
        frame: manifest rows, paired.
        heads: of the task.
        label: whose name is the primary head's.

    Raises:
        InputError: a head's target is no column, is missing in every record, or has another kind
            than its rule needs.
    """
    refused = pd.Series("", index=frame.index, dtype="object")
    for name, head in heads.items():
        if isinstance(head, BinaryHead) and head.target:
            truth = _binary(_target(frame, name, head.target), name, head)
        elif isinstance(head, ClassesHead):
            truth, unknown = _classes(_target(frame, name, head.target), head)
            refused = refused.mask(unknown, name)
        else:
            continue
        frame = frame.assign(**{f"{TRUTH_PREFIX}{name}": truth})
    if label.derive == "head":
        frame = frame.assign(label=_view(frame, label.name, heads[label.name]))
    bad = frame[refused != ""].to_dict("records")
    names = refused[refused != ""]
    rejects = [_unknown(row, heads[name]) for row, name in zip(bad, names, strict=True)]
    return frame[refused == ""].reset_index(drop=True), rejects


def _target(frame: pd.DataFrame, name: str, target: str) -> pd.Series:
    column = f"{TARGET_PREFIX}{target}"
    if column not in frame:
        known = columns_under(frame, TARGET_PREFIX)
        hint = nearest(target, known) if known else "it brought none"
        raise InputError(
            f"the head '{name}' learns from the target '{target}', which the source does not "
            f"bring; name the column in the source's option 'targets' ({hint})"
        )
    if frame[column].isna().all():
        raise InputError(
            f"the head '{name}' has no truth: the target '{target}' is missing in all "
            f"{len(frame)} records; fill it in, or leave the head out"
        )
    return frame[column]


def _binary(target: pd.Series, name: str, head: BinaryHead) -> pd.Series:
    numeric = pd.api.types.is_numeric_dtype(target)
    if numeric == bool(head.positive):
        has, rule = ("numbers", "below or above") if numeric else ("categories", "positive")
        raise InputError(
            f"the target '{head.target}' of the head '{name}' holds {has}, which needs {rule}; "
            "correct the head, or the kind in the source's option 'targets'"
        )
    if head.positive:
        categories = set(target.dropna())
        if not categories & set(head.positive):
            raise InputError(
                f"none of the categories {', '.join(head.positive)}, which heads.{name}.positive "
                f"names, occurs in the target '{head.target}'; correct the head"
            )
        hit = target.isin(head.positive)
    elif head.below is not None:
        hit = target < head.below
    else:
        hit = target > float(head.above or 0)
    return hit.astype("Int8").mask(target.isna())


def _classes(target: pd.Series, head: ClassesHead) -> tuple[pd.Series, pd.Series]:
    """Return the place of each category, and which are not known."""
    if pd.api.types.is_numeric_dtype(target):
        raise InputError(
            f"the target '{head.target}' holds numbers, the head names the categories "
            f"{', '.join(head.classes)}; declare it categorical in the source's option 'targets'"
        )
    place = target.map({name: number for number, name in enumerate(head.classes)})
    return place.astype("Int8"), target.notna() & place.isna()


def _unknown(row: dict[Any, Any], head: HeadConfig) -> dict[str, Any]:
    known = head.classes if isinstance(head, ClassesHead) else ()
    target = head.target if isinstance(head, ClassesHead) else ""
    value = str(row[f"{TARGET_PREFIX}{target}"])
    return {
        "file": "",
        "row": int(row["row"]),
        "field": target,
        "value": quoted(value),
        "code": "unknown_category",
        "reason": f"the category in '{target}' is none of the head's",
        "advice": nearest(value, known),
    }


def _view(frame: pd.DataFrame, name: str, head: HeadConfig) -> pd.Series:
    """Return the binary view of the primary head, as far as its target tells it."""
    column = f"{TRUTH_PREFIX}{name}"
    if isinstance(head, ClassesHead):
        place = frame[column]
        return place.eq(len(head.classes) - 1).astype("Int8").mask(place.isna())
    if column in frame:
        return frame[column]
    if isinstance(head, BinaryHead):  # which takes the label column
        return frame["label"]
    return pd.Series(pd.NA, index=frame.index, dtype="Int8")


def without_prevalent(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the records, and how many lost their times: who has the disease cannot develop it.

    These are the ones with the disease at the index date (`prevalent`).
    """
    prevalent = frame["prevalent"].eq(1).fillna(value=False).astype(bool)
    cleared = {name: frame[name].astype("float64").mask(prevalent) for name in TIMES}
    return frame.assign(**cleared), int(prevalent.sum())


def require_truth(
    frame: pd.DataFrame, heads: HeadMap, unpaired: pd.Series
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records from which some head can learn, and reject rows for the others.

    Args:
        frame: records with `y.<head>` of the heads with a target or another endpoint.
        heads: of the task.
        unpaired: per record, why its echo was not paired, or nothing.
    """
    known = pd.Series(data=False, index=frame.index)
    for name, head in heads.items():
        if isinstance(head, SurvivalHead):
            times = [of_endpoint(time, head.endpoint) for time in TIMES]
            known |= frame[times].notna().any(axis=1)
        elif f"{TRUTH_PREFIX}{name}" in frame:
            known |= frame[f"{TRUTH_PREFIX}{name}"].notna()
        elif isinstance(head, BinaryHead):  # the label column, which times may give as well
            known |= frame[["label", *TIMES]].notna().any(axis=1)
    codes = unpaired.where(unpaired != "", "no_truth")
    rejects = [
        {
            "file": "",
            "row": int(row),
            "field": "",
            "value": "",
            "code": code,
            "reason": _UNPAIRED[code],
            "advice": "fill in a target or times to event, or change preprocess.pairing.days",
        }
        for row, code in zip(frame.loc[~known, "row"], codes[~known], strict=True)
    ]
    return frame[known].reset_index(drop=True), rejects


def add_views(frame: pd.DataFrame, heads: HeadMap) -> pd.DataFrame:
    """Return the records with `y.<head>` of the heads that learn from label or times.

    Args:
        frame: records with `label`, `time_days` and `event_code`.
        heads: of the task.

    Raises:
        InputError: a survival head finds no times at all.
    """
    for name, head in heads.items():
        column = f"{TRUTH_PREFIX}{name}"
        if isinstance(head, SurvivalHead) and not head.endpoint:
            if frame["time_days"].isna().all():
                raise InputError(
                    f"the head '{name}' has no truth: none of {len(frame)} records has a time to "
                    "event, death or last contact; add event_time_days and followup_days"
                )
            frame = frame.assign(**{column: event_by(frame, head.horizons_days[-1])})
        elif isinstance(head, BinaryHead) and not (head.target or head.endpoint):
            frame = frame.assign(**{column: frame["label"].astype("Int8")})
    return frame


def event_by(frame: pd.DataFrame, horizon: float, endpoint: str = "") -> pd.Series:
    """Return whether the event happened by `horizon`: 0, 1, missing if censored or not followed.

    Death without the event, before the horizon or after it, is a known non-event.
    """
    time = frame[of_endpoint("time_days", endpoint)].astype("float64")
    code = frame[of_endpoint("event_code", endpoint)].astype("Int8").fillna(0).astype(int)
    happened = (code == 1) & (time <= horizon)
    free = (time >= horizon) | (code == 2)
    known = np.where(happened, 1, 0)
    unknown = time.isna() | ~(happened | free)
    return pd.Series(known, index=frame.index, dtype="Int8").mask(unknown)
