"""The model card says everything that it must."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.promote.criterion import Case, Criterion

NAME = "model_card"
ORDER = 20
CARD = "model_card.md"
# What the card says outside its headings: purpose, prediction time, identity of data and code.
_SENTENCES = {
    "not for clinical use": re.compile(r"^\*\*Not for clinical use\b", re.M),
    "time of prediction": re.compile(r"Time of prediction: *\S"),
    "data fingerprint": re.compile(r"Data fingerprint `[0-9a-f]{16,}`"),
    "code commit": re.compile(r"code commit `[0-9a-f]{7,}`"),
}
_NEXT = re.compile(r"^##", re.M)


def applies(case: Case) -> bool:
    """Return True: every candidate needs its card."""
    return case.gate.model_card.complete


def judge(case: Case) -> Criterion:
    """Return whether the card holds every section, item and sentence that is asked for."""
    file = case.candidate.judged.stage.folder / CARD
    if not file.is_file():
        sentence = "there is no model card; evaluate the model again"
        return Criterion(name=NAME, passed=False, sentence=sentence)
    missing = list(_missing(file.read_text(encoding="utf-8"), case))
    sentence = f"the model card lacks {', '.join(missing)}" if missing else "the card is complete"
    numbers = {"missing": float(len(missing))}
    return Criterion(name=NAME, passed=not missing, sentence=sentence, numbers=numbers)


def _missing(card: str, case: Case) -> Iterator[str]:
    for name, pattern in _SENTENCES.items():
        if not pattern.search(card):
            yield name
    for section in case.gate.model_card.sections:
        if not _filled(card, rf"^## {re.escape(section)}$"):
            yield f"the section '{section}'"
    for item in case.gate.model_card.items:
        if not _filled(card, rf"^### {re.escape(item)} .*$"):
            yield f"an answer to item {item}"


def _filled(card: str, heading: str) -> bool:
    found = re.search(heading, card, re.M)
    if found is None:
        return False
    rest = card[found.end() :]
    end = _NEXT.search(rest)
    return bool(rest[: end.start() if end else None].strip())
