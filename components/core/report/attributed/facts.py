"""What stands under the title of a picture of one record; free of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.core.metrics.interval import number

# Below a tenth of a per cent there is nothing to tell apart.
_LEAST = 0.0005


def facts(
    log_odds: float, baseline: float | None, sums: Mapping[str, float], *, risk: str = ""
) -> tuple[str, ...]:
    """Return the lines.

    Args:
        log_odds: of the event.
        baseline: log-odds of the baseline, from which attributions start; None where not known.
        sums: group → its attribution in log-odds (segments, say); what is not finite is left out.
        risk: in words; empty where it is withheld.
    """
    from_ = "" if baseline is None else f", from {number(baseline, 2)} at the baseline"
    told = (risk, f"log-odds {number(log_odds, 2)}{from_}")
    lines = [" · ".join(filter(None, told))]
    known = {name: value for name, value in sums.items() if np.isfinite(value)}
    if known:
        parts = [f"{name} {_signed(value)}" for name, value in known.items()]
        lines.append(f"attribution in log-odds: {' · '.join(parts)}")
    return tuple(lines)


def risk_words(probability: float) -> str:
    """Return a risk in per cent; none that is not 0 or 1 is told as if it were.

    >>> risk_words(0.234), risk_words(0.004), risk_words(0.9999), risk_words(0.0)
    ('risk 23 %', 'risk 0.4 %', 'risk above 99.9 %', 'risk 0.0 %')
    """
    if 0.01 <= probability <= 0.99:
        return f"risk {100 * probability:.0f} %"
    if 0 < probability < _LEAST:
        return "risk below 0.1 %"
    if 1 - _LEAST <= probability < 1:
        return "risk above 99.9 %"
    return f"risk {100 * probability:.1f} %"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value, 2)}"
