"""Writes the surveillance part: manifest, notes, measurements, ECG files and truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow.parquet as pq

from components.ingest.synthetic.cohort import BLOCK, FloatArray
from components.ingest.synthetic.measurements import MEASUREMENT_COLUMNS, MEASUREMENTS_FILE
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import in_order
from components.ingest.synthetic.recordings import patient_identity
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.block import write_block
from components.ingest.synthetic.surveillance.columns import columns
from components.ingest.synthetic.surveillance.notes import (
    NOTE_COLUMNS,
    NOTES_FILE,
    Note,
    Subject,
    write_notes,
)
from components.ingest.synthetic.surveillance.probability import Features, SurveillanceOracle
from components.ingest.synthetic.surveillance.serial import serial_rows
from components.ingest.synthetic.surveillance.tally import Tally, head_labels
from components.ingest.synthetic.surveillance.truth import SCHEMA, summary, truth_table
from components.ingest.synthetic.surveillance.visit import Surveyed, Visit, draw_visit


def write_surveillance(
    folder: Path,
    options: SyntheticOptions,
    *,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the files of the surveillance part into a prepared folder; see `generate`."""
    oracle, tally = SurveillanceOracle(Mechanism.of(options)), Tally()
    with ExitStack() as open_files:
        sheets = _Sheets(folder, columns(split=options.has_split), open_files)
        for block, surveyed, rows in in_order(write_block, folder, options, workers):
            p = oracle.probabilities(_features(surveyed))
            visits = {row.patient: draw_visit(surveyed, row.patient, options.seed) for row in rows}
            labels = head_labels(surveyed, _measured(surveyed, visits))
            sheets.manifest.writerows(row.manifest for row in rows)
            sheets.truth.write_table(truth_table(surveyed, rows, p, labels))
            tally.add(surveyed, rows, p, labels)
            for patient, visit in visits.items():
                sheets.measurements.writerows(serial_rows(surveyed, patient, visit, options.seed))
                for note in patient_notes(surveyed, patient, visit, options.seed):
                    sheets.notes.writerow(note.line(f"P{_index(surveyed, patient):07d}"))
                    tally.add_note(note)
            if progress is not None:
                progress(min((block + 1) * BLOCK, options.patients), options.patients)
    text = json.dumps(summary(options, tally), indent=2, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")


class _Sheets:
    """The tables that grow block by block, closed by `stack`."""

    def __init__(self, folder: Path, header: tuple[str, ...], stack: ExitStack) -> None:
        def opened(name: str) -> IO[str]:
            return stack.enter_context((folder / name).open("w", encoding="utf-8", newline=""))

        self.manifest = csv.DictWriter(
            opened("manifest.csv"), header, extrasaction="ignore", lineterminator="\n"
        )
        self.manifest.writeheader()
        self.measurements = csv.writer(opened(MEASUREMENTS_FILE), lineterminator="\n")
        self.measurements.writerow(MEASUREMENT_COLUMNS)
        self.notes = csv.writer(opened(NOTES_FILE), lineterminator="\n")
        self.notes.writerow(NOTE_COLUMNS)
        self.truth = stack.enter_context(pq.ParquetWriter(folder / "truth.parquet", SCHEMA))


def patient_notes(surveyed: Surveyed, patient: int, visit: Visit, seed: int) -> Iterator[Note]:
    """Yield the notes of the patient in row `patient`, none where there are none."""
    if not surveyed.findings.has_note[patient]:
        return
    index = _index(surveyed, patient)
    subject = Subject(
        index=index,
        status=surveyed.findings.status[patient].tolist(),
        lvef=float(surveyed.state.lvef[patient]),
        identity=patient_identity(seed, surveyed.drawn, patient),
        visit=visit,
    )
    yield from write_notes(subject, stream(seed, "surveillance notes", index))


def _index(surveyed: Surveyed, patient: int) -> int:
    return int(surveyed.drawn.cohort.index[patient])


def _features(surveyed: Surveyed) -> Features:
    return Features(
        cohort=surveyed.drawn.cohort,
        scores=surveyed.drawn.scores,
        findings=surveyed.findings,
    )


def _measured(surveyed: Surveyed, visits: dict[int, Visit]) -> FloatArray:
    """Return the LVEF of the paired echo, `[patients]`, NaN where there is none."""
    measured = np.full(surveyed.drawn.cohort.size, np.nan)
    for patient, visit in visits.items():
        if visit.echoes:
            measured[patient] = visit.echoes[0].lvef
    return measured
