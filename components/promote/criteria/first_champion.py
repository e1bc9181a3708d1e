"""Where there is no champion, the candidate must keep up with the best simple model."""

from __future__ import annotations

import re

from components.core.comparison.paired import headline_name
from components.core.metrics.interval import number
from components.promote.criterion import Case, Criterion

NAME = "first_champion"
ORDER = 60
_BASELINE = re.compile(r"baseline/([^/]+)/auroc$")


def applies(case: Case) -> bool:
    """Return whether there is no champion yet."""
    return case.champion is None


def judge(case: Case) -> Criterion:
    """Return whether AUROC's lower bound lies above chance and the best baseline less a margin."""
    figures, config = case.candidate.judged.figures, case.gate.first_champion
    own = figures[headline_name(case.candidate.judged)]
    rivals = {
        found[1]: interval.value
        for name, interval in figures.items()
        if (found := _BASELINE.match(name)) and interval.value == interval.value  # not NaN
    }
    if not rivals:
        sentence = "no simple model was evaluated beside it; evaluate with evaluate.baselines"
        return Criterion(name=NAME, passed=False, sentence=sentence)
    best = max(rivals, key=lambda name: rivals[name])
    least = max(rivals[best] - config.margin, config.above)
    return Criterion(
        name=NAME,
        passed=own.lo > least,
        sentence=f"AUROC {own.text()}: its lower bound must lie above {number(least)} (the best "
        f"simple model, {best.replace('_', ' ')}, has {number(rivals[best])}, less a margin of "
        f"{config.margin:g}; and above {config.above:g})",
        numbers={"auroc": own.value, "lower": own.lo, "bound": least, "baseline": rivals[best]},
    )
