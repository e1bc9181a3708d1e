"""What a check looks at and what it finds."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

import pandas as pd

from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.patient_set import PatientSet
from components.core.store import Stage

Severity = Literal["block", "info"]


@dataclass(frozen=True, kw_only=True)
class Audited:
    """A prepared cohort under audit.

    Attributes:
        stage: the preprocess stage.
        manifest: all its records, every part.
        label: what is predicted.
        config: bounds of the checks.
        test_looks: how often the test split has been opened so far.
        encoder: what the model starts from (`init_from`); empty for none.
        encoder_patients: who that was trained on; None where it does not say.
    """

    stage: Stage
    manifest: pd.DataFrame
    label: LabelConfig
    config: AuditConfig
    test_looks: int
    encoder: str = ""
    encoder_patients: PatientSet | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        passed: nothing wrong.
        sentence: what was found, with its count and no patient identifier.
        evidence: counts, and records by the line of the source's table: no id that a hospital
            may have made of a patient's number. It is published with the run.
    """

    passed: bool
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict[str, Any])


class Check(Protocol):
    """What a check's module must hold."""

    NAME: str
    SEVERITY: Severity

    @staticmethod
    def check(audited: Audited) -> Finding:
        """Return what was found."""
        ...


def all_checks() -> dict[str, Check]:
    """Return every check by its `NAME`."""
    from components.audit import checks

    found: dict[str, Check] = {}
    for info in pkgutil.iter_modules(checks.__path__):
        module = importlib.import_module(f"{checks.__name__}.{info.name}")
        check = cast(Check, module)
        found[check.NAME] = check
    return found
