"""The findings as a page: one file, nothing loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.audit.report.plot import nearest_plot
from components.core.config.sections import LabelConfig
from components.core.report.page import environment, image

TEMPLATE = "page.html.j2"
WORDS = {"ok": "passed", "refused": "LEAK", "waived": "waived", "info": "information"}
ENTRIES = [
    ("glance", "All checks"), ("near", "Nearest recordings"), ("evidence", "Evidence"),
    ("origin", "Origin"),
]  # fmt: skip
# Entries of a list shown on the page; all that are kept stand in audit.json.
_SHOWN = 20


def render_page(
    rows: list[dict[str, Any]], *, label: LabelConfig, cohort: str, counts: dict[str, float]
) -> str:
    """Return the page.

    Args:
        rows: one per check: `check`, `severity`, `status`, `sentence`, `evidence`, `waiver`.
        label: what is predicted.
        cohort: fingerprint of the prepared cohort.
        counts: of the prepared cohort.
    """
    order = {"refused": 0, "waived": 1, "info": 2, "ok": 3}
    ranked = sorted(rows, key=lambda row: (order[row["status"]], row["check"]))
    picture = _image(rows)
    return environment(Path(__file__).parent).get_template(TEMPLATE).render(
        headline=headline(rows),
        rows=ranked,
        words=WORDS,
        label=label,
        cohort=cohort,
        counts={name: f"{value:g}" for name, value in sorted(counts.items())},
        evidence={row["check"]: evidence_lines(row["evidence"]) for row in rows},
        image=picture,
        entries=[entry for entry in ENTRIES if picture or entry[0] != "near"],
    )  # fmt: skip


def headline(rows: list[dict[str, Any]]) -> str:
    """Return the verdict in one line."""
    leaks = sum(row["status"] == "refused" for row in rows)
    waived = sum(row["status"] == "waived" for row in rows)
    if leaks:
        return f"{leaks} of {len(rows)} checks found a leak: training is blocked"
    if waived:
        return f"No leak is left, but {waived} check(s) were waived: the model cannot be promoted"
    return f"No leak found by {len(rows)} checks"


def evidence_lines(evidence: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the evidence as name and text, long lists cut."""
    found: list[tuple[str, str]] = []
    for key, value in evidence.items():
        name = key.replace("_", " ")
        if isinstance(value, dict):
            found += [(f"{name}: {inner}", _text(each)) for inner, each in value.items()]
        elif key != "nearest" and value not in (None, []):
            found.append((name, _text(value)))
    return found


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    if isinstance(value, list):
        shown = "; ".join(_text(each) for each in value[:_SHOWN])
        return shown + (f"; and {len(value) - _SHOWN} more" if len(value) > _SHOWN else "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _image(rows: list[dict[str, Any]]) -> str:
    for row in rows:
        nearest = row["evidence"].get("nearest")
        if nearest:
            svg = nearest_plot(nearest, float(row["evidence"]["bound"]))
            return image(svg)
    return ""
