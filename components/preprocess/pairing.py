"""Which echo gives an ECG its LVEF: the nearest within a window, never across an intervention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from components.core.config.sections import PairingConfig
from components.core.progress import say
from components.core.schemas import LVEF, MEASUREMENTS, TARGET_PREFIX
from components.core.store import Workspace
from components.preprocess.window import days_before

COLUMN = f"{TARGET_PREFIX}{LVEF}"
# Why a record got no LVEF although an echo is known, most telling first; a column of the frame.
UNPAIRED = "unpaired"
_CODES = ("echo_across_intervention", "echo_outside_window", "ecg_time_missing")


@dataclass(frozen=True, kw_only=True)
class Paired:
    """What pairing came to.

    Attributes:
        frame: records with `target.lvef` and `echo_time`, both missing where none was paired, and
            `unpaired`, the code of the reason or nothing.
        rejects: measurements that contradict one another.
    """

    frame: pd.DataFrame
    rejects: list[dict[str, Any]]


def pair(
    work: Workspace, frame: pd.DataFrame, measurements: pd.DataFrame, config: PairingConfig
) -> Paired:
    """Return the records with the LVEF of their echo, in per cent.

    A record's own LVEF wins over serial ones. The ECG's time is `ecg_time`, else `index_time`. Of
    equally near echoes the earlier is taken. Where a time is a bare date, calendar days count; an
    ECG or echo on the very day of an intervention whose order nobody knows is not paired. An own
    LVEF without `echo_time`, or without a time of the ECG, is taken on trust and counted.

    Args:
        work: receives the counts `echo_*` and the fact `pairing`.
        frame: manifest rows.
        measurements: a table of `MEASUREMENT_SCHEMA`; other kinds than LVEF are left alone.
        config: widest gap in days.
    """
    if COLUMN not in frame:
        frame = frame.assign(**{COLUMN: np.nan})
    echoes, rejects = _consistent(measurements[measurements["name"] == LVEF])
    candidates = pd.concat([_own(frame), _serial(frame, echoes)], ignore_index=True)
    judged = candidates.assign(code=_codes(candidates, config))
    taken = judged[judged["code"] == ""].assign(apart=judged["gap"].abs())
    taken = taken.sort_values(["record", "apart", "echo_time"], kind="stable")
    taken = taken.drop_duplicates("record").set_index("record")
    found = frame.assign(
        **{COLUMN: taken["value"].reindex(frame.index)},
        echo_time=taken["echo_time"].reindex(frame.index).astype(frame["echo_time"].dtype),
        **{UNPAIRED: _reasons(frame, judged)},
    )
    _state(work, found, taken)
    return Paired(frame=found, rejects=rejects)


def _own(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the LVEFs that stand in the manifest's rows."""
    rows = frame[frame[COLUMN].notna()]
    return _candidates(rows, rows.index, rows["echo_time"], rows[COLUMN], own=True)


def _serial(frame: pd.DataFrame, echoes: pd.DataFrame) -> pd.DataFrame:
    """Return the serial LVEFs of the records without one of their own."""
    rows = frame[frame[COLUMN].isna()].drop(columns=[COLUMN, "echo_time"])
    echoes = echoes[["patient_id", "time", "day", "value"]]
    both = rows.reset_index(names="record").merge(echoes, on="patient_id")
    from_index = both["index_time"].dt.normalize() + pd.to_timedelta(both["day"], unit="D")
    time = both["time"].fillna(from_index.astype(both["time"].dtype))
    found = _candidates(both, both["record"], time, both["value"], own=False)
    # Without any date the day counts from the index date, at which the ECG is taken to be.
    dateless = both["index_time"].isna() & both["ecg_time"].isna()
    found["gap"] = found["gap"].fillna(-both["day"].where(dateless).set_axis(found.index))
    return found


