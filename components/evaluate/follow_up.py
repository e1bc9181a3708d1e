"""Everyone's follow-up, the censored included, beside what network and Cox model say of them.

The Cox model is fitted on each fold's train and validation patients, on the covariates of the
simple models, its penalty chosen inside them. The network's logit becomes a risk at a horizon by a
Cox model with the logit as its one covariate, fitted on validation: what Platt scaling is to the
binary label.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.core.data.cohort import Rows, read_part
from components.core.data.foldstats import FoldStats
from components.core.data.held_out import read_test
from components.core.errors import InputError
from components.core.metrics.checks import FloatArray
from components.core.progress import progress
from components.core.schemas import MANIFEST, OUTCOME_COLUMNS
from components.core.survival.incidence import IncidenceModel, fit_incidence
from components.core.trained import member_logits, members_of, stats_of
from components.evaluate.analysis import Context
from components.evaluate.baselines import Features, design
from components.evaluate.follow_up_table import (
    CODE,
    COX,
    KEYS,
    NETWORK,
    TIME,
    FollowUp,
    averaged,
    reached,
)
from components.evaluate.heads.tables import of_times
from components.evaluate.predictions import FoldTest, position

# Times of the integrated Brier score, up to the last horizon.
GRID = 20
# A Newton step costs the square of the columns; above this many their components are taken.
MOST_COLUMNS = 100
COMPONENTS = 50


@dataclass(frozen=True, kw_only=True)
class _Fold:
    test: FoldTest
    rows: Rows
    seen: list[Rows]


def has_times(context: Context) -> bool:
    """Return whether the manifest holds times and somebody had the event at one."""
    frame = pd.read_parquet(context.stages.cohort.folder / MANIFEST)
    if not set(OUTCOME_COLUMNS) <= set(frame.columns):
        return False
    return bool((frame[TIME].notna() & frame[CODE].eq(1).fillna(value=False)).any())


def follow_up(
    context: Context,
    *,
    compared: tuple[str, ...] = (NETWORK, COX),
    at: tuple[float, ...] = (),
    endpoint: str = "",
) -> FollowUp:
    """Return the follow-up of the evaluated patients and what the models say of them.

    Args:
        context: what was tested.
        compared: `NETWORK`, `COX` or both.
        at: horizons in days, the grid at the same time; those of the configuration and a finer grid
            unless given.
        endpoint: whose times; "" is the label's own.
    """
    cohort = context.stages.cohort
    folds = [_fold(context, test, stats_of(context.stages.train, test.fold), endpoint)
             for test in context.tests]  # fmt: skip
    tested = pd.concat([fold.rows.frame for fold in folds]).drop_duplicates("sample_id")
    horizons, left_out = reached(at or _asked(context), tested)
    grid = tuple(horizons[-1] * (np.arange(GRID) + 1) / GRID) if horizons and not at else horizons
    times = np.array(sorted({*horizons, *grid}))
    features = Features(float(cohort.facts["ecg"]["fs"]))
    missing: dict[str, str] = {}
    tables: list[pd.DataFrame] = []
    with progress("evaluate: follow-up", len(folds), "folds") as advance:
        for fold in folds:
            tables.append(_scored(context, fold, times, features, missing, compared=compared))
            advance(1)
    each = pd.concat(tables, ignore_index=True)
    each = each.drop(columns=[c for c in each if _absent(str(c), missing)])
    return FollowUp(
        each=each,
        pooled=averaged(each, ["patient_id"]),
        horizons=horizons,
        left_out=left_out,
        grid=grid,
        missing=missing,
        untimed=int(tested[TIME].isna().sum()),
        compared=compared,
    )


def _fold(context: Context, test: FoldTest, stats: FoldStats, endpoint: str) -> _Fold:
    cohort, parts = context.stages.cohort, ("train", "val")
    rows = read_test(cohort, test.fold, context.opening, unlabelled=True, stats=stats)
    seen = [read_part(cohort, test.fold, p, unlabelled=True, stats=stats) for p in parts]
    return _Fold(
        test=test, rows=_timed(rows, endpoint), seen=[_timed(each, endpoint) for each in seen]
    )


def _timed(rows: Rows, endpoint: str) -> Rows:
    return replace(rows, frame=of_times(rows.frame, endpoint))


def _absent(column: str, missing: dict[str, str]) -> bool:
    return column in missing or any(column.startswith(n) for n in missing if n.endswith("@"))


def _asked(context: Context) -> tuple[float, ...]:
    task = context.task
    asked = {*task.evaluate.survival.horizons_days, task.label.horizon_days}
    return tuple(sorted(float(day) for day in asked if day is not None))


def _scored(
    context: Context,
    fold: _Fold,
    times: FloatArray,
    features: Features,
    missing: dict[str, str],
    *,
    compared: tuple[str, ...] = (NETWORK, COX),
) -> pd.DataFrame:
    """Return one row per patient of the fold's test part; reasons for gaps go into `missing`."""
    repeat, number = position(fold.test.fold)
    found = fold.rows.frame[["patient_id", TIME, CODE]].assign(repeat=repeat, fold=number)
    columns: dict[str, FloatArray] = {}
    if NETWORK in compared:
        columns |= _network(context, fold, times, missing)
    if COX in compared:
        columns |= _cox(fold, times, features, missing)
    timed = found.assign(**columns)
    return averaged(timed[timed[TIME].notna()], KEYS)


