"""One block of patients: draws them, writes their pictures and sounds, returns their rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.core.files import write_atomic
from components.ingest.synthetic.cohort import BLOCK
from components.ingest.synthetic.leaks import other_split, split_of
from components.ingest.synthetic.media import leaks
from components.ingest.synthetic.media.auscultation import auscultate
from components.ingest.synthetic.media.columns import IMAGE, SOUND, subject_cells
from components.ingest.synthetic.media.pages import make_page
from components.ingest.synthetic.media.presence import BROKEN_INPUT
from components.ingest.synthetic.media.survey import Examined, examine
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import BLOCKS
from components.ingest.synthetic.recordings import Maker, Recorded, Rows
from components.ingest.synthetic.streams import stream

# What the truth holds of an input that is not there.
_NO_PAGE: dict[str, Any] = {
    "image_px_per_mm": None,
    "image_rotation_deg": None,
    "image_format": None,
}
_NO_SOUND: dict[str, Any] = {
    "pcg_sites": None,
    "pcg_s1_s": None,
    "pcg_s2_s": None,
    "pcg_nuisance": "",
}


def write_block(
    folder: str, options: SyntheticOptions, block: int
) -> tuple[int, Examined, list[Rows]]:
    """Write the files of one block under `folder`; return its number, draws and rows.

    The rows are written last, under `BLOCKS`: a block that has them is not made again.
    """
    examined = examine(options, block)
    finished = Path(folder) / BLOCKS / f"{block:05d}.json"
    if finished.exists():
        return block, examined, [Rows(**row) for row in json.loads(finished.read_text())]
    rows: list[Rows] = []
    for patient in range(min(BLOCK, options.patients - block * BLOCK)):
        subject = Subject(folder=Path(folder), options=options, examined=examined, patient=patient)
        rows += subject.rows()
    rows = leaks.plant(Path(folder), options, rows)
    text = json.dumps([asdict(row) for row in rows], default=_plain)
    write_atomic(finished, lambda path: path.write_text(text))
    return block, examined, rows


def _plain(value: np.generic) -> object:
    return value.item()


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """Makes the page and the sounds of the patient in row `patient`, under `folder`."""

    folder: Path
    options: SyntheticOptions
    examined: Examined
    patient: int

    @property
    def index(self) -> int:
        """Return the patient's number in the whole cohort."""
        return int(self.examined.drawn.cohort.index[self.patient])

    def rows(self) -> list[Rows]:
        """Write the files; return the patient's row, and an altered copy's where asked for."""
        maker = Maker(
            folder=self.folder,
            options=self.options,
            drawn=self.examined.drawn,
            patient=self.patient,
        )
        recording = maker.record(0)
        name = f"{recording.device.site}{self.index:07d}-1"
        row = self._row(name, recording)
        if not leaks.has_near_copy(self.options, self.index):
            return [row]
        return [row, self._again(self._row(f"{name}-c", recording, page="media copy"))]

    def _row(self, name: str, recording: Recorded, page: str = "media page") -> Rows:
        cells = subject_cells(self.examined, self.options, self.patient)
        cells |= {
            "recording_id": name,
            "index_time": recording.time.isoformat(),
            "split": split_of(self.options.seed, self.index),
            **self._page(name, recording, page),
            **self._sounds(name, recording),
        }
        return Rows(
            manifest=cells,
            patient=self.patient,
            flags=recording.nuisance.flags(),
            broken=self.examined.presence.broken[self.patient],
        )

    def _again(self, row: Rows) -> Rows:
        """Return the row under a second id, its sounds altered; its page was scanned anew."""
        rng = stream(self.options.seed, "media near copy", self.index)
        cells = leaks.altered(self.folder, row.manifest, rng)
        cells |= {
            "patient_id": f"S{self.index:07d}",
            "split": other_split(row.manifest["split"]),
        }
        return replace(row, manifest=cells, duplicate_of=row.manifest["recording_id"][:-2])

    def _broken(self, name: str) -> str:
        kind = self.examined.presence.broken[self.patient]
        return kind if BROKEN_INPUT.get(kind) == name else ""

    def _page(self, name: str, recording: Recorded, drawn_from: str) -> dict[str, Any]:
        if not self.examined.presence.there["ecg_image"][self.patient]:
            return {IMAGE: "", **_NO_PAGE}
        made = make_page(
            recording,
            stream(self.options.seed, drawn_from, self.index),
            nuisance=self.options.nuisance,
            broken=self._broken("ecg_image"),
        )
        path = f"ecg_image/{recording.device.site}/{name}.{made.suffix}"
        (self.folder / path).write_bytes(made.content)
        return {IMAGE: path, **made.facts}

    def _sounds(self, name: str, recording: Recorded) -> dict[str, Any]:
        if not self.examined.presence.there["pcg"][self.patient]:
            return {SOUND: "", **_NO_SOUND}
        condition = self.examined.condition
        made = auscultate(
            recording,
            (float(condition.murmur[self.patient]), float(condition.s3[self.patient])),
            stream(self.options.seed, "media sound", self.index),
            nuisance=self.options.nuisance,
            broken=self._broken("pcg"),
        )
        parts: list[str] = []
        for site, content in made.files.items():
            path = f"pcg/{recording.device.site}/{name}{f'-{site}' if site else ''}.wav"
            (self.folder / path).write_bytes(content)
            parts.append(f"{site}={path}" if site else path)
        return {SOUND: ";".join(parts), **made.facts}
