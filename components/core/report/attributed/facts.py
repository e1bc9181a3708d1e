"""What stands under the title of a picture of one record; free of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.core.metrics.interval import number


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


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value, 2)}"
