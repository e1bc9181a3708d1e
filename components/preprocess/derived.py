"""CTRCD label, its date and grade from the serial measurements that ingest kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from components.core.config.sections import LabelConfig
from components.core.errors import InputError, shorten
from components.core.schemas import GRADE_COLUMN, MEASUREMENTS
from components.preprocess.ctrcd import GRADES, MARKERS, Course, course, raised

KEY = ["patient_id", "index_time"]
# Two of these on one day contradict each other; of biomarkers and symptoms the highest counts.
_SINGLE = ("lvef", "gls")


@dataclass(frozen=True, kw_only=True)
class Derived:
    """What the measurements came to.

    Attributes:
        frame: records that could be graded, with event time, last contact, grade, the day of the
            last LVEF by the horizon and the manifest's own label as `given_label`. The label
            itself is the event during follow-up, and open where there is a horizon to judge it at.
        rejects: measurements that contradict others, and records that could not be graded.
        counts: events that the manifest dates otherwise, and patients per grade.
    """

    frame: pd.DataFrame
    rejects: list[dict[str, Any]]
    counts: dict[str, float]


def derive_ctrcd(frame: pd.DataFrame, measurements: pd.DataFrame, config: LabelConfig) -> Derived:
    """Return the records with their derived label.

    The event is the first measurement that reaches `config.ctrcd_min_grade`. Last contact is the
    later of `followup_days` and the last measurement. A record without an LVEF on or before its
    index day, or followed to the horizon without one after it, is refused unless heart failure
    made it an event: neither a change nor its absence is known.

    Args:
        frame: manifest rows.
        measurements: a table of `MEASUREMENT_SCHEMA`.
        config: minimal grade, cut-offs, horizon.

    Raises:
        InputError: measurements given in days for a patient with several index dates, or no
            record could be graded.
    """
    rows, rejects = _placed(frame, measurements)
    rows, contradicted = _consistent(rows, config)
    courses = {key: course(series, config.ctrcd) for key, series in _series(rows).items()}
    graded = _graded(frame, courses, rows, config)
    rejects += contradicted + _refusals(graded)
    kept = graded[graded["refused"].isna()]
    if kept.empty:
        raise InputError(
            f"none of {len(frame)} records could be graded; each needs an LVEF on or before its "
            "index date and one after it: see measurements.parquet"
        )
    counts = _moved(frame.loc[kept.index], kept) | _grades(kept)
    said = [*frame.columns, GRADE_COLUMN, "last_lvef_day", "given_label"]
    return Derived(frame=kept[said].reset_index(drop=True), rejects=rejects, counts=counts)


def _placed(
    frame: pd.DataFrame, measurements: pd.DataFrame
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the measurements with whole calendar days from each index date of their patient."""
    index = frame.groupby(KEY, dropna=False, as_index=False)["death_days"].min()
    several = index["patient_id"].duplicated(keep=False)
    by_day = set(measurements.loc[measurements["day"].notna(), "patient_id"])
    unclear = len(by_day & set(index.loc[several, "patient_id"]))
    if unclear:
        raise InputError(
            f"{unclear} patient(s) have several index dates and measurements given in days; give "
            "those measurements their dates"
        )
    rows = measurements.merge(index, on="patient_id", how="inner")
    apart = rows["time"].dt.normalize() - rows["index_time"].dt.normalize()
    rows["day"] = rows["day"].fillna(apart.dt.days.astype("float64"))
    lost = rows["day"].isna()
    rejects = _reject(rows[lost], "index_time_missing",
                      "the measurement has a date, its patient no index date",
                      "fill in index_time, or give days from it")  # fmt: skip
    return rows[~lost], rejects


