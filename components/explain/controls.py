"""Trainings on shuffled labels that an explanation is compared with."""

from __future__ import annotations

from components.core.errors import InputError
from components.core.training_runs import open_training
from components.core.upstream import Upstream, upstream


def open_controls(references: str, model: Upstream) -> tuple[Upstream, ...]:
    """Return the stages behind each control.

    Args:
        references: as `open_training` takes them, separated by commas; empty for none.
        model: the stages behind the model that is explained.

    Raises:
        InputError: one holds no model, its labels were not shuffled, or it was made from other
            records.
    """
    found: list[Upstream] = []
    for reference in (each.strip() for each in references.split(",") if each.strip()):
        behind = upstream(open_training(reference))
        if behind.cohort.facts.get("labels_shuffled") is None:
            raise InputError(
                f"the control '{reference}' was trained on labels that were not shuffled; train "
                "one with label.shuffle=<seed>"
            )
        if behind.ingest.fingerprint != model.ingest.fingerprint:
            raise InputError(
                f"the control '{reference}' was trained on other records than the model; train it "
                "on the same source with label.shuffle=<seed>"
            )
        found.append(behind)
    return tuple(found)
