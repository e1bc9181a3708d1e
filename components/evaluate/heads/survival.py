"""The network's own cumulative incidence in the form of the view of times to event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from components.core.config.heads import SurvivalHead
from components.core.metrics.bootstrap import intervals
from components.core.metrics.followed import followed
from components.core.metrics.ipcw import EVENT
from components.core.metrics.metric import Scale
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.survival_calibration import (
    RiskGroup,
    calibration_at,
    calibration_groups,
)
from components.core.metrics.tables import Figures, floats
from components.core.schemas import of_endpoint
from components.evaluate.follow_up_table import (
    CODE,
    COX,
    HEAD,
    KEYS,
    TIME,
    FollowUp,
    averaged,
    reached,
)
from components.evaluate.heads.tables import of_times, output, require

# float32 sums of a handful of probabilities agree to a few 1e-7.
_ROUNDING = 1e-6


def has_follow_up(frame: pd.DataFrame, endpoint: str = "") -> bool:
    """Return whether some record of the table of heads has an endpoint's event at a known time."""
    time, code = (of_endpoint(column, endpoint) for column in (TIME, CODE))
    if not {time, code} <= set(frame.columns):
        return False
    return bool((frame[time].notna() & (frame[code] == EVENT)).any())


def risk_columns(name: str, head: SurvivalHead) -> list[str]:
    """Return the columns of the risk by each horizon."""
    return [output(name, f"{day:g}") for day in head.horizons_days]


def own_follow_up(frame: pd.DataFrame, name: str, head: SurvivalHead) -> FollowUp:
    """Return the patients with known times and the head's risks, without any other model.

    The score is the risk by the last horizon to which 20 patients were followed: C is then about
    the cumulative incidence (Wolbers et al. 2009).

    Args:
        frame: the table of heads, with follow-up.
        name: of the head.
        head: its horizons.

    Raises:
        CardioError: a column is missing.
    """
    columns = risk_columns(name, head)
    frame = of_times(frame, head.endpoint)
    require(frame, [*columns, TIME, CODE])
    # Rounding may leave a sum of probabilities a hair above 1.
    risks = {
        f"{HEAD}@{day:g}": frame[column].clip(0.0, 1.0)
        for day, column in zip(head.horizons_days, columns, strict=True)
    }
    table = frame[[*KEYS, TIME, CODE]].assign(**risks)
    timed = table[table[TIME].notna()]
    horizons, left_out = reached(tuple(map(float, head.horizons_days)), timed)
    last = horizons[-1] if horizons else head.horizons_days[-1]
    each = averaged(timed.assign(**{HEAD: timed[f"{HEAD}@{last:g}"]}), KEYS)
    return FollowUp(
        each=each,
        pooled=averaged(each, ["patient_id"]),
        horizons=horizons,
        left_out=left_out,
        grid=horizons,
        missing={},
        untimed=int(frame.loc[frame[TIME].isna(), "sample_id"].nunique()),
        compared=(HEAD,),
        by_day=(HEAD,),
    )


def beside_cox(found: FollowUp, cox: FollowUp) -> tuple[FollowUp, int]:
    """Return the head's follow-up with the scores and risks of Cox regression, paired.

    Args:
        found: of the head.
        cox: of the same folds, with `cox` or the reason why it is missing.

    Returns:
        the follow-up, and how many patients were left out, since one of both lacks them.
    """
    columns = [c for c in cox.each if str(c) == COX or str(c).startswith(f"{COX}@")]
    needed = [COX, *(f"{COX}@{day:g}" for day in found.horizons)]
    missing = {name: why for name, why in cox.missing.items() if name in (COX, f"{COX}@")}
    if not set(needed) <= set(columns):
        columns = [c for c in columns if c == COX]
        missing.setdefault(f"{COX}@", "it has no risk at some horizon")
    if not columns:
        return replace(found, compared=(HEAD, COX), missing=missing), 0
    each = found.each.merge(cox.each[[*KEYS, *columns]], on=KEYS, how="inner")
    pooled = averaged(each, ["patient_id"])
    both = replace(found, each=each, pooled=pooled, compared=(HEAD, COX), missing=missing)
    return both, len(found.pooled) - len(pooled)


def impossible(frame: pd.DataFrame, name: str, head: SurvivalHead) -> tuple[int, int]:
    """Return how many records have a risk that falls, and how many none that is possible.

    The second count is of a risk outside [0, 1], or, where the head gives that of dying, of both
    together above 1.
    """
    risks = frame[risk_columns(name, head)].to_numpy(np.float64)
    deaths = [output(name, f"death.{day:g}") for day in head.horizons_days]
    whole = risks
    falls = (np.diff(risks, axis=1) < -_ROUNDING).any(axis=1)
    if set(deaths) <= set(frame.columns):
        death = frame[deaths].to_numpy(np.float64)
        falls |= (np.diff(death, axis=1) < -_ROUNDING).any(axis=1)
        whole = risks + death
    outside = ~((risks >= -_ROUNDING) & (whole <= 1 + _ROUNDING)).all(axis=1)
    return int(falls.sum()), int(outside.sum())


def calibration(found: FollowUp, plan: Plan) -> tuple[Figures, dict[float, tuple[RiskGroup, ...]]]:
    """Return calibration figures `<name>@<day>` and the groups of patients at each horizon.

    Over one row per patient; no figures without a horizon.
    """
    frame = found.pooled
    if not found.horizons:
        return {}, {}
    sample = followed(floats(frame, TIME), floats(frame, CODE))
    risks = frame[[f"{HEAD}@{day:g}" for day in found.horizons]].to_numpy(np.float64)
    event = sample.event.astype(np.float64)
    within = clusters(frame["patient_id"].to_numpy(), event, weight=None, plan=plan)
    statistic = calibration_at(sample, risks, found.horizons)
    scales: dict[str, Scale] = {f"calibration_error@{day:g}": "centred" for day in found.horizons}
    figures = intervals(statistic, within, weight=None, plan=plan, scales=scales)
    groups = {
        day: calibration_groups(sample, risks[:, column], day)
        for column, day in enumerate(found.horizons)
    }
    return figures, groups
