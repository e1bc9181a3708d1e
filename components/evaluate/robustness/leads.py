"""Fewer leads: what is left of the task's leads when a device records twelve, eight, two or one.

A limb lead follows from any two others (Einthoven, Goldberger), as `core.signals.leads.select`
derives it in serving; a lead that cannot be had is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from components.core.signals.leads import LEADS8, LEADS12, LIMB
from components.evaluate.robustness.recordings import Change, Condition, Recordings, Setup

KIND = "Leads"
_RECORDED: dict[int, tuple[str, ...]] = {12: LEADS12, 8: LEADS8, 2: ("I", "II"), 1: ("I",)}


def conditions(setup: Setup) -> Iterator[Condition]:
    """Yield one condition per number of leads recorded."""
    for count in setup.config.leads:
        recorded = _RECORDED[count]
        kept = available(setup.leads, recorded)
        names = "" if count > 2 else f" ({', '.join(recorded)})"
        title = f"{count} lead{'s' if count > 1 else ''}{names}"
        remark, change = _verdict(setup, kept)
        yield Condition(kind=KIND, key=f"leads_{count}", title=title, change=change, remark=remark)


def available(wanted: Sequence[str], recorded: Sequence[str]) -> tuple[bool, ...]:
    """Return which of the `wanted` leads are recorded or follow from the recorded ones.

    >>> available(("II", "aVF", "V1"), ("I", "II"))
    (True, True, False)
    """
    derivable = sum(lead in LIMB for lead in recorded) >= 2
    return tuple(lead in recorded or (derivable and lead in LIMB) for lead in wanted)


def _verdict(setup: Setup, kept: tuple[bool, ...]) -> tuple[str, Change | None]:
    if all(kept):
        return "all of the task's leads: nothing changes", None
    if not any(kept):
        return "none of the task's leads: the model gives no answer", None
    share = f"{sum(kept)} of the task's {len(kept)} leads"
    refused = sum(kept) < setup.fewest_leads
    limit = f"; in use refused, fewer than {setup.fewest_leads} (preprocess.ecg.min_leads)"
    return f"{share}{limit if refused else ''}", _masking(kept)


def _masking(kept: tuple[bool, ...]) -> Change:
    there = np.array(kept, np.bool_)

    def change(recordings: Recordings) -> Recordings:
        values = recordings.values * there[None, :, None].astype(np.float32)
        return replace(recordings, values=values, lead_mask=recordings.lead_mask & there)

    return change
