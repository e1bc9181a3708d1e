"""Signature and input example were logged with the registered version."""

from __future__ import annotations

from components.promote.criterion import Case, Criterion

NAME = "signature"
ORDER = 30


def applies(case: Case) -> bool:
    """Return True: the registry holds every candidate."""
    return bool(case.candidate.version)


def judge(case: Case) -> Criterion:
    """Return whether a server can check requests and show one."""
    logged = case.candidate.logged
    absent = [
        name
        for name, there in (("signature", logged.signature), ("input example", logged.example))
        if not there
    ]
    sentence = (
        f"the registered version has no {' and no '.join(absent)}; register the model again"
        if absent
        else "signature and input example are logged"
    )
    return Criterion(name=NAME, passed=not absent, sentence=sentence)
