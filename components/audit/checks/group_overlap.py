"""A group that the task keeps whole (a site, an admission) in two parts of one fold."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import shared_groups
from components.core.schemas import require_columns

NAME = "group_overlap"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return the groups that the split cuts although the task forbids it.

    The prepared cohort's fact `split_groups` maps manifest columns to the parts between which no
    value may be shared: `all`, or `test` and the rest. A cohort without it forbids nothing.

    Raises:
        InputError: the manifest lacks such a column.
    """
    groups: dict[str, str] = audited.stage.facts.get("split_groups", {})
    columns = [name for name in groups if name != "patient_id"]  # a check of its own
    require_columns(audited.manifest, columns, "the manifest of the prepared cohort")
    found = {name: shared_groups(audited.manifest, name, between=groups[name]) for name in columns}
    cut = {name: counts for name, (counts, _) in found.items() if counts}
    rows = sorted({row for _, listed in found.values() for row in listed})
    return Finding(
        passed=not cut,
        sentence=_sentence(columns, {n: max(c.values()) for n, c in cut.items()}),
        evidence={"groups_per_fold": cut, "rows": rows},
    )


def _sentence(columns: list[str], cut: dict[str, int]) -> str:
    if not columns:
        return "the task keeps no group whole beside the patient"
    if cut:
        told = ", ".join(f"{count} of '{name}'" for name, count in cut.items())
        return f"groups that must stay whole lie in more than one part of a fold: {told}"
    return f"no group of {', '.join(columns)} lies in two parts"
