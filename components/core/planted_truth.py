"""Where an ingest stage keeps the planted truth of the synthetic cohort.

Only evaluate and explain read it: nothing of it may reach training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.core.planted_factors import PlantedFactors
from components.core.planted_factors_file import read_factors
from components.core.store import Stage

# As ingest lays the source's side files down.
_FOLDER = "truth"
FACTORS = "factors.h5"


def truth_table(ingest: Stage) -> Path:
    """Return where the truth per recording lies; only a synthetic cohort has the file."""
    return ingest.folder / _FOLDER / "truth.parquet"


def truth_summary(ingest: Stage) -> dict[str, Any] | None:
    """Return what was planted in the cohort as a whole; None where nothing was."""
    file = ingest.folder / _FOLDER / "truth.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def truth_factors(ingest: Stage) -> PlantedFactors | None:
    """Return the joint distribution of the cohort's modalities; None where none was planted."""
    file = ingest.folder / _FOLDER / FACTORS
    return read_factors(file) if file.exists() else None
