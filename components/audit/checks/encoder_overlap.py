"""A pretrained encoder that has seen this task's validation or test patients."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.core.schemas import PART_PREFIX, fold_names

NAME = "encoder_overlap"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return how many test patients the encoder was trained on, by their hashed ids.

    The patients are those of the file `training_patients.json` in the bundle that the model's
    setting `init_from` names (see `components.core.data.patient_set`).
    """
    seen = audited.encoder_patients
    if not audited.encoder:
        return Finding(passed=True, sentence="the model starts from no pretrained encoder")
    if seen is None:
        return Finding(
            passed=True,
            sentence="the encoder that the model starts from lists no training patients, so that "
            "nothing could be compared",
        )
    frame = audited.manifest
    tested = frame[(frame[[f"{PART_PREFIX}{f}" for f in fold_names(frame)]] == "test").any(axis=1)]
    patients = tested["patient_id"].drop_duplicates()
    overlap = patients[[seen.holds(p) for p in patients]]
    return Finding(
        passed=overlap.empty,
        sentence=f"the encoder was trained on {len(overlap)} of this task's test patients"
        if len(overlap)
        else f"the encoder was trained on none of this task's {len(patients)} test patients"
        + ("" if seen.complete else ", as far as it lists those whom it was trained on"),
        evidence={
            "trained_on": len(seen.hashes),
            "test_patients": len(patients),
            "seen": len(overlap),
            "rows": row_numbers(tested[tested["patient_id"].isin(overlap)]),
        },
    )
