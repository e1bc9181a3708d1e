"""The stages that an evaluation looks at."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.store import Stage, read_stage


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """The stages that an evaluation looks at.

    Attributes:
        train: the training.
        audit: of the cohort that it was trained on.
        cohort: prepared; the one that is tested.
        ingest: of that cohort.
        home: external validation only: the stages that the training was made from.
        internal: external validation only: the training's evaluation on its own test part, where
            there is a finished one.
    """

    train: Stage
    audit: Stage
    cohort: Stage
    ingest: Stage
    home: Upstream | None = None
    internal: Stage | None = None

    @property
    def origin(self) -> Stage:
        """Return the cohort that the model was trained on."""
        return self.cohort if self.home is None else self.home.cohort


def upstream(train: Stage) -> Upstream:
    """Return the stages behind a training."""
    audit = read_stage(train.input_folder("audit"))
    cohort = read_stage(audit.input_folder("preprocess"))
    ingest = read_stage(cohort.input_folder("ingest"))
    return Upstream(train=train, audit=audit, cohort=cohort, ingest=ingest)
