"""Follow-up shorter than the horizon counted as negative."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers

NAME = "censored_as_negative"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return how many patients called negative were not followed to the horizon.

    Without a horizon the label is "ever during follow-up": then unequal follow-up itself is the
    fault, since a negative followed for a month is not one followed for five years.
    """
    frame = audited.manifest
    negative = frame["label"].eq(0).fillna(value=False)
    if audited.label.horizon_days is None and audited.label.derive == "head":
        return Finding(
            passed=True,
            sentence="the label is measured or annotated, and no event of a follow-up",
        )
    if audited.label.horizon_days is None:
        return _without_horizon(audited, int(negative.sum()))
    wrong = frame[negative & frame["censored"]]
    repaired = int(audited.stage.facts.get("labels_overridden", 0))
    horizon = audited.label.horizon_days
    note = f" ({repaired} label(s) of the source said so and were set aside)" if repaired else ""
    return Finding(
        passed=wrong.empty,
        sentence=f"{len(wrong)} record(s) count as negative without {horizon:g} days of follow-up"
        if len(wrong)
        else f"no record followed for less than {horizon:g} days counts as negative{note}",
        evidence={"records": len(wrong), "rows": row_numbers(wrong), "set_aside": repaired},
    )


def _without_horizon(audited: Audited, negatives: int) -> Finding:
    frame = audited.manifest
    times = frame.loc[frame["label"].eq(0).fillna(value=False), "followup_days"].dropna()
    if times.empty:
        return Finding(
            passed=True, sentence="the data bring no follow-up times; the label is taken as given"
        )
    shortest, longest = float(times.min()), float(times.max())
    return Finding(
        passed=shortest == longest,
        sentence=f"{negatives} record(s) count as negative after follow-up between {shortest:g} "
        f"and {longest:g} days; without a horizon short follow-up hides events",
        evidence={"shortest_days": shortest, "longest_days": longest},
    )