def _consistent(
    rows: pd.DataFrame, config: LabelConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    late = rows["day"] > rows["death_days"]
    rejects = _reject(
        rows[late],
        "measured_after_death",
        "the measurement lies after the patient's death",
        "correct either day",
    )
    rows = rows[~late]
    high = pd.Series(data=False, index=rows.index)
    for name in MARKERS:
        own = rows["below"] & rows["name"].eq(name)
        rule = getattr(config.ctrcd, name)
        high |= own & pd.Series(
            [raised(rule, float(value)) for value in rows["value"]], index=rows.index, dtype="bool"
        )
    rejects += _reject(rows[high], "limit_above_cutoff",
                       "the limit of detection lies above the cut-off and says nothing",
                       "give the measured value")  # fmt: skip
    rows = rows[~high].drop_duplicates([*KEY, "name", "day", "value"])
    twice = rows.duplicated([*KEY, "name", "day"], keep=False) & rows["name"].isin(_SINGLE)
    rejects += _reject(
        rows[twice],
        "conflicting_values",
        "the same day holds two different values",
        "keep the one that counts",
    )
    return rows[~twice], rejects


def _series(rows: pd.DataFrame) -> dict[Any, dict[str, list[tuple[float, float]]]]:
    """Return per (patient, index date) the ascending values of each kind, one a day."""
    highest = rows.groupby([*KEY, "name", "day"], dropna=False, sort=True)["value"].max()
    found: dict[Any, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for (patient, index, name, day), value in zip(
        highest.index.to_flat_index(), highest.to_numpy(np.float64), strict=True
    ):
        found[_key(patient, index)][name].append((float(day), float(value)))
    return found


def _key(patient: object, index: Any) -> tuple[object, object]:  # noqa: ANN401 - Timestamp or NaT
    return patient, None if pd.isna(index) else index


def _graded(
    frame: pd.DataFrame, courses: dict[Any, Course], rows: pd.DataFrame, config: LabelConfig
) -> pd.DataFrame:
    nothing = course({}, config.ctrcd)
    keys = [_key(p, i) for p, i in zip(frame["patient_id"], frame["index_time"], strict=True)]
    own = [courses.get(key, nothing) for key in keys]
    last = rows.groupby(KEY, dropna=False)["day"].max()
    contact = {_key(*key): day for key, day in zip(last.index, last, strict=True)}
    horizon = config.horizon_days or np.inf
    wanted = GRADES.index(config.ctrcd_min_grade)

    def column(of: Callable[[Course], float | None]) -> pd.Series:
        return pd.Series([of(each) for each in own], index=frame.index, dtype="float64")

    event = column(lambda each: each.first(wanted))
    measured = pd.Series([contact.get(key) for key in keys], index=frame.index, dtype="float64")
    followup = pd.concat([frame["followup_days"], measured.where(measured > 0)], axis=1).max(axis=1)
    last_lvef = column(lambda each: max((d for d in each.lvef_days if d <= horizon), default=None))
    ever = pd.Series(config.horizon_days is None, index=frame.index)
    graded = frame.assign(
        given_label=frame["label"].astype("Int8"),
        label=event.notna().astype("Int8").where(ever),
        event_time_days=event,
        followup_days=followup,
        last_lvef_day=last_lvef,
        **{GRADE_COLUMN: [GRADES[each.worst(horizon)] for each in own]},
    )
    baseline = pd.Series([each.has_baseline for each in own], index=frame.index)
    return graded.assign(refused=_refused(graded, baseline, horizon))


def _refused(graded: pd.DataFrame, baseline: pd.Series, horizon: float) -> pd.Series:
    """Return why a record cannot be graded; missing where it can."""
    open_end = graded["event_time_days"].isna()
    followed = graded["followup_days"].ge(horizon) | np.isinf(horizon)
    never = graded["last_lvef_day"].isna() & followed & graded["death_days"].isna()
    reasons = np.select([open_end & ~baseline, open_end & never], ["baseline", "never"], "")
    return pd.Series(reasons, index=graded.index, dtype="object").replace("", None)


_WHY = {
    "baseline": (
        "baseline_missing",
        "there is no LVEF on or before the index date, so no change from it is known",
        "give the LVEF before therapy",
    ),
    "never": (
        "never_assessed",
        "there is no LVEF after the index date, so its absence of CTRCD is not known",
        "give the LVEFs of follow-up, or the day of the last contact if it was short",
    ),
}


def _refusals(graded: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for why, (code, reason, advice) in _WHY.items():
        chosen = graded[graded["refused"] == why].assign(name="lvef", value="")
        found += _reject(chosen, code, reason, advice, file="")
    return found


def _reject(
    rows: pd.DataFrame, code: str, reason: str, advice: str, file: str = MEASUREMENTS
) -> list[dict[str, Any]]:
    cells = rows[["row", "name", "value"]].drop_duplicates("row").to_dict("records")
    common = {"code": code, "reason": reason, "advice": advice, "file": file}
    return [
        {"row": int(c["row"]), "field": c["name"], "value": shorten(c["value"]), **common}
        for c in cells
    ]


def _moved(given: pd.DataFrame, kept: pd.DataFrame) -> dict[str, float]:
    """Return how many patients' events the manifest dates otherwise than the measurements."""
    dated = given["event_time_days"].notna()
    moved = dated & given["event_time_days"].ne(kept["event_time_days"])
    return {"event_times_disagree": int(given.loc[moved, "patient_id"].nunique())}


def _grades(kept: pd.DataFrame) -> dict[str, float]:
    order = pd.Series(pd.Categorical(kept[GRADE_COLUMN], GRADES, ordered=True).codes)
    worst = order.groupby(kept["patient_id"].to_numpy()).max()
    return {f"grade_{name}": int((worst == place).sum()) for place, name in enumerate(GRADES)}
