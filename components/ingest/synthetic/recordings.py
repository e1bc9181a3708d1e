"""The recordings of one patient: made, stored, copied, and given their manifest rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from components.ingest.synthetic import leaks
from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.columns import index_time
from components.ingest.synthetic.devices import (
    BROKEN,
    Bearer,
    Device,
    Signal32,
    Stored,
    draw_device,
    store,
)
from components.ingest.synthetic.ecg import Heart, draw_heart, median_beat, retest, synthesise
from components.ingest.synthetic.identity import Identity, draw_identity
from components.ingest.synthetic.loadings import ALL, Loadings
from components.ingest.synthetic.mechanism import FloatArray
from components.ingest.synthetic.nuisance import Nuisance, disturb, draw_nuisance
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.rhythm import Rhythm
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import Outcomes

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
        loadings: of the scores on the substrate.
    """

    cohort: Cohort
    outcomes: Outcomes
    gain: FloatArray
    scores: FloatArray
    loadings: Loadings = ALL


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """One recording's row in the manifest, and what only the truth may hold."""

    manifest: dict[str, Any]
    patient: int
    flags: list[str]
    broken: str = ""
    duplicate_of: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """One recording before it is stored: `signal` is `[8, samples]` mV, `rhythm` its beats.

    `flags` and `cells` are what it suffers, and has in the manifest, beside what all recordings do.
    """

    signal: Signal32
    rhythm: Rhythm
    device: Device
    heart: Heart
    nuisance: Nuisance
    time: datetime
    flags: tuple[str, ...] = ()
    cells: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True, eq=False)
class Maker:
    """Makes the recordings of the patient in row `patient` of `drawn`, under `folder`.

    `take` takes recording `number`; None is an ECG before therapy. `mark` stands before the number
    in recording ids.
    """

    folder: Path
    options: SyntheticOptions
    drawn: Drawn
    patient: int
    take: Callable[[int], Recorded] | None = None
    mark: str = ""

    @property
    def index(self) -> int:
        """Return the patient's number in the whole cohort."""
        return int(self.drawn.cohort.index[self.patient])

    def recording(self, number: int, cells: dict[str, Any]) -> list[Rows]:
        """Write recording `number` (and its twin, where that leak is asked for)."""
        recorded = self.record(number) if self.take is None else self.take(number)
        broken = self._broken() if number == 0 else ""
        split = leaks.recording_split(self.options, self.index, number)
        site = recorded.device.site
        own = f"{site}{self.index:07d}-{self.mark}{number + 1}"
        common = {**cells, "ecg_time": recorded.time.isoformat(), "split": split, **recorded.cells}
        rows = [self._store(own, recorded, common, broken)]
        if number == 0 and leaks.has_twin(self.options, self.index):
            other = {
                **common,
                "patient_id": f"R{self.index:07d}",
                "split": leaks.other_split(split),
            }
            rows.append(self._store(f"{own}-t", recorded, other, broken))
        if number == 0 and leaks.has_near_copy(self.options, self.index):
            rng = stream(self.options.seed, "near_copy", self.index)
            copied = replace(recorded, signal=leaks.near_copy(recorded.signal, rng))
            other = {
                **common,
                "patient_id": f"S{self.index:07d}",
                "split": leaks.other_split(split),
            }
            rows.append(self._store(f"{own}-c", copied, other, broken))
        return rows

    def duplicate(self, row: Rows) -> list[Rows]:
        """Store the same bytes once more under another recording id, in a few patients."""
        if not self.options.duplicates or self.index % _DUPLICATE_EVERY != _DUPLICATE_AT:
            return []
        original, path = row.manifest["recording_id"], row.manifest["path"]
        stem, suffix = path.rsplit(".", 1)
        # A WFDB header names its signal file, so a copied record is a second row to one header.
        copy = path if suffix == "hea" else f"{stem}-copy.{suffix}"
        if copy != path:
            (self.folder / copy).write_bytes((self.folder / path).read_bytes())
        cells = {**row.manifest, "recording_id": f"{original}-copy", "path": copy}
        return [replace(row, manifest=cells, duplicate_of=original)]

    def record(self, number: int) -> Recorded:
        """Return recording `number` of those before therapy, without a file."""
        rng = stream(self.options.seed, "ecg", self.index, number)
        site = str(self.drawn.cohort.site[self.patient])
        nuisance = draw_nuisance(rng) if self.options.nuisance else Nuisance()
        minutes = int(rng.integers(0, ECG_WINDOW_DAYS * 24 * 60))
        device = draw_device(site, rng)
        heart = retest(patient_heart(self.options.seed, self.drawn, self.patient), rng)
        clean, rhythm = synthesise(heart, nuisance.disturbance, fs=device.fs, rng=rng)
        return Recorded(
            signal=disturb(clean, nuisance, rhythm=rhythm, site=site, fs=device.fs, rng=rng),
            rhythm=rhythm,
            device=device,
            heart=heart,
            nuisance=nuisance,
            time=index_time(self.drawn.outcomes, self.patient) - timedelta(minutes=minutes),
        )

    def _store(self, name: str, recorded: Recorded, cells: dict[str, Any], broken: str) -> Rows:
        stored = store(
            recorded.signal,
            median_beat(recorded.heart, fs=recorded.device.fs),
            device=recorded.device,
            name=name,
            bearer=self._bearer(recorded),
            missing_lead=recorded.nuisance.missing_lead,
            broken=broken,
        )
        _write(self.folder, stored)
        fs, unit, order = stored.declared
        file = {"path": stored.path, "ecg_fs": fs, "ecg_unit": unit, "ecg_leads": order}
        return Rows(
            manifest={**cells, "recording_id": name, **file},
            patient=self.patient,
            flags=[*recorded.nuisance.flags(), *recorded.flags],
            broken=broken,
        )

    def _bearer(self, recorded: Recorded) -> Bearer:
        return Bearer(
            identity=patient_identity(self.options.seed, self.drawn, self.patient),
            age=int(self.drawn.cohort.age[self.patient]),
            female=bool(self.drawn.cohort.female[self.patient]),
            time=recorded.time,
            rate=round(recorded.heart.rate),
        )

    def _broken(self) -> str:
        place = self.index % _BROKEN_EVERY
        planted = self.options.broken_files and place in _BROKEN_AT
        return BROKEN[_BROKEN_AT.index(place)] if planted else ""


def patient_heart(seed: int, drawn: Drawn, patient: int) -> Heart:
    """Return the heart of the patient in row `patient`, the same at every recording."""
    cohort = drawn.cohort
    return draw_heart(
        drawn.scores[patient],
        age=float(cohort.age[patient]),
        female=bool(cohort.female[patient]),
        bmi=float(cohort.bmi[patient]),
        rng=stream(seed, "heart", int(cohort.index[patient])),
    )


def patient_identity(seed: int, drawn: Drawn, patient: int) -> Identity:
    """Return the made-up identity of the patient in row `patient`."""
    cohort = drawn.cohort
    return draw_identity(
        stream(seed, "identity", int(cohort.index[patient])),
        birth_year=index_time(drawn.outcomes, patient).year - int(cohort.age[patient]),
    )


def _write(folder: Path, stored: Stored) -> None:
    for name, content in stored.files.items():
        (folder / name).write_bytes(content)
