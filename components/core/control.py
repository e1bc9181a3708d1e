"""A control run, whose labels were shuffled among the patients."""

from __future__ import annotations

from components.core.store import Stage


def is_control(cohort: Stage) -> bool:
    """Return whether a prepared cohort's labels were shuffled."""
    return cohort.facts.get("labels_shuffled") is not None
