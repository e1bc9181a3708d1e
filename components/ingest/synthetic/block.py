"""One block of patients: draws them, writes their files, returns their rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any


from components.ingest.synthetic import leaks
from components.ingest.synthetic.cohort import BLOCK, Cohort, draw_block
from components.ingest.synthetic.columns import index_time, patient_cells, with_gaps
from components.ingest.synthetic.devices import BROKEN, Bearer, Stored, draw_device, store
from components.ingest.synthetic.ecg import Heart, draw_heart, median_beat, retest, synthesise
from components.ingest.synthetic.identity import Identity, draw_identity
from components.ingest.synthetic.mechanism import (
    FloatArray,
    Mechanism,
    morphology_scores,
    subgroup_gain,
)
from components.ingest.synthetic.nuisance import Nuisance, disturb, draw_nuisance
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import Outcomes, simulate

# P(1, 2, 3 recordings): 1.3 a patient.
_RECORDINGS = (0.75, 0.20, 0.05)
ECG_WINDOW_DAYS = 90
# Three broken files in 500 patients (650 recordings), early enough that a small cohort has them.
_BROKEN_EVERY, _BROKEN_AT = 500, (37, 57, 107)
_DUPLICATE_EVERY, _DUPLICATE_AT = 200, 23


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A block before any file is made.

    Attributes:
        cohort: the latents.
        outcomes: what happened.
        gain: share of `v` that the ECG shows, `[patients]`.
        scores: informative morphology, `[patients, features]`.
    """

    cohort: Cohort
    outcomes: Outcomes
    gain: FloatArray
    scores: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """One recording's row in the manifest, and what only the truth may hold."""

    manifest: dict[str, Any]
    patient: int
    flags: list[str]
    broken: str = ""
    duplicate_of: str = ""


def draw(options: SyntheticOptions, block: int) -> Drawn:
    """Draw the latents, scores and outcomes of a block, `BLOCK` patients or what is left."""
    cohort = draw_block(options.seed, block)
    gain = subgroup_gain(cohort, options.subgroup_gap)
    scores = morphology_scores(cohort, gain=gain, rng=stream(options.seed, "scores", block))
    outcomes = simulate(cohort, Mechanism.of(options), stream(options.seed, "course", block))
    return Drawn(cohort=cohort, outcomes=outcomes, gain=gain, scores=scores)


