"""Trainings on shuffled labels that an explanation is compared with."""

from __future__ import annotations

from components.core.training_runs import open_training
from components.core.upstream import Upstream, upstream
from components.explain.control_subjects import check_control


def open_controls(references: str, model: Upstream) -> tuple[Upstream, ...]:
    """Return the stages behind each control.

    Args:
        references: as `open_training` takes them, separated by commas; empty for none.
        model: the stages behind the model that is explained.

    Raises:
        InputError: one holds no model, its labels were not shuffled, or it differs from the model
            in more than that.
    """
    found: list[Upstream] = []
    for reference in (each.strip() for each in references.split(",") if each.strip()):
        behind = upstream(open_training(reference))
        check_control(model, behind)
        found.append(behind)
    return tuple(found)
