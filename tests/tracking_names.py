"""The names that docs/tracking.md allows in the tracking store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path

import yaml

from components.core.stages import FACTS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tracking.md"
# What MLflow itself writes beside ours.
MLFLOW = re.compile(r"(system/|mlflow\.)")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PATTERNS = {
    "day": _NUMBER, "percent": _NUMBER, "k": _NUMBER, "letter": "[B-F]",
    "component": "|".join([*FACTS, "score", "explain"]), "count": "[a-z_]+",
    "figure": rf"[a-z0-9_]+(?:/{_NUMBER})?", "setting": r"[a-z0-9_.]+",
}  # fmt: skip
# The characters that docs/tracking.md promises for columns, values, heads and categories.
_WORD = r"[A-Za-z0-9_.-]+"
# Of every task, whatever it predicts.
PRIMARY = frozenset(
    {
        "test/auroc", "test/auroc_lo", "test/auroc_hi", "test/auprc", "test/auprc_lo",
        "test/auprc_hi", "test/brier", "test/ece", "test/calibration_slope", "test/prevalence",
        "test/patients", "test/events", "test/sensitivity", "test/specificity", "val/auroc",
        "val/auprc",
    }
)  # fmt: skip


def expanded(name: str) -> list[str]:
    """Return a name of the table with every `{a,b}` written out.

    >>> expanded("test/{a,b}{,_diff}")
    ['test/a', 'test/a_diff', 'test/b', 'test/b_diff']
    """
    parts = re.split(r"\{([^{}]*)\}", name)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def pattern(name: str) -> re.Pattern[str]:
    """Return what a written-out name of the table matches."""
    parts = re.split(r"<([^<>]*)>", name)
    words = [
        f"(?:{_PATTERNS.get(p, _WORD)})" if i % 2 else re.escape(p) for i, p in enumerate(parts)
    ]
    return re.compile("".join(words))


@cache
def table(section: str) -> tuple[str, ...]:
    """Return the written-out names in the first cells of a section's table or text."""
    text = (
        DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    )
    lines = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return tuple(
        one for cell in lines for name in re.findall(r"`([^`]+)`", cell) for one in expanded(name)
    )


@cache
def entry_parameters() -> frozenset[str]:
    """Return what `mlflow run` logs by itself: the entry points' own parameters."""
    project = yaml.safe_load((DOCUMENT.parents[1] / "MLproject").read_text(encoding="utf-8"))
    entries = project["entry_points"].values()
    return frozenset(name for entry in entries for name in entry.get("parameters") or {})


def uncovered(names: Iterable[str], section: str = "Metrics") -> list[str]:
    """Return the names that no row of the section covers, bounds being those of their figure."""
    allowed = [pattern(name) for name in table(section)]
    entries = entry_parameters() if section == "Parameters" else frozenset[str]()
    own = [name for name in names if not MLFLOW.match(name) and name not in entries]

    def known(name: str) -> bool:
        base = re.sub(r"_(lo|hi)$", "", name) if section == "Metrics" else name
        return any(each.fullmatch(base) for each in allowed)

    return sorted(name for name in own if not known(name))