def block_count(options: SyntheticOptions) -> int:
    """Return the number of blocks."""
    return -(-options.patients // BLOCK)


def write_block(folder: str, options: SyntheticOptions, block: int) -> tuple[int, Drawn, list[Rows]]:
    """Write the ECG files of one block under `folder`; return its number, draws and rows."""
    drawn = draw(options, block)
    rows: list[Rows] = []
    for patient in range(min(BLOCK, options.patients - block * BLOCK)):
        rows += _patient(Path(folder), options, drawn, patient)
    return block, drawn, rows


def _patient(folder: Path, options: SyntheticOptions, drawn: Drawn, patient: int) -> list[Rows]:
    index = int(drawn.cohort.index[patient])
    rng = stream(options.seed, "cells", index)
    cells = patient_cells(drawn.cohort, drawn.outcomes, patient)
    cells = with_gaps(cells, rng) if options.nuisance else cells
    cells = leaks.patient_leaks(cells, options, stream(options.seed, "leaks", index))
    cells["patient_id"] = f"P{index:07d}"
    maker = _Maker(folder=folder, options=options, drawn=drawn, patient=patient)
    count = int(rng.choice(3, p=_RECORDINGS)) + 1
    rows = [row for number in range(count) for row in maker.recording(number, cells)]
    last = rows[count - 1]
    return rows + maker.duplicate(last) if not last.broken else rows


@dataclass(frozen=True, kw_only=True, eq=False)
class _Maker:
    """Makes the recordings of one patient."""

    folder: Path
    options: SyntheticOptions
    drawn: Drawn
    patient: int

    @property
    def index(self) -> int:
        return int(self.drawn.cohort.index[self.patient])

    @property
    def site(self) -> str:
        return str(self.drawn.cohort.site[self.patient])

    def recording(self, number: int, cells: dict[str, Any]) -> list[Rows]:
        """Write recording `number` (and its twin, where that leak is asked for)."""
        rng = stream(self.options.seed, "ecg", self.index, number)
        nuisance = draw_nuisance(rng) if self.options.nuisance else Nuisance()
        time = index_time(self.drawn.outcomes, self.patient) - timedelta(
            minutes=int(rng.integers(0, ECG_WINDOW_DAYS * 24 * 60))
        )
        device = draw_device(self.site, rng)
        heart = retest(self._heart(), rng)
        clean, rhythm = synthesise(heart, nuisance.disturbance, fs=device.fs, rng=rng)
        signal = disturb(
            clean, nuisance, rhythm=rhythm, site=self.site, fs=device.fs, rng=rng
        )
        bearer = Bearer(
            identity=self._identity(),
            age=int(self.drawn.cohort.age[self.patient]),
            female=bool(self.drawn.cohort.female[self.patient]),
            time=time,
            rate=round(heart.rate),
        )
        broken = self._broken() if number == 0 else ""
        rows: list[Rows] = []
        for name in self._names(number):
            stored = store(
                signal,
                median_beat(heart, fs=device.fs),
                device=device,
                name=name,
                bearer=bearer,
                missing_lead=nuisance.missing_lead,
                broken=broken,
            )
            _write(self.folder, stored)
            found = {**cells, "recording_id": name, "ecg_time": time.isoformat(), "path": stored.path}
            found["ecg_fs"], found["ecg_unit"], found["ecg_leads"] = stored.declared
            found["split"] = leaks.recording_split(self.options, self.index, number)
            rows.append(
                Rows(
                    manifest=found, patient=self.patient, flags=nuisance.flags(), broken=broken
                )
            )
        return [*rows[:1], *(_as_twin(row, self.index) for row in rows[1:])]

    def duplicate(self, row: Rows) -> list[Rows]:
        """Store the same bytes once more under another recording id, in a few patients."""
        if not self.options.duplicates or self.index % _DUPLICATE_EVERY != _DUPLICATE_AT:
            return []
        original = row.manifest["recording_id"]
        path = row.manifest["path"]
        stem, suffix = path.rsplit(".", 1)
        # A copied WFDB record keeps its header's name, so both rows name the same header.
        copy = path if suffix == "hea" else f"{stem}-copy.{suffix}"
        if copy != path:
            (self.folder / copy).write_bytes((self.folder / path).read_bytes())
        cells = {**row.manifest, "recording_id": f"{original}-copy", "path": copy}
        return [replace(row, manifest=cells, duplicate_of=original)]

    def _heart(self) -> Heart:
        cohort = self.drawn.cohort
        return draw_heart(
            self.drawn.scores[self.patient],
            age=float(cohort.age[self.patient]),
            female=bool(cohort.female[self.patient]),
            bmi=float(cohort.bmi[self.patient]),
            rng=stream(self.options.seed, "heart", self.index),
        )

    def _identity(self) -> Identity:
        year = index_time(self.drawn.outcomes, self.patient).year
        return draw_identity(
            stream(self.options.seed, "identity", self.index),
            birth_year=year - int(self.drawn.cohort.age[self.patient]),
        )

    def _broken(self) -> str:
        place = self.index % _BROKEN_EVERY
        planted = self.options.broken_files and place in _BROKEN_AT
        return BROKEN[_BROKEN_AT.index(place)] if planted else ""

    def _names(self, number: int) -> list[str]:
        name = f"{self.site}{self.index:07d}-{number + 1}"
        twin = number == 0 and leaks.has_twin(self.options, self.index)
        return [name, f"{name}-t"] if twin else [name]


def _as_twin(row: Rows, index: int) -> Rows:
    """Return the row of the same waveform under a second patient id, in another split."""
    split = leaks.other_split(row.manifest["split"])
    return replace(row, manifest={**row.manifest, "patient_id": f"R{index:07d}", "split": split})


def _write(folder: Path, stored: Stored) -> None:
    for name, content in stored.files.items():
        (folder / name).write_bytes(content)
