"""What became of the patients by the horizon: `followup.json`, `followup_<endpoint>.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.core.errors import InputError
from components.core.metrics.incidence import cumulative_incidence, one_minus_kaplan_meier
from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.progress import say
from components.core.store import Workspace


def summarise(frame: pd.DataFrame, horizon: float) -> dict[str, Any]:
    """Return counts of patients at the horizon and the cumulative incidence of the event.

    Args:
        frame: `patient_id`, `time_days`, `event_code` and, where the label was derived,
            `last_lvef_day` per record; a patient's first record speaks for the patient.
        horizon: days.
    """
    patients = frame.drop_duplicates("patient_id")
    time = patients["time_days"].to_numpy(np.float64)
    code = patients["event_code"].to_numpy(np.int64)
    by = time <= horizon
    found: dict[str, Any] = {
        "horizon_days": horizon,
        "patients": len(patients),
        "events": int(np.sum(by & (code == EVENT))),
        "competing_deaths": int(np.sum(by & (code == COMPETING))),
        "censored": int(np.sum((time < horizon) & (code == CENSORED))),
        "cumulative_incidence": _estimate(cumulative_incidence, time, code, horizon),
        "one_minus_kaplan_meier": _estimate(one_minus_kaplan_meier, time, code, horizon),
    }
    known = found["events"] + found["competing_deaths"] + found["censored"]
    found["event_free"] = len(patients) - known
    # Death without the event is a known non-event.
    found["known_non_events"] = found["event_free"] + found["competing_deaths"]
    found["evaluable"] = found["events"] + found["known_non_events"]
    if "last_lvef_day" in patients:
        found["days_from_last_lvef_to_horizon"] = _gap(patients, horizon)
    return found


def _gap(patients: pd.DataFrame, horizon: float) -> dict[str, float | None]:
    """Return how long before the horizon those event-free at it were last examined."""
    free = (patients["time_days"] > horizon) | (
        (patients["time_days"] == horizon) & patients["event_code"].eq(CENSORED)
    )
    gap = (horizon - patients.loc[free, "last_lvef_day"]).dropna()
    if gap.empty:
        return {"median": None, "longest": None}
    return {"median": float(gap.median()), "longest": float(gap.max())}


def _estimate(
    estimator: Callable[..., Interval],
    *arguments: Any,  # noqa: ANN401 - handed through
) -> dict[str, Any]:
    try:
        found = estimator(*arguments)
    except InputError as error:  # follow-up too short: said, since the label can do without it
        return {"value": None, "lo": None, "hi": None, "method": str(error)}
    cells = {name: getattr(found, name) for name in ("value", "lo", "hi")}
    return {n: None if np.isnan(v) else v for n, v in cells.items()} | {"method": found.method}


def files(folder: Path) -> list[Path]:
    """Return the summaries that a prepared cohort's folder holds."""
    return sorted(folder.glob("followup*.json"))


def write(work: Workspace, found: dict[str, Any], *, endpoint: str = "") -> None:
    """Write the summary, count it and say it in a line; "" is the label's own endpoint."""
    own = f"_{endpoint}" if endpoint else ""
    file = work.path(f"followup{own}.json")
    file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    names = ("events", "event_free", "censored", "competing_deaths")
    work.counts |= {f"followup{own}_{name}": found[name] for name in names}
    value = found["cumulative_incidence"]["value"]
    if value is not None:
        work.counts[f"cumulative_incidence{own}"] = value
    of = f" of {endpoint}" if endpoint else ""
    say(
        f"follow-up{of}: by day {found['horizon_days']:g} {found['events']} event(s), "
        f"{found['event_free']} event-free, {found['censored']} censored before it, "
        f"{found['competing_deaths']} dead without the event"
    )
