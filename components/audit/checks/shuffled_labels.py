"""Whether the labels are the patients' own; information, never blocking."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity

NAME = "shuffled_labels"
SEVERITY: Severity = "info"


def check(audited: Audited) -> Finding:
    """Return whether preprocess dealt the outcomes out anew (`label.shuffle`)."""
    seed = audited.stage.facts.get("labels_shuffled")
    return Finding(
        passed=seed is None,
        sentence="every patient has the label that came with the data"
        if seed is None
        else f"the labels were shuffled among the patients with seed {seed}: a control, no model",
        evidence={"seed": seed},
    )
