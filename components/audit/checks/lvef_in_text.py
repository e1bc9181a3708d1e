"""A note that states the ejection fraction, in a task that learns from it."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.core.schemas import TEXT_PREFIX, columns_under

NAME = "lvef_in_text"
SEVERITY: Severity = "block"
# Lines of the source's table that the evidence names.
_MOST_ROWS = 50


def check(audited: Audited) -> Finding:
    """Return the records whose texts mention the ejection fraction.

    `label_in_text` reads every number as the same word, so a value that states the label escapes
    it: "EF 35 %" and "EF 60 %" are one phrase. Here each mention counts that masking would have
    replaced, value and synonyms alike.
    """
    learns = _from_lvef(audited)
    names = columns_under(audited.manifest, TEXT_PREFIX)
    if not learns or not names:
        why = "the cohort has no texts" if learns else "nothing in the task learns from the LVEF"
        return Finding(passed=True, sentence=why)
    mentions, rows = _mentions(audited, names)
    share = len(rows) / max(1, len(audited.manifest))
    return Finding(
        passed=not rows,
        sentence=f"the notes of {len(rows)} records ({share:.0%}) mention the ejection fraction "
        f"({mentions} times), which {', '.join(learns)} learn(s) from; set "
        "preprocess.notes.mask=true"
        if rows
        else "no note mentions the ejection fraction",
        evidence={"mentions": mentions, "records": len(rows), "rows": rows[:_MOST_ROWS]},
    )


def _from_lvef(audited: Audited) -> list[str]:
    """Return what learns from the LVEF: heads, or a label made from serial ones."""
    heads = [str(name) for name in audited.stage.facts.get("lvef_heads", [])]
    return heads or ([audited.label.name] if audited.label.derive == "ctrcd" else [])


def _mentions(audited: Audited, names: list[str]) -> tuple[int, list[int]]:
    """Return how many mentions there are, and the lines of the records that have one."""
    from components.core.text.masking import mask_lvef

    total, rows = 0, set[int]()
    for name in names:
        texts = audited.manifest[[f"{TEXT_PREFIX}{name}", "row"]].dropna()
        for text, row in texts.itertuples(index=False, name=None):
            found = mask_lvef(str(text)).count
            total += found
            if found:
                rows.add(int(row))
    return total, sorted(rows)
