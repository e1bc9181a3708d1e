"""One block of the surveillance part: draws it, writes its ECG files, returns its rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.core.files import write_atomic
from components.ingest.synthetic.block import draw
from components.ingest.synthetic.cohort import BLOCK
from components.ingest.synthetic.devices import draw_device
from components.ingest.synthetic.ecg import retest, synthesise
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.nuisance import Nuisance, draw_nuisance
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import BLOCKS
from components.ingest.synthetic.recordings import Maker, Recorded, Rows, patient_heart
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance import quality
from components.ingest.synthetic.surveillance.columns import outcome_cells, visit_cells
from components.ingest.synthetic.surveillance.hazards import draw_future, study_end
from components.ingest.synthetic.surveillance.phrases import draw_findings
from components.ingest.synthetic.surveillance.state import draw_state
from components.ingest.synthetic.surveillance.substrate import draw_scores
from components.ingest.synthetic.surveillance.visit import Surveyed, Visit, draw_visit


def survey(options: SyntheticOptions, block: int) -> Surveyed:
    """Draw everything of a block that its probabilities depend on."""
    seed, drawn = options.seed, draw(options, block)
    cohort, outcomes = drawn.cohort, drawn.outcomes
    state = draw_state(cohort, outcomes, Mechanism.of(options), seed=seed, block=block)
    end = study_end(outcomes.start_day, state.day)
    return Surveyed(
        drawn=replace(
            drawn,
            scores=draw_scores(cohort, state.burden, stream(seed, "surveillance scores", block)),
        ),
        state=state,
        future=draw_future(cohort, state.lvef, end, stream(seed, "surveillance future", block)),
        findings=draw_findings(state.burden, stream(seed, "surveillance findings", block)),
    )


def write_block(
    folder: str, options: SyntheticOptions, block: int
) -> tuple[int, Surveyed, list[Rows]]:
    """Write the ECG files of one block under `folder`; return its number, draws and rows.

    The rows are written last, under `BLOCKS`: a block that has them is not made again.
    """
    surveyed = survey(options, block)
    finished = Path(folder) / BLOCKS / f"{block:05d}.json"
    if finished.exists():
        return block, surveyed, [Rows(**row) for row in json.loads(finished.read_text())]
    there = range(min(BLOCK, options.patients - block * BLOCK))
    rows = [
        row
        for patient in there
        if surveyed.state.returns[patient]
        for row in _patient(Path(folder), options, surveyed, patient)
    ]
    text = json.dumps([asdict(row) for row in rows], default=_plain)
    write_atomic(finished, lambda path: path.write_text(text))
    return block, surveyed, rows


def _plain(value: np.generic) -> object:
    return value.item()


def _patient(
    folder: Path, options: SyntheticOptions, surveyed: Surveyed, patient: int
) -> list[Rows]:
    visit = draw_visit(surveyed, patient, options.seed)
    taker = Taker(options=options, surveyed=surveyed, patient=patient, visit=visit)
    maker = Maker(
        folder=folder,
        options=options,
        drawn=surveyed.drawn,
        patient=patient,
        take=taker.take,
        mark="y",
    )
    rng = stream(options.seed, "surveillance cells", maker.index)
    cells = visit_cells(surveyed, patient, visit, rng, nuisance=options.nuisance)
    rows = [row for n in range(len(visit.ecg_times)) for row in maker.recording(n, cells)]
    return rows + maker.duplicate(rows[-1]) if not rows[-1].broken else rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Taker:
    """Takes the ECGs of one patient's visit."""

    options: SyntheticOptions
    surveyed: Surveyed
    patient: int
    visit: Visit

    def take(self, number: int) -> Recorded:
        """Return recording `number`, with its quality and outcomes as cells."""
        drawn, seed = self.surveyed.drawn, self.options.seed
        rng = stream(seed, "surveillance ecg", int(drawn.cohort.index[self.patient]), number)
        site = str(drawn.cohort.site[self.patient])
        wanted = self.options.nuisance
        nuisance = draw_nuisance(rng) if wanted else Nuisance()
        device = draw_device(site, rng)
        heart = retest(patient_heart(seed, drawn, self.patient), rng)
        clean, rhythm = synthesise(heart, nuisance.disturbance, fs=device.fs, rng=rng)
        signal, graded = quality.record(
            clean,
            nuisance,
            rhythm=rhythm,
            site=site,
            fs=device.fs,
            rng=rng,
            rates=quality.Rates() if wanted else quality.NONE,
        )
        return Recorded(
            signal=signal,
            rhythm=rhythm,
            device=device,
            heart=heart,
            nuisance=nuisance,
            time=self.visit.ecg_times[number],
            flags=graded.poor,
            cells=self._cells(graded, number),
        )

    def _cells(self, graded: quality.Graded, number: int) -> dict[str, Any]:
        """Return cells of the manifest, and of the truth alone (`snr_db`, `quality_true`)."""
        own = {
            "quality": graded.annotated,
            "quality_true": graded.true,
            "snr_db": graded.snr_db,
        }
        return own | outcome_cells(self.surveyed, self.patient, self.visit, number)
