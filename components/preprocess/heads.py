"""The cohort of a task with several heads: pairing, truths, who is left out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.core.config.heads import BinaryHead, ClassesHead, HeadMap, SurvivalHead
from components.core.config.sections import LabelConfig, PreprocessConfig
from components.core.errors import ConfigError
from components.core.progress import say
from components.core.schemas import LVEF, MEASUREMENT_SCHEMA, MEASUREMENTS
from components.core.store import Stage, Workspace
from components.preprocess import truths
from components.preprocess.endpoints import add_endpoints
from components.preprocess.pairing import UNPAIRED, pair


def lvef_heads(heads: HeadMap) -> list[str]:
    """Return the heads that learn from the LVEF."""
    return [
        name
        for name, head in heads.items()
        if isinstance(head, BinaryHead | ClassesHead) and head.target == LVEF
    ]


def with_truths(
    work: Workspace,
    source: Stage,
    frame: pd.DataFrame,
    *,
    heads: HeadMap,
    label: LabelConfig,
    config: PreprocessConfig,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records from which some head can learn, with their targets, and the refused ones.

    Args:
        work: receives counts and facts.
        source: the ingest stage; its serial LVEFs are paired where a head learns from the LVEF.
        frame: manifest rows.
        heads: of the task.
        label: name of the primary head, and whether the label is its view.
        config: pairing.

    Raises:
        InputError: a head has no truth at all, or an endpoint that the source does not bring.
        ConfigError: the primary head is a survival head and there is no horizon for its view.
    """
    _check_horizon(heads, label)
    rejects: list[dict[str, Any]] = []
    frame = frame.assign(**{UNPAIRED: ""})
    work.facts["lvef_heads"] = lvef_heads(heads)
    if work.facts["lvef_heads"]:
        paired = pair(work, frame, _measurements(source), config.pairing)
        frame, rejects = paired.frame, paired.rejects
    if any(isinstance(head, SurvivalHead) and not head.endpoint for head in heads.values()):
        frame, excluded = truths.without_prevalent(frame)
        work.counts["prevalent_excluded"] = excluded
        if excluded:
            say(
                f"survival: {excluded} record(s) with the disease at the index date are left out: "
                "who has it already cannot develop it"
            )
    frame, unknown = truths.add_targets(frame, heads, label)
    frame = add_endpoints(frame, heads)
    frame, lost = truths.require_truth(frame, heads, frame[UNPAIRED])
    return frame.drop(columns=UNPAIRED), [*rejects, *unknown, *lost]


def _check_horizon(heads: HeadMap, label: LabelConfig) -> None:
    primary = heads[label.name]
    if label.derive != "head" or not isinstance(primary, SurvivalHead):
        return
    if label.horizon_days is None:
        raise ConfigError(
            f"label.derive is 'head' and '{label.name}' is a survival head; set label.horizon_days "
            f"for its binary view, e.g. to {primary.horizons_days[-1]:g}"
        )


def outcome_config(heads: HeadMap, label: LabelConfig) -> LabelConfig:
    """Return `label` without its horizon where its view of the primary head needs none."""
    primary = heads[label.name]
    by_target = isinstance(primary, ClassesHead) or (
        isinstance(primary, BinaryHead) and primary.target
    )
    if label.derive != "head" or not by_target:
        return label
    return label.model_copy(update={"horizon_days": None, "censoring": "ipcw"})


def _measurements(source: Stage) -> pd.DataFrame:
    file = source.folder / MEASUREMENTS
    table = pq.read_table(file) if file.is_file() else MEASUREMENT_SCHEMA.empty_table()
    return table.to_pandas()
