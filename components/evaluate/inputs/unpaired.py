"""Whether a task declares its inputs not to be of one patient: then nothing is said of fusion."""

from __future__ import annotations

from typing import Any

from components.core.upstream import Upstream

SENTENCE = (
    "The inputs are declared unpaired: a record's picture, sound and clinical fields need not be "
    "of one patient. What was fused may be the label that they were joined by, so no claim is made "
    "that fusing them helps, and none of these figures holds for a patient."
)


def declared_unpaired(stages: Upstream) -> str:
    """Return what a report must say of inputs declared unpaired; empty where they are paired."""
    config: dict[str, Any] = stages.audit.config.get("audit", {})
    findings: list[dict[str, Any]] = stages.audit.facts.get("findings", [])
    told = [config, stages.audit.facts, *(each.get("facts", {}) for each in findings)]
    return SENTENCE if any(each.get("unpaired") for each in told) else ""
