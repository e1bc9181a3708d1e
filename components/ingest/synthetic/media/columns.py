"""The columns of the manifest of pictures and sounds."""

from __future__ import annotations

from typing import Any

from components.ingest.synthetic.columns import TABULAR, patient_cells, with_gaps
from components.ingest.synthetic.media.survey import Examined
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

IMAGE, SOUND = "ecg_image", "pcg_audio"
# Whose recording each is; of all cohorts the glued one alone says so.
OWNERS = (f"{IMAGE}_patient_id", f"{SOUND}_patient_id")
COLUMNS = ("patient_id", "recording_id", IMAGE, SOUND, "label", "index_time", "site", *TABULAR)


def columns(options: SyntheticOptions) -> tuple[str, ...]:
    """Return the header."""
    owners = OWNERS if "glued" in options.leaks else ()
    return (*COLUMNS, *owners, *(("split",) if options.has_split else ()))


def subject_cells(examined: Examined, options: SyntheticOptions, patient: int) -> dict[str, Any]:
    """Return the patient's cells without files: id, label, site and table."""
    drawn = examined.drawn
    index = int(drawn.cohort.index[patient])
    cells = patient_cells(drawn.cohort, drawn.outcomes, patient)
    if options.nuisance:
        cells = with_gaps(cells, stream(options.seed, "cells", index))
    if not examined.presence.there["tabular"][patient]:
        cells |= dict.fromkeys(TABULAR, "")
    cells["patient_id"] = f"P{index:07d}"
    cells["label"] = str(int(examined.condition.abnormal[patient]))
    return cells
