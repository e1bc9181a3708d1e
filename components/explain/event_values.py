"""What methods say of the single events of a record, each beside when, of what kind, what it was.

Groups of events (`event_kind`, `event_window`, `event_cell`: `core.attribution.event_groups`) are
in `Fold.said[method].grouped` as all groups are. What is said of single events lies on disk, in the
merged traces; their texts are the hospital's words and are read from the cohort again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from components.core.data.event_input import EventInput
from components.core.data.event_stats import hours_of
from components.core.errors import CardioError
from components.core.modalities import EVENTS
from components.explain import outputs
from components.explain.explained import Explained, Fold

Floats = npt.NDArray[np.float64]
# A word of fewer patients could tell who they are; the same number as for the words of notes.
LEAST_PATIENTS = 5
# Longer numbers could be somebody's number or a date.
_DIGITS = 4
GAP = "…"


@dataclass(frozen=True, kw_only=True, eq=False)
class EventValues:
    """One record's events, oldest first, and what methods say of them.

    Attributes:
        number: of the record among its fold's.
        hours: `[S]` from each event to the prediction.
        kind: `[S]` place in `EVENT_KINDS`.
        texts: `S` texts as the hospital wrote them; `told` says what of them may be shown.
        values: method → `[S]` attribution of each event, log-odds; of methods that tell of single
            events.
        static: method → clinical variable → attribution, log-odds, of those the record has; of
            methods that tell of variables.
        log_odds: of the record.
        truth: 0 or 1; None where it is not known.
    """

    number: int
    hours: Floats
    kind: npt.NDArray[np.int8]
    texts: tuple[str, ...]
    values: dict[str, Floats]
    static: dict[str, dict[str, float]]
    log_odds: float
    truth: int | None


def event_values(folder: Path, fold: Fold, numbers: Sequence[int]) -> list[EventValues]:
    """Return what is said of the events of some records.

    Args:
        folder: of the stage, or its workspace, with the merged traces.
        fold: of an `Explained` whose model reads event sequences.
        numbers: of the records among the fold's; all of them for `range(len(fold.records))`.

    Raises:
        CardioError: the model reads no event sequences.
    """
    own, samples = sequences(fold), fold.records["sample_id"].astype(str).tolist()
    said = traced(folder, [samples[number] for number in numbers])
    found: list[EventValues] = []
    for number in numbers:
        events = own.events(np.array([number]))
        record = fold.records.iloc[number]
        unknown = bool(fold.records["truth"].isna().iloc[number])
        found.append(
            EventValues(
                number=number,
                hours=hours_of(events.seconds).astype(np.float64),
                kind=events.kind,
                texts=tuple(own.texts_of(events)),
                values=said.get(samples[number], {}),
                static=_static(fold, number),
                log_odds=float(record["log_odds"]),
                truth=None if unknown else int(record["truth"]),
            )
        )
    return found


def known_words(explained: Explained) -> frozenset[str]:
    """Return the words that events of at least `LEAST_PATIENTS` explained patients hold."""
    seen: Counter[str] = Counter()
    by_patient: dict[str, set[str]] = {}
    for fold in explained.folds:
        own, patients = sequences(fold), fold.records["patient_id"].astype(str)
        for number, patient in enumerate(patients):
            texts = set(own.texts_of(own.events(np.array([number]))))
            by_patient.setdefault(patient, set()).update(*(text.split() for text in texts))
    for words in by_patient.values():
        seen.update(words)
    return frozenset(word for word, count in seen.items() if count >= LEAST_PATIENTS)


def told(text: str, known: frozenset[str]) -> str:
    """Return a text as it may be shown: words of few patients and long numbers left out.

    Args:
        text: of an event.
        known: as of `known_words`.

    >>> told("Lactate 1.4 mmol/L, seen by Meier 20240302", frozenset({"Lactate", "mmol/L,"}))
    'Lactate 1.4 mmol/L, …'
    """
    kept = [word if word in known or _short_number(word) else GAP for word in text.split()]
    single = [word for word, before in zip(kept, ["", *kept], strict=False) if word != before or
              word != GAP]  # fmt: skip
    return " ".join(single)


def _short_number(word: str) -> bool:
    digits = word.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS


def sequences(fold: Fold) -> EventInput:
    """Return the sequences of a fold's records.

    Raises:
        CardioError: the model reads none.
    """
    own = fold.subject.rows.events
    if own is None:
        raise CardioError("the model reads no event sequences; ask whether 'events' is an input")
    return own


def traced(folder: Path, samples: Sequence[str]) -> dict[str, dict[str, Floats]]:
    """Return record → method → `[S]` attributions of its events; nothing of one without any.

    Args:
        folder: of the stage, or its workspace, with the merged traces.
        samples: ids of the records.
    """
    mine = [("modality", "==", EVENTS), ("sample_id", "in", list(samples))]
    columns = ["sample_id", "method", "values"]
    found: dict[str, dict[str, Floats]] = {}
    for row in pq.read_table(folder / outputs.TRACES, columns=columns, filters=mine).to_pylist():
        own = np.asarray(row["values"], np.float64)
        found.setdefault(row["sample_id"], {})[row["method"]] = own
    return found


def _static(fold: Fold, number: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for method, said in fold.said.items():
        if "variable" not in said.grouped:
            continue
        own = said.grouped["variable"]
        pairs = zip(own.names, own.values[number].tolist(), strict=True)
        found[method] = {name: value for name, value in pairs if np.isfinite(value)}
    return found
