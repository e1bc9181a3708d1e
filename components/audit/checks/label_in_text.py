"""A note that states the label, in the definition's words or in a phrase that stands for it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from components.audit.finding import Audited, Finding, Severity
from components.core.schemas import TEXT_PREFIX, columns_under
from components.core.text.words import words

NAME = "label_in_text"
SEVERITY: Severity = "block"
# Phrases of up to three words, in at least this many notes of as many patients: rarer ones tell
# nothing, and could name somebody in the evidence.
_LONGEST, _FEWEST = 3, 20
# Notes looked at, evenly spread; more would not change which phrases are frequent.
_MOST_NOTES = 20_000
# Chance that any phrase of the definition is this pure without stating the label.
_CHANCE = 1e-6
# Words of a definition that are not the event's own; English function words and those of time.
_PLAIN = frozenset(
    words(
        "a an and any at be by for from has in is it no non not of on or than that the then to "
        "with without within after before day days month months year years event first last new "
        "their patient patients 0"
    )
)


def check(audited: Audited) -> Finding:
    """Return the phrases that state the label.

    Two ways: a phrase with a word of the label's name or definition whose notes nearly all have
    one label, beyond chance; and any frequent phrase whose presence separates the classes with an
    AUROC above the bound.
    """
    names = columns_under(audited.manifest, TEXT_PREFIX)
    if not names:
        return Finding(passed=True, sentence="the cohort has no texts")
    found: dict[str, dict[str, float]] = {}
    notes = 0
    for name in names:
        known = audited.manifest[audited.manifest["label"].notna()]
        known = known[known[f"{TEXT_PREFIX}{name}"].notna()]
        known = known.iloc[:: max(1, -(-len(known) // _MOST_NOTES))]
        notes += len(known)
        label = known["label"].to_numpy(np.int64)
        stated = _stated(list(known[f"{TEXT_PREFIX}{name}"]), label, audited)
        found |= {f"{name}: {phrase}": figures for phrase, figures in stated.items()}
    told = ", ".join(f"'{phrase}'" for phrase in list(found)[:5])
    return Finding(
        passed=not found,
        sentence=f"{len(found)} phrase(s) state the label: {told}"
        if found
        else f"no frequent phrase of {notes} notes states the label",
        evidence={"notes": notes, "phrases": dict(list(found.items())[:50])},
    )


def _stated(
    texts: list[str], label: npt.NDArray[np.int64], audited: Audited
) -> dict[str, dict[str, float]]:
    total, positive = _counts(texts, label)
    events, others = int(label.sum()), int((1 - label).sum())
    if not events or not others:
        return {}
    frequent = [p for p, n in total.items() if n >= _FEWEST]
    own = set(words(f"{audited.label.name.replace('_', ' ')} {audited.label.definition}")) - _PLAIN
    found: dict[str, dict[str, float]] = {}
    for phrase in sorted(frequent):
        n, hits = total[phrase], positive[phrase]
        auroc = 0.5 + abs(hits / events - (n - hits) / others) / 2
        purity = max(hits, n - hits) / n
        in_words = bool(own & set(phrase.split())) and purity >= audited.config.label_auroc
        chance = _chance(n, hits, events / len(label)) * len(frequent)
        if auroc > audited.config.label_auroc or (in_words and chance < _CHANCE):
            found[phrase] = {"notes": n, "purity": round(purity, 4), "auroc": round(auroc, 4)}
    return found


def _counts(texts: list[str], label: npt.NDArray[np.int64]) -> tuple[Counter[str], Counter[str]]:
    total: Counter[str] = Counter()
    positive: Counter[str] = Counter()
    for text, event in zip(texts, label, strict=True):
        parts = words(text)
        phrases = {
            " ".join(parts[i : i + size])
            for size in range(1, _LONGEST + 1)
            for i in range(len(parts) - size + 1)
        }
        total.update(phrases)
        if event:
            positive.update(phrases)
    return total, positive


def _chance(n: int, hits: int, prevalence: float) -> float:
    """Return the probability that `n` notes are this pure when the phrase tells nothing."""
    if 2 * hits >= n:
        return float(binom.sf(hits - 1, n, prevalence))
    return float(binom.cdf(hits, n, prevalence))
