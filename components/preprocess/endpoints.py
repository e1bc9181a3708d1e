"""Outcomes of endpoints beside the label's: times, codes, truths of their heads, follow-up."""

from __future__ import annotations

import pandas as pd

from components.core.config.heads import BinaryHead, HeadMap, SurvivalHead
from components.core.errors import InputError, nearest
from components.core.heads.censoring import endpoint_of, horizon_of, view_weights
from components.core.metrics.ipcw import EVENT
from components.core.progress import say
from components.core.schemas import (
    OUTCOME_COLUMNS,
    PART_PREFIX,
    TIMES,
    TRUTH_PREFIX,
    fold_names,
    of_endpoint,
)
from components.core.store import Workspace
from components.preprocess import followup
from components.preprocess.labels import times_of
from components.preprocess.truths import event_by


def brought(frame: pd.DataFrame) -> list[str]:
    """Return the endpoints beside the label's of which a manifest has times."""
    prefix = of_endpoint(TIMES[0], "")
    names = [str(c).removeprefix(f"{prefix}.") for c in frame.columns if f"{prefix}." in str(c)]
    return sorted(names)


def add_endpoints(frame: pd.DataFrame, heads: HeadMap) -> pd.DataFrame:
    """Return the records with time, code and `y.<head>` of every head of another endpoint.

    An event by the horizon is 1; longer follow-up without it, or death before it, is 0; who was
    lost before the horizon is missing. A survival head's view is that of its last horizon.

    Args:
        frame: manifest rows with the times of the endpoints.
        heads: of the task.

    Raises:
        InputError: the source does not bring an endpoint, or nobody has its event, or everybody
            has it by a binary head's horizon.
    """
    for name, head in heads.items():
        endpoint = endpoint_of(head)
        if not endpoint:
            continue
        time_column, code_column = (of_endpoint(c, endpoint) for c in OUTCOME_COLUMNS)
        if time_column not in frame:
            _require(frame, name, endpoint)
            time, code = times_of(frame, endpoint)
            _require_event(time, code, name, endpoint)
            frame = frame.assign(
                **{time_column: time, code_column: code.astype("Int8").mask(time.isna())}
            )
        truth = event_by(frame, horizon_of(head) or 0.0, endpoint)
        if isinstance(head, BinaryHead):
            _require_both(truth, name, head)
        frame = frame.assign(**{f"{TRUTH_PREFIX}{name}": truth})
    return frame


def _require(frame: pd.DataFrame, name: str, endpoint: str) -> None:
    if any(of_endpoint(time, endpoint) not in frame for time in TIMES):
        known = brought(frame)
        hint = nearest(endpoint, known) if known else "it brings none but the label's"
        raise InputError(
            f"the head '{name}' answers of the endpoint '{endpoint}', which the source does not "
            f"bring ({hint}); correct heads.{name}.endpoint, or have the source read its times"
        )


def _require_event(time: pd.Series, code: pd.Series, name: str, endpoint: str) -> None:
    events = int((code == EVENT).sum())
    if not events:
        raise InputError(
            f"the head '{name}' cannot learn: none of {len(time)} records has the event of the "
            f"endpoint '{endpoint}' ({int(time.notna().sum())} have some follow-up); bring event "
            "times, or leave the head out"
        )


def _require_both(truth: pd.Series, name: str, head: BinaryHead) -> None:
    for value, what in ((1, "has the event"), (0, "is known to be free of it")):
        if not (truth == value).any():
            raise InputError(
                f"the head '{name}' cannot learn: of {len(truth)} records none {what} by day "
                f"{head.horizon_days:g} in respect of the endpoint '{head.endpoint}' "
                f"({int(truth.isna().sum())} were lost before); choose another horizon_days, or "
                "leave the head out"
            )


def tell_follow_up(work: Workspace, frame: pd.DataFrame, heads: HeadMap) -> None:
    """Write, count and say what became of the patients in respect of each endpoint.

    At the horizon of the endpoint's first binary head, else at the last of its survival head.
    """
    for endpoint, horizon in horizons(heads).items():
        columns = [of_endpoint(column, endpoint) for column in OUTCOME_COLUMNS]
        own = frame[["patient_id", *columns]].set_axis(["patient_id", *OUTCOME_COLUMNS], axis=1)
        timed = own[own[OUTCOME_COLUMNS[0]].notna()]
        followup.write(work, followup.summarise(timed, horizon), endpoint=endpoint)
        untimed = int(own["patient_id"].nunique()) - int(timed["patient_id"].nunique())
        if untimed:
            work.counts[f"followup_{endpoint}_unknown"] = untimed
            say(f"follow-up of {endpoint}: {untimed} patient(s) have no time at all")


def horizons(heads: HeadMap) -> dict[str, float]:
    """Return endpoint → day at which its follow-up is told."""
    found: dict[str, float] = {}
    for kind in (BinaryHead, SurvivalHead):
        for head in heads.values():
            endpoint, horizon = endpoint_of(head), horizon_of(head)
            if isinstance(head, kind) and endpoint and horizon is not None:
                found.setdefault(endpoint, horizon)
    return found


def require_weights(frame: pd.DataFrame, heads: HeadMap) -> None:
    """Refuse a split in whose folds some known record of an endpoint could have no weight.

    Raises:
        InputError: it was followed beyond everyone in the fold's training part, or nobody there
            was followed at all.
    """
    for head in heads.values():
        if endpoint_of(head):
            for fold in fold_names(frame):
                view_weights(head, frame, frame[frame[f"{PART_PREFIX}{fold}"] == "train"])