def _cox(
    fold: _Fold, times: FloatArray, features: Features, missing: dict[str, str]
) -> dict[str, FloatArray]:
    try:
        x, mine = _standardised(fold, features)
        return _columns(COX, _model(fold.seen, x, penalty=None), mine, times, missing)
    except InputError as error:
        missing |= {COX: str(error), f"{COX}@": str(error)}
        return {}


def _network(
    context: Context, fold: _Fold, times: FloatArray, missing: dict[str, str]
) -> dict[str, FloatArray]:
    """Return the logits as scores, and the risks that a Cox model makes of them."""
    logit = fold.test.frame["logit"].to_numpy(np.float64) if fold.rows.labelled else None
    if logit is None:
        logit = _logits(context, fold.test.fold, fold.rows)
    columns: dict[str, FloatArray] = {}
    try:
        val = fold.seen[1]
        own = _logits(context, fold.test.fold, val)[:, None]
        model = _model([val], own, penalty=0.0)
        columns = _columns(NETWORK, model, logit[:, None], times, missing)
    except InputError as error:
        missing[f"{NETWORK}@"] = str(error)
    return columns | {NETWORK: logit}


def _logits(context: Context, fold: str, rows: Rows) -> FloatArray:
    """Return `[n]` the network's logits, averaged over seeds."""
    train = context.stages.train
    each = [member_logits(train, m, rows, context.place) for m in members_of(train, fold)]
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def _standardised(fold: _Fold, features: Features) -> tuple[FloatArray, FloatArray]:
    """Return covariates of seen and test rows, imputed and scaled by the seen ones.

    Many columns are brought down to their principal components in the seen rows, not scaled anew:
    a ridge penalty then still shrinks directions in which people hardly differ the most.
    """
    x, mine = design(fold.seen, fold.rows, features)
    steps: list[Any] = [SimpleImputer(keep_empty_features=True), StandardScaler()]
    if x.shape[1] > MOST_COLUMNS:
        steps.append(PCA(min(COMPONENTS, len(x)), svd_solver="full"))
    scale = make_pipeline(*steps).fit(x)
    return scale.transform(x).astype(np.float64), scale.transform(mine).astype(np.float64)


def _model(seen: list[Rows], x: FloatArray, *, penalty: float | None) -> IncidenceModel:
    """Return the fit on rows of known follow-up, in which every patient counts once."""
    frame = pd.concat([rows.frame for rows in seen], ignore_index=True)
    timed = frame[TIME].notna().to_numpy()
    rows = frame[timed]
    return fit_incidence(
        x[timed],
        rows[TIME].to_numpy(np.float64),
        rows[CODE].to_numpy(np.float64),
        rows["patient_id"].to_numpy(),
        weight=1 / rows.groupby("patient_id")[TIME].transform("size").to_numpy(np.float64),
        penalty=penalty,
    )


def _columns(
    name: str, model: IncidenceModel, x: FloatArray, times: FloatArray, missing: dict[str, str]
) -> dict[str, FloatArray]:
    """Return the score and, where follow-up reaches so far, the risk at each of the times."""
    found = {name: model.score(x)}
    if times.size:
        try:
            risks = model.risk_by(x, times)
            found |= {f"{name}@{t:g}": risk for t, risk in zip(times, risks.T, strict=True)}
        except InputError as error:
            missing[f"{name}@"] = str(error)
    return found
