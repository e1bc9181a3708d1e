"""Modalities that were paired by label, or by chance, and not by patient."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.core.schemas import PATIENT_PREFIX, columns_under

NAME = "modality_pairing"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return the records whose modalities come from different patients.

    `patient.<modality>` names whose recording of that modality stands in the row. How many of the
    strangers have the row's own label tells a pairing within the class from a mix-up.
    """
    frame = audited.manifest
    names = columns_under(frame, PATIENT_PREFIX)
    if not names:
        return Finding(
            passed=True, sentence="no modality brings a patient id of its own to compare"
        )
    strange = pd.DataFrame({name: _strange(frame, name) for name in names})
    counts = {name: int(strange[name].sum()) for name in names if strange[name].any()}
    within = {name: _same_label(frame, name, strange[name]) for name in counts}
    told = ", ".join(f"'{name}' in {count} record(s)" for name, count in counts.items())
    return Finding(
        passed=not counts,
        sentence=f"a modality comes from another patient than the record: {told}"
        if counts
        else f"{', '.join(names)} come from the record's own patient everywhere",
        evidence={
            "records_per_modality": counts,
            "share_of_strangers_with_the_same_label": within,
            "rows": row_numbers(frame[strange.any(axis=1)]),
        },
    )


def _strange(frame: pd.DataFrame, name: str) -> pd.Series:
    other = frame[f"{PATIENT_PREFIX}{name}"].astype("string")
    return other.notna() & (other != frame["patient_id"].astype("string"))


def _same_label(frame: pd.DataFrame, name: str, strange: pd.Series) -> float | None:
    labels = frame.groupby("patient_id")["label"].max()
    other = frame.loc[strange, f"{PATIENT_PREFIX}{name}"].map(labels)
    own = frame.loc[strange, "label"]
    known = other.notna() & own.notna()
    return round(float((other[known] == own[known]).mean()), 3) if known.any() else None
