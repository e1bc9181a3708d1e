"""Candidate and champion were judged on the same test split or fold assignment."""

from __future__ import annotations

from components.promote.criterion import Case, Criterion

NAME = "test_split"
ORDER = 50
# Of a sha256: enough to tell splits apart, short enough to read.
_SHOWN = 12


def applies(case: Case) -> bool:
    """Return whether there is a champion to be judged beside."""
    return case.champion is not None


def judge(case: Case) -> Criterion:
    """Return whether the hashes of the assignment of patients to parts and folds agree."""
    if case.champion is None:
        return Criterion(name=NAME, passed=True, sentence="there is no champion")
    kind = "fold assignment" if case.candidate.judged.tables.folded else "test split"
    own, other = case.candidate.judged.test_split, case.champion.judged.test_split
    if own == other:
        return Criterion(name=NAME, passed=True, sentence=f"the same {kind} {own[:_SHOWN]}")
    sentence = (
        f"the candidate was judged on the {kind} {own[:_SHOWN]}, the champion on {other[:_SHOWN]}; "
        "train the candidate on the champion's cohort and split, or the champion's model on this"
    )
    return Criterion(name=NAME, passed=False, sentence=sentence)
