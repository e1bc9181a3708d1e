"""A finished search without its trials: what trainings and evaluations ask of one."""

from __future__ import annotations

from typing import Any

from components.core import store
from components.core.store import Stage


def searched(audit: Stage, **facts: Any) -> Stage:
    """Return the stage of a search that was made on an audited cohort.

    Args:
        audit: of the cohort.
        facts: of the stage, over those of one search with nothing to say against it.
    """
    own = {"fold_settings": {}, "nested": False, "seen": False} | facts
    inputs = {"audit": audit.fingerprint}
    print_ = store.fingerprint("search", config=own, inputs=inputs, libraries={}, source="test")

    def compute(work: store.Workspace) -> None:
        work.facts |= own

    return store.build("search", print_, config={}, inputs=inputs, compute=compute)[0]
