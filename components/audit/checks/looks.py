"""How often this test split has been looked at; information, never blocking."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity

NAME = "test_looks"
SEVERITY: Severity = "info"


def check(audited: Audited) -> Finding:
    """Return the number of recorded openings so far."""
    count = audited.test_looks
    return Finding(
        passed=True,
        sentence=f"this test split has been opened {count} time(s) before",
        evidence={"openings": count},
    )
