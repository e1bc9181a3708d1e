"""Simple models of each endpoint on the same folds and patients, and the network against them.

The best of them is chosen on validation: each is fitted on the training part alone and ranks the
validation patients; the AUROC's mean over folds decides before the test part is looked at. What is
tested is then the same model fitted on training and validation patients, whom the network has
seen, too.

Where one input has many columns it drowns the others: on HANCOCK both models were better without
the widest (docs/LOG.md). Each model is therefore fitted on the narrow inputs alone, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from components.core.config.heads import BinaryHead
from components.core.data.cohort import Rows, read_part
from components.core.data.held_out import read_test
from components.core.heads.censoring import view_weights
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    Figures,
    PatientTables,
    difference,
    headline_figures,
    patient_table,
    pooled,
)
from components.core.modalities import EMBEDDED
from components.core.progress import progress
from components.core.schemas import TRUTH_PREFIX
from components.core.trained import stats_of
from components.evaluate.analysis import Context
from components.evaluate.baselines import Floats, can_learn, fit_predict
from components.evaluate.endpoints.figures import heads_of
from components.evaluate.endpoints.outlook import Outlook
from components.evaluate.endpoints.weights import training_rows
from components.evaluate.heads.tables import (
    ROW_KEYS,
    SCORE_PREFIX,
    WEIGHT_PREFIX,
    is_folded,
    known,
    truth,
)
from components.evaluate.inputs.validation import patients_auroc
from components.evaluate.power import class_sizes, is_small, prevalence
from components.evaluate.predictions import FoldTest, position

# Columns of an input above which a simple model is also fitted without it.
NARROW = 100


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A simple model of an endpoint beside the network.

    Attributes:
        name: of the simple model, with `_narrow` where it has the narrow inputs alone.
        validation: its AUROC there, mean over folds; what the best one is chosen by.
        figures: AUROC and AUPRC on the test part.
        gap: network minus it, on the same draws of the same patients.
    """

    name: str
    validation: float
    figures: Figures
    gap: Figures


@dataclass(frozen=True, kw_only=True)
class Against:
    """The network and the simple models of one endpoint.

    Attributes:
        outlook: the head.
        patients: tested, of known outcome.
        events: of them with the event.
        prevalence: weighted.
        powered: at least 20 patients of either class.
        network: its AUROC and AUPRC.
        rivals: in the order of the configuration.
        folds: tested.
        left_out: simple model → in how many folds the training part has fewer than two patients of
            a class, so that it cannot be fitted; its figures would be of the other folds alone.
        unvalidated: folds whose validation part has one class only and ranks no simple model.
    """

    outlook: Outlook
    patients: int
    events: int
    prevalence: float
    powered: bool
    network: Figures
    rivals: tuple[Rival, ...]
    folds: int = 1
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    unvalidated: int = 0

    @property
    def best(self) -> Rival | None:
        """Return the simple model that ranks the validation patients best; None if none does."""
        ranked = [each for each in self.rivals if not np.isnan(each.validation)]
        return max(ranked, key=lambda each: each.validation, default=None)


def against(context: Context, outlook: Outlook) -> Against:
    """Return the simple models of an endpoint against its head.

    One that cannot be fitted in some fold is left out altogether, and counted.
    """
    wide = wide_inputs(context.tests[0].rows)
    names = [f"{name}{end}" for name in context.task.evaluate.baselines
             for end in ("", _NARROW_END)[: 1 + bool(wide)]]  # fmt: skip
    validation: dict[str, list[float]] = {name: [] for name in names}
    left_out: dict[str, int] = {}
    found: list[pd.DataFrame] = []
    work = len(context.tests) * len(names)
    with progress(f"evaluate: simple models of '{outlook.name}'", work, "fits") as advance:
        for test in context.tests:
            parts = _parts(context, outlook, test)
            table = parts[2].frame[["sample_id"]].assign(**_position(test.fold))
            for name in names:
                advance(1)
                if not can_learn(name.removesuffix(_NARROW_END), parts[0]):
                    left_out[name] = left_out.get(name, 0) + 1
                    continue
                lost = wide if name.endswith(_NARROW_END) else ()
                own, table[f"logit.{name}"] = _fitted(context, name, parts, lost)
                frame = parts[1].frame.assign(logit=own)
                validation[name].append(patients_auroc(frame, test.fold))
            found.append(table)
    fitted = {name: each for name, each in validation.items() if name not in left_out}
    tables = _tables(context, outlook, pd.concat(found, ignore_index=True), list(fitted))
    return replace(
        _against(outlook, tables, fitted, context.plan),
        folds=len(context.tests),
        left_out=left_out,
        unvalidated=max((int(np.isnan(each).sum()) for each in fitted.values()), default=0),
    )


