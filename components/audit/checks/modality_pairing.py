"""Modalities that were paired by label, or by chance, and not by patient."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.audit.reuse import Reuse, reused
from components.core.schemas import EMBEDDINGS, PATIENT_PREFIX, columns_under

NAME = "modality_pairing"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return the records whose modalities come from different patients.

    `patient.<modality>` names whose recording of that modality stands in the row; a recording
    (`sha256.<modality>`) that stands under several patient ids belongs to one of them at most. How
    many of the strangers have the row's own label tells a pairing within the class from a mix-up.

    A task that declares its modalities unpaired (`audit.unpaired`) passes with that sentence.
    """
    frame = audited.manifest
    names = columns_under(frame, PATIENT_PREFIX)
    strange = {name: _strange(frame, name) for name in names}
    counts = {name: int(rows.sum()) for name, rows in strange.items() if rows.any()}
    again = reused(frame)
    told = [*_told_of_strangers(counts), *(_told_of_reuse(*item) for item in again.items())]
    marked = [strange[name] for name in counts] + [each.rows for each in again.values()]
    everywhere = pd.concat(marked, axis=1).any(axis=1) if marked else []
    return Finding(
        passed=audited.config.unpaired or not told,
        sentence=_sentence(names, told, unpaired=audited.config.unpaired),
        evidence={
            "records_per_modality": counts,
            "share_of_strangers_with_the_same_label": {
                name: _same_label(frame, name, strange[name]) for name in counts
            },
            "reused_recordings": {name: each.recordings for name, each in again.items()},
            "share_of_reusers_with_the_same_label": {
                name: each.same_label for name, each in again.items()
            },
            "unpaired": audited.config.unpaired,
            "rows": row_numbers(frame[everywhere]) if marked else [],
        },
    )


def _told_of_strangers(counts: dict[str, int]) -> list[str]:
    each = ", ".join(f"'{name}' in {count} record(s)" for name, count in counts.items())
    return [f"a modality comes from another patient than the record: {each}"] if counts else []


def _told_of_reuse(name: str, reuse: Reuse) -> str:
    share = reuse.same_label
    known = (
        "no labels to compare" if share is None else f"{share:.0%} of such pairs share the label"
    )
    what = "set(s)" if name == EMBEDDINGS else "recording(s)"
    return (
        f"{reuse.recordings} {what} of '{name}' stand under several patient ids ({known}): "
        "rows glued together, not one patient's"
    )


def _sentence(names: list[str], told: list[str], *, unpaired: bool) -> str:
    if unpaired:
        found = "; ".join(told) or "nothing shows it"
        return (
            "the task declares its modalities unpaired: nothing is claimed of what they bring "
            f"together ({found})"
        )
    if told:
        return "; ".join(told)
    if names:
        return f"{', '.join(names)} come from the record's own patient everywhere"
    return "no modality brings a patient id of its own, and no recording has two patients"


def _strange(frame: pd.DataFrame, name: str) -> pd.Series:
    other = frame[f"{PATIENT_PREFIX}{name}"].astype("string")
    return other.notna() & (other != frame["patient_id"].astype("string"))


def _same_label(frame: pd.DataFrame, name: str, strange: pd.Series) -> float | None:
    labels = frame.groupby("patient_id")["label"].max()
    other = frame.loc[strange, f"{PATIENT_PREFIX}{name}"].map(labels)
    own = frame.loc[strange, "label"]
    known = other.notna() & own.notna()
    return round(float((other[known] == own[known]).mean()), 3) if known.any() else None