def _candidates(
    rows: pd.DataFrame,
    record: pd.Series | pd.Index,
    time: pd.Series,
    value: pd.Series,
    *,
    own: bool,
) -> pd.DataFrame:
    at = rows["ecg_time"].fillna(rows["index_time"])
    return pd.DataFrame(
        {
            "record": np.asarray(record),
            "echo_time": time.to_numpy(),
            "value": value.to_numpy(np.float64),
            "gap": days_before(time, at).to_numpy(np.float64),
            "across": _across(at, time, rows["intervention_time"]).to_numpy(),
            "own": own,
        }
    )


def _across(ecg: pd.Series, echo: pd.Series, intervention: pd.Series) -> pd.Series:
    """Return whether an intervention lies between the two, or may; False where a time is absent."""
    sides = [_side(time, intervention) for time in (ecg, echo)]
    known = ecg.notna() & echo.notna() & intervention.notna()
    return known & ((sides[0] != sides[1]) | (sides[0] == 0))


def _side(time: pd.Series, intervention: pd.Series) -> pd.Series:
    """Return −1 before the intervention, 1 from it on, 0 on its day where the order is unknown."""
    before = days_before(time, intervention)
    bare = time.eq(time.dt.normalize()) | intervention.eq(intervention.dt.normalize())
    same = pd.Series(np.where(bare, 0, 1), index=time.index)
    return same.mask(before > 0, -1).mask(before < 0, 1)


def _codes(candidates: pd.DataFrame, config: PairingConfig) -> pd.Series:
    """Return per candidate why it is not taken, or nothing."""
    gap = candidates["gap"]
    trusted = candidates["own"] & gap.isna()
    code = pd.Series("", index=candidates.index, dtype="object")
    code = code.mask(gap.isna() & ~trusted, "ecg_time_missing")
    code = code.mask(gap.abs() > config.days, "echo_outside_window")
    near = gap.abs().le(config.days) | gap.isna()
    return code.mask(candidates["across"].astype(bool) & near, "echo_across_intervention")


def _reasons(frame: pd.DataFrame, judged: pd.DataFrame) -> pd.Series:
    reasons = pd.Series("", index=frame.index, dtype="object")
    for code in reversed(_CODES):
        reasons[judged.loc[judged["code"] == code, "record"].unique()] = code
    reasons[judged.loc[judged["code"] == "", "record"].unique()] = ""
    return reasons


def _consistent(echoes: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the LVEFs without those of one moment that contradict one another."""
    moment = ["patient_id", "time", "day"]
    once = echoes.drop_duplicates([*moment, "value"])
    twice = once.duplicated(moment, keep=False)
    rejects = [
        {
            "file": MEASUREMENTS,
            "row": int(row),
            "field": LVEF,
            "value": "",
            "code": "conflicting_values",
            "reason": "the same moment holds two different LVEFs of the patient",
            "advice": "keep the one that counts",
        }
        for row in once.loc[twice, "row"]
    ]
    return once[~twice], rejects


def _state(work: Workspace, frame: pd.DataFrame, taken: pd.DataFrame) -> None:
    gap = taken["gap"].abs().dropna()
    trusted = int(taken["gap"].isna().sum())
    lost = {code: int((frame[UNPAIRED] == code).sum()) for code in _CODES}
    missing = int((frame[COLUMN].isna() & (frame[UNPAIRED] == "")).sum())
    median = float(gap.median()) if len(gap) else None
    work.counts |= {"echo_pairs": len(taken), "echo_on_trust": trusted, "echo_missing": missing}
    work.counts |= lost if median is None else {**lost, "echo_days_median": median}
    work.facts["pairing"] = {
        "pairs": len(taken),
        "on_trust": trusted,
        "missing": missing,
        **lost,
        "days_median": median,
        "days_longest": float(gap.max()) if len(gap) else None,
    }
    said = f"pairing: {len(taken)} of {len(frame)} records have an LVEF"
    say(said if median is None else f"{said}, a median of {median:g} days from the ECG")
    if trusted:
        say(
            f"note: {trusted} LVEFs have no echo_time, or their ECG no time; that they belong "
            "together is taken on trust"
        )
