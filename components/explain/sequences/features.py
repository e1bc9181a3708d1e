"""Kinds of events, texts and static variables: what they move over the stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.data.stored_events import EVENT_KINDS
from components.explain.event_values import LEAST_PATIENTS
from components.explain.event_values import told as shown
from components.explain.sequences.gathered import Sequences
from components.explain.sequences.tables import Told, told

Floats = npt.NDArray[np.float64]
TEXTS_SHOWN = 20
SIGNED, SIZE = "attribution", "|attribution|"


def static(own: Sequences) -> list[Told]:
    """Return the static attributions of every method, log-odds, signed and as magnitudes."""
    found: list[Told] = []
    for method, said in own.said.items():
        if "variable" not in said.grouped:
            continue
        group = said.grouped["variable"]
        labels = [{"variable": name, "method": method} for name in group.names]
        for figure, values in ((SIGNED, group.values), (SIZE, np.abs(group.values))):
            caption = f"Static variables, {figure} in log-odds, {own.titles[method]}"
            found.append(told(values, labels, own.of, figure=figure, caption=caption))
    return found


def texts(own: Sequences) -> Told:
    """Return the texts whose events move the answers most, over stays that have them.

    Summed over a stay's events of one kind and text; of at least `LEAST_PATIENTS` patients, words
    of few patients left out, so that none of them can be told from it.
    """
    sums = [_by_text(own, k) for k in range(len(own.stays))]
    patients: dict[tuple[int, str], set[str]] = {}
    for each, patient in zip(sums, own.of.patients, strict=True):
        for key in each:
            patients.setdefault(key, set()).add(str(patient))
    names = sorted(key for key, seen in patients.items() if len(seen) >= LEAST_PATIENTS)
    values = np.array([[each.get(key, np.nan) for key in names] for each in sums])
    labels = [{"kind": EVENT_KINDS[kind], "text": text} for kind, text in names]
    return told(
        values.reshape(len(sums), len(names)), labels, own.of, figure=SIGNED, most=TEXTS_SHOWN,
        caption=f"Events by kind and text, log-odds, {own.titles[own.method]}",
        note=f"The {TEXTS_SHOWN} largest means of texts that at least {LEAST_PATIENTS} patients "
        "have; picked and measured on the same stays. … stands for words of fewer patients.",
    )  # fmt: skip


def _by_text(own: Sequences, number: int) -> dict[tuple[int, str], float]:
    events = own.stays[number].events
    found: dict[tuple[int, str], float] = {}
    for kind, text, value in zip(
        events.kind.tolist(), events.texts, events.values[own.method].tolist(), strict=True
    ):
        key = kind, shown(text, own.known)
        found[key] = found.get(key, 0.0) + value
    return found
