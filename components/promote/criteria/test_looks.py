"""How often this test split has been looked at; information, never blocking."""

from __future__ import annotations

from components.promote.criterion import Case, Criterion

NAME = "test_looks"
ORDER = 90


def applies(case: Case) -> bool:
    """Return True: every evaluation is a look."""
    return bool(case.candidate.version)


def judge(case: Case) -> Criterion:
    """Return the number of recorded openings."""
    looks = case.candidate.looks
    return Criterion(
        name=NAME,
        passed=True,
        blocking=False,
        sentence=f"this test split has been opened {looks} time(s); every look at it makes the "
        "figures of the best a little too good",
        numbers={"openings": float(looks)},
    )
