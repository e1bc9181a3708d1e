"""The stages that an evaluation looks at."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.store import Stage, read_stage


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """The stages that an evaluation looks at."""

    train: Stage
    audit: Stage
    cohort: Stage
    ingest: Stage


def upstream(train: Stage) -> Upstream:
    """Return the stages behind a training."""
    audit = read_stage(train.input_folder("audit"))
    cohort = read_stage(audit.input_folder("preprocess"))
    ingest = read_stage(cohort.input_folder("ingest"))
    return Upstream(train=train, audit=audit, cohort=cohort, ingest=ingest)
