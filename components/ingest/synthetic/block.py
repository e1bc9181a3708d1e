"""One block of patients: draws them, writes their files, returns their rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from components.core.files import write_atomic
from components.ingest.synthetic import leaks
from components.ingest.synthetic.cohort import BLOCK, draw_block
from components.ingest.synthetic.columns import patient_cells, with_gaps
from components.ingest.synthetic.loadings import Loadings
from components.ingest.synthetic.mechanism import Mechanism, morphology_scores, subgroup_gain
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import BLOCKS
from components.ingest.synthetic.recordings import Drawn, Maker, Rows
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import simulate

# P(1, 2, 3 recordings): 1.3 a patient.
_RECORDINGS = (0.75, 0.20, 0.05)


def draw(options: SyntheticOptions, block: int) -> Drawn:
    """Draw the latents, scores and outcomes of a block, `BLOCK` patients or what is left."""
    cohort = draw_block(options.seed, block)
    gain = subgroup_gain(cohort, options.subgroup_gap)
    loadings = Loadings.of(options.ecg_scores)
    rng = stream(options.seed, "scores", block)
    scores = morphology_scores(cohort, gain=gain, rng=rng, loadings=loadings)
    outcomes = simulate(cohort, Mechanism.of(options), stream(options.seed, "course", block))
    return Drawn(cohort=cohort, outcomes=outcomes, gain=gain, scores=scores, loadings=loadings)


def write_block(
    folder: str, options: SyntheticOptions, block: int
) -> tuple[int, Drawn, list[Rows]]:
    """Write the ECG files of one block under `folder`; return its number, draws and rows.

    The rows are written last, under `BLOCKS`: a block that has them is not made again.
    """
    drawn = draw(options, block)
    finished = Path(folder) / BLOCKS / f"{block:05d}.json"
    if finished.exists():
        return block, drawn, [Rows(**row) for row in json.loads(finished.read_text())]
    rows: list[Rows] = []
    for patient in range(min(BLOCK, options.patients - block * BLOCK)):
        rows += _patient(Path(folder), options, drawn, patient)
    text = json.dumps([asdict(row) for row in rows], default=_plain)
    write_atomic(finished, lambda path: path.write_text(text))
    return block, drawn, rows


def _plain(value: np.generic) -> object:
    return value.item()


def _patient(folder: Path, options: SyntheticOptions, drawn: Drawn, patient: int) -> list[Rows]:
    index = int(drawn.cohort.index[patient])
    rng = stream(options.seed, "cells", index)
    cells = patient_cells(drawn.cohort, drawn.outcomes, patient)
    cells = with_gaps(cells, rng) if options.nuisance else cells
    cells = leaks.patient_leaks(cells, options, stream(options.seed, "leaks", index))
    cells["patient_id"] = f"P{index:07d}"
    maker = Maker(folder=folder, options=options, drawn=drawn, patient=patient)
    count = int(rng.choice(3, p=_RECORDINGS)) + 1
    rows = [row for number in range(count) for row in maker.recording(number, cells)]
    last = rows[count - 1]
    return rows + maker.duplicate(last) if not last.broken else rows
