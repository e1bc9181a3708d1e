"""Clinical notes from a grammar: findings, negations, noise words, and planted label statements.

Notes written before the echo and the ECG hold the patient's findings; a share of them states an
ejection fraction that somebody estimated then. Notes written after the echo state what it measured
and are there to be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from components.ingest.synthetic.identity import Identity
from components.ingest.synthetic.surveillance import sentences
from components.ingest.synthetic.surveillance.ejection import mention
from components.ingest.synthetic.surveillance.phrases import NEGATED, PHRASES, SILENT
from components.ingest.synthetic.surveillance.visit import Visit

NOTES_FILE = "notes.csv"
NOTE_COLUMNS = ("patient_id", "note_id", "time", "stored", "text")
# P(1 to 5 notes before the visit), and how many days before it they are written.
_COUNT = (0.15, 0.30, 0.30, 0.15, 0.10)
_DAYS = (3.0, 150.0)
# Hours from writing to storing; under the three days that the last note keeps to the visit.
_STORED_HOURS = (0.2, 48.0)
# P(an early note states an ejection fraction), and the error of that estimate in LVEF points.
_STATES, _STATED_SD = 0.30, 3.0
# P(a note after the echo), days after it.
_AFTER, _AFTER_DAYS = 0.30, (0.1, 3.0)
# P(a finding is repeated in a second note), and the number of noise sentences per section.
_REPEATED, _NOISE = 0.6, {"symptom": 2, "sign": 1, "history": 1, "other": 2}
# P(a typing error per note), P(the physician signs), P(the patient is named).
_TYPO, _SIGNED, _NAMED = 0.35, 0.30, 0.12


@dataclass(frozen=True, kw_only=True)
class Note:
    """One note; `form` names the way it states the ejection fraction, empty where it does not.

    `after` tells that it was written after an echo.
    """

    note_id: str
    time: datetime
    stored: datetime
    text: str
    form: str
    after: bool

    def line(self, patient_id: str) -> tuple[str, ...]:
        """Return the row of the notes table."""
        times = (self.time.isoformat(), self.stored.isoformat())
        return patient_id, self.note_id, *times, self.text


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """Whom the notes are about.

    Attributes:
        index: number of the patient.
        status: `[phrases]` of `phrases.Findings`.
        lvef: true LVEF in per cent.
        identity: made-up names.
        visit: of the patient.
    """

    index: int
    status: list[int]
    lvef: float
    identity: Identity
    visit: Visit


def write_notes(subject: Subject, rng: np.random.Generator) -> Iterator[Note]:
    """Yield the notes of a patient who has any, in order of time."""
    count = int(rng.choice(len(_COUNT), p=_COUNT)) + 1
    back = np.sort(rng.uniform(*_DAYS, count))[::-1]
    said = _dealt(subject.status, count, rng)
    for number in range(count):
        lvef = subject.lvef + _STATED_SD * rng.standard_normal()
        states = rng.random() < _STATES
        yield _note(
            subject,
            number,
            subject.visit.informed - timedelta(days=float(back[number])),
            _Content(said=said[number], lvef=lvef if states else None, after=False),
            rng,
        )
    yield from _after_echo(subject, count, rng)


@dataclass(frozen=True, kw_only=True)
class _Content:
    said: list[tuple[int, int]]
    lvef: float | None
    after: bool


def _after_echo(subject: Subject, number: int, rng: np.random.Generator) -> Iterator[Note]:
    wanted, days = rng.random() < _AFTER, float(rng.uniform(*_AFTER_DAYS))
    if not (wanted and subject.visit.echoes):
        return
    echo = subject.visit.echoes[0]
    time = echo.time + timedelta(days=days)
    if time <= subject.visit.last:
        yield _note(subject, number, time, _Content(said=[], lvef=echo.lvef, after=True), rng)


def _dealt(status: list[int], count: int, rng: np.random.Generator) -> list[list[tuple[int, int]]]:
    """Return for each note which phrases it names: all that are not silent, some of them twice."""
    notes: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for phrase, value in enumerate(status):
        if value == SILENT:
            continue
        first = int(rng.integers(count))
        notes[first].append((phrase, value))
        other = int(rng.integers(count))
        if rng.random() < _REPEATED and other != first:
            notes[other].append((phrase, value))
    return notes


def _note(
    subject: Subject, number: int, time: datetime, content: _Content, rng: np.random.Generator
) -> Note:
    time = time.replace(second=0, microsecond=0)
    form, stated = mention(content.lvef, rng) if content.lvef is not None else ("", "")
    stored = time + timedelta(hours=float(rng.uniform(*_STORED_HOURS)))
    return Note(
        note_id=f"N{subject.index:07d}-{number + 1}",
        time=time,
        stored=stored.replace(second=0, microsecond=0),
        text=_text(subject.identity, content.said, stated, rng),
        form=form,
        after=content.after,
    )


def _text(
    person: Identity, said: list[tuple[int, int]], stated: str, rng: np.random.Generator
) -> str:
    """Return a note; typing errors stay out of what is stated of the ejection fraction."""
    lines = [_one(sentences.HEADINGS, rng)]
    if rng.random() < _NAMED:
        lines.append(f"Patient: {person.surname}, {person.first_name}")
    body = [_section(kind, said, rng) for kind in sentences.SECTIONS]
    if rng.random() < _TYPO:
        at = int(rng.integers(len(body)))
        body[at] = _mistyped(body[at], rng)
    if stated:
        at = int(rng.integers(len(body)))
        body[at] = f"{body[at]} {stated}"
    lines += [*body, _one(sentences.PLANS, rng)]
    if rng.random() < _SIGNED:
        lines.append(f"Dictated by Dr {person.physician}")
    return "\n".join(lines)


def _section(kind: str, said: list[tuple[int, int]], rng: np.random.Generator) -> str:
    found = [_sentence(p, value, rng) for p, value in said if PHRASES[p].kind == kind]
    pool, most = sentences.UNINFORMATIVE[kind], _NOISE[kind]
    picked = rng.choice(len(pool), int(rng.integers(1, most + 1)), replace=False)
    found += [pool[i] for i in picked]
    order = rng.permutation(len(found))
    return " ".join([_one(sentences.SECTIONS[kind], rng), *(found[i] for i in order)])


def _sentence(phrase: int, value: int, rng: np.random.Generator) -> str:
    named = PHRASES[phrase]
    frames = (sentences.NEGATED if value == NEGATED else sentences.ASSERTED)[named.kind]
    text = _one(frames, rng).format(_one(named.forms, rng))
    return text[0].upper() + text[1:]


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """Exchange two neighbouring letters inside one of the longer words."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    at = long[int(rng.integers(len(long)))]
    word, place = words[at], int(rng.integers(1, len(words[at]) - 2))
    words[at] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return " ".join(words)


def _one(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