_NARROW_END = "_narrow"


def wide_inputs(rows: Rows) -> tuple[str, ...]:
    """Return the embeddings of more than `NARROW` columns; none where nothing else would be left.

    Args:
        rows: of any part.
    """
    widths = {n: p.reader.shape[-1] for n, p in rows.arrays.items() if n in EMBEDDED}
    found = tuple(name for name, width in widths.items() if width > NARROW)
    return found if len(found) < len(rows.modalities) else ()


def _fitted(
    context: Context, name: str, parts: tuple[Rows, Rows, Rows], lost: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return log-odds of validation, fitted on the training part, and of test, fitted on both."""
    train, val, asked = (_without(rows, lost) for rows in parts)
    maker, features = name.removesuffix(_NARROW_END), context.features
    own = fit_predict(maker, [train], val, features)
    return own, fit_predict(maker, [train, val], asked, features)


def _without(rows: Rows, lost: Sequence[str]) -> Rows:
    for name in lost:
        rows = rows.without(name)
    return rows


def _parts(context: Context, outlook: Outlook, test: FoldTest) -> tuple[Rows, Rows, Rows]:
    """Return train, validation and test rows whose label and weight are the endpoint's."""
    cohort, stats = context.stages.cohort, stats_of(context.stages.train, test.fold)
    every = [read_part(cohort, test.fold, part, unlabelled=True, stats=stats)
             for part in ("train", "val")]  # fmt: skip
    every.append(read_test(cohort, test.fold, context.opening, unlabelled=True, stats=stats))
    fitted = training_rows(cohort, test.fold)
    train, val, asked = (_answering(context, outlook, rows, fitted) for rows in every)
    return train, val, asked


def _answering(context: Context, outlook: Outlook, rows: Rows, fitted: pd.DataFrame) -> Rows:
    """Return the rows of known outcome, the outcome as their label."""
    head = context.task.all_heads()[outlook.name]
    frame = rows.frame
    if not outlook.primary and isinstance(head, BinaryHead):
        frame = frame.assign(
            label=frame[f"{TRUTH_PREFIX}{outlook.name}"],
            weight=view_weights(head, frame, fitted),
        )
    index = np.flatnonzero(frame["label"].notna().to_numpy())
    return replace(rows, frame=frame).take(index)


def _position(fold: str) -> dict[str, int]:
    repeat, number = position(fold)
    return {"repeat": repeat, "fold": number}


def _tables(
    context: Context, outlook: Outlook, said: pd.DataFrame, names: Sequence[str]
) -> PatientTables:
    """Return the network's and the simple models' log-odds, patient by patient."""
    if outlook.primary:
        own = context.predictions[[*ROW_KEYS, "patient_id", "label", "weight", "logit"]]
    else:
        rows = known(heads_of(context), outlook.name)
        own = rows[[*ROW_KEYS, "patient_id"]].assign(
            label=rows[truth(outlook.name)],
            weight=rows[f"{WEIGHT_PREFIX}{outlook.name}"],
            logit=rows[f"{SCORE_PREFIX}{outlook.name}"],
        )
    merged = own.merge(said, on=ROW_KEYS, how="inner", validate="one_to_one")
    columns = ["logit", *(f"logit.{name}" for name in names)]
    each = patient_table(merged, columns)
    return PatientTables(each=each, pooled=pooled(each, columns), folded=is_folded(merged))


def _against(
    outlook: Outlook, tables: PatientTables, validation: dict[str, list[float]], plan: Plan
) -> Against:
    events, others = class_sizes(tables.pooled)
    return Against(
        outlook=outlook,
        patients=events + others,
        events=events,
        prevalence=prevalence(tables.pooled),
        powered=not is_small(tables.pooled),
        network=headline_figures(tables, "logit", plan),
        rivals=tuple(
            Rival(
                name=name,
                validation=_mean(values),
                figures=headline_figures(tables, f"logit.{name}", plan),
                gap=difference(tables, f"logit.{name}", plan),
            )
            for name, values in validation.items()
        ),
    )


def _mean(values: Sequence[float]) -> float:
    """Return the mean over the folds in which validation has both classes; NaN without any."""
    defined: Floats = np.array([value for value in values if not np.isnan(value)])
    return float(defined.mean()) if defined.size else float("nan")
