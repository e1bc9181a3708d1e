"""The binary label at the horizon, and who is censored before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.config.sections import LabelConfig
from components.core.errors import InputError
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.schemas import TIMES, of_endpoint


@dataclass(frozen=True)
class Labelled:
    """The label of every record.

    Attributes:
        label: 0, 1 or missing (undetermined or censored before the horizon).
        censored: followed for less than the horizon without an event.
        time: days to event, competing death, or last contact; missing where not known.
        code: 1 event, 2 competing death, 0 neither so far.
        timed: the label was derived from times rather than taken from the column.
    """

    label: pd.Series
    censored: pd.Series
    time: pd.Series
    code: pd.Series
    timed: bool


def derive(manifest: pd.DataFrame, config: LabelConfig) -> Labelled:
    """Return the label of every record at `config.horizon_days`.

    An event after the horizon is a non-event at it; a death without the event, before the horizon
    or after it, is a known non-event (a competing event); shorter follow-up without either is
    censored.

    Raises:
        InputError: some records have follow-up times and others have not, a label contradicts the
            times beside it, or everyone is censored before the horizon.
    """
    event_time, _, followup = (manifest[c].astype(float) for c in TIMES)
    last, code = times_of(manifest)
    given = manifest["label"].astype("Int8")
    horizon = config.horizon_days
    if horizon is None or last.isna().all():
        nobody = pd.Series(data=False, index=manifest.index)
        return Labelled(given, nobody, last, code, timed=False)
    _require_times(last)
    censored = code.eq(CENSORED) & followup.lt(horizon)
    if config.censoring == "as_given":
        return Labelled(given, censored, last, code, timed=False)
    _require_known(censored, horizon)
    derived = pd.Series(np.where(event_time.le(horizon), 1, 0), index=manifest.index)
    _require_agreement(given, event_time, horizon)
    return Labelled(derived.astype("Int8").mask(censored), censored, last, code, timed=True)


def times_of(manifest: pd.DataFrame, endpoint: str = "") -> tuple[pd.Series, pd.Series]:
    """Return per record the days to event, competing death or last contact, and which it is.

    Days are missing where none of the three is known; the code is 1 event, 2 competing death, 0
    neither so far.
    """
    columns = [of_endpoint(time, endpoint) for time in TIMES]
    event, death, contact = (manifest[c].astype(float) for c in columns)
    code = np.select([event.notna(), death.notna()], [EVENT, COMPETING], CENSORED)
    return event.fillna(death).fillna(contact), pd.Series(code, index=manifest.index)


def derive_known(manifest: pd.DataFrame, config: LabelConfig) -> Labelled:
    """Return the label as `derive` does, missing where a record has no times.

    Such a record has no outcome at the horizon, but may teach another head.

    Raises:
        InputError: a label contradicts the times beside it, or everyone with times is censored
            before the horizon.
    """
    known = manifest[list(TIMES)].notna().any(axis=1)
    if config.horizon_days is None or known.all() or not known.any():
        return derive(manifest, config)
    part = derive(manifest[known], config)
    index = manifest.index
    return Labelled(
        label=part.label.reindex(index),
        censored=part.censored.reindex(index, fill_value=False),
        time=part.time.reindex(index),
        code=part.code.reindex(index, fill_value=0),
        timed=part.timed,
    )


def _require_times(last: pd.Series) -> None:
    gaps = int(last.isna().sum())
    if gaps:
        raise InputError(
            f"{gaps} of {len(last)} records have neither event_time_days, death_days nor "
            "followup_days; give them for every record, or set label.horizon_days=null to take "
            "the label column at its word"
        )


def _require_known(censored: pd.Series, horizon: float) -> None:
    if len(censored) and censored.all():
        raise InputError(
            f"all of {len(censored)} records with times were followed for less than {horizon:g} "
            "days without the event, so that no label is known; lower label.horizon_days, or bring "
            "longer follow-up"
        )


def _require_agreement(given: pd.Series, event_time: pd.Series, horizon: float) -> None:
    undated = given.eq(1).fillna(value=False) & event_time.isna()
    denied = given.eq(0).fillna(value=False) & event_time.le(horizon)
    wrong = int((undated | denied).sum())
    if wrong:
        raise InputError(
            f"{wrong} of {len(given)} records have a label that contradicts their times (1 without "
            f"event_time_days, or 0 with an event by day {horizon:g}); correct the table, or set "
            "label.horizon_days=null to take the label column at its word"
        )


def contradictions(manifest: pd.DataFrame, labelled: Labelled) -> int:
    """Return how many records call a censored patient negative in their label column."""
    given = manifest["label"].astype("Int8")
    return int((given.eq(0).fillna(value=False) & labelled.censored).sum())
