"""Faults of pairing on request; without a request every function returns its input.

`glued` shifts the sounds of a block round among patients of one label, as rows put together from
two archives by label are; `reused_recording` stores one patient's sound under others of the same
label, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.ingest.synthetic.media.columns import OWNERS, SOUND
from components.ingest.synthetic.media.heart_sound import SECONDS
from components.ingest.synthetic.media.microphone import samples, wav
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.recordings import Rows

# Of so many patients with a sound and of one label, the first one's is stored under the next ones.
_GROUP, _REUSED = 8, 3
# One patient in 40 comes again, altered: gain, share of the sound cut off at its start, and noise
# in counts of 16 bits.
_COPY_EVERY, _COPY_AT = 40, 20
_COPY_GAIN, _COPY_CUT, _COPY_NOISE = (0.5, 1.0), (0.02, 0.12), 30.0


def has_near_copy(options: SyntheticOptions, index: int) -> bool:
    """Return whether the patient's page and sounds come again, altered, under a second id."""
    return "near_copy" in options.leaks and index % _COPY_EVERY == _COPY_AT


def altered(folder: Path, manifest: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Alter the sounds of a row, their files in place; return the row's cells."""
    paths = [part.rpartition("=")[2] for part in manifest[SOUND].split(";") if part]
    cells, cut = dict(manifest), rng.uniform(*_COPY_CUT)
    for path in paths:
        content = (folder / path).read_bytes()
        if content:
            counts = samples(content)
            start = round(cut * len(counts))
            louder = counts[start:] * rng.uniform(*_COPY_GAIN)
            noise = _COPY_NOISE * rng.standard_normal(len(louder))
            (folder / path).write_bytes(wav(np.round(louder + noise).astype(np.int16)))
    for name in ("pcg_s1_s", "pcg_s2_s") if paths else ():
        cells[name] = [_earlier(times, cut * SECONDS) for times in manifest[name]]
    return cells


def _earlier(times: list[float], seconds: float) -> list[float]:
    return [round(each - seconds, 4) for each in times if each >= seconds]


def plant(folder: Path, options: SyntheticOptions, rows: list[Rows]) -> list[Rows]:
    """Return the rows of one block with the pairing faults that `options` ask for."""
    if "reused_recording" in options.leaks:
        rows = _reused(folder, rows)
    return _glued(rows) if "glued" in options.leaks else rows


def _by_label(rows: list[Rows]) -> Iterator[list[int]]:
    """Yield the places of rows with a whole sound, one label after the other."""
    for label in ("0", "1"):
        yield [
            place
            for place, row in enumerate(rows)
            if row.manifest["label"] == label and row.manifest[SOUND] and not row.broken
        ]


def _glued(rows: list[Rows]) -> list[Rows]:
    """Give every patient the sound of the patient before, of the same label."""
    out = [_changed(row, dict.fromkeys(OWNERS, row.manifest["patient_id"])) for row in rows]
    for places in _by_label(rows):
        for place, donor in zip(places, [*places[-1:], *places[:-1]], strict=True):
            taken = rows[donor].manifest
            cells = {SOUND: taken[SOUND], OWNERS[1]: taken["patient_id"]}
            facts = {name: taken[name] for name in taken if name.startswith("pcg_")}
            out[place] = _changed(out[place], facts | cells)
    return out


def _reused(folder: Path, rows: list[Rows]) -> list[Rows]:
    """Store the first sound of every group under the next patients of the group."""
    out = list(rows)
    for places in _by_label(rows):
        for start in range(0, len(places), _GROUP):
            donor = rows[places[start]]
            for place in places[start + 1 : start + 1 + _REUSED]:
                out[place] = _with_sound_of(folder, rows[place], donor)
    return out


def _with_sound_of(folder: Path, row: Rows, donor: Rows) -> Rows:
    first = donor.manifest[SOUND].split(";")[0].rpartition("=")[2]
    own = row.manifest[SOUND].split(";")[0].rpartition("=")[2]
    for path in row.manifest[SOUND].split(";"):
        (folder / path.rpartition("=")[2]).unlink()
    (folder / own).write_bytes((folder / first).read_bytes())
    taken = donor.manifest
    once = {name: taken[name][:1] for name in ("pcg_s1_s", "pcg_s2_s")}
    cells: dict[str, Any] = {SOUND: own, "pcg_sites": [""], "pcg_nuisance": taken["pcg_nuisance"]}
    changed = _changed(row, cells | once)
    return replace(changed, flags=[*row.flags, f"sound_of:{taken['patient_id']}"])


def _changed(row: Rows, cells: dict[str, Any]) -> Rows:
    return replace(row, manifest=row.manifest | cells)
