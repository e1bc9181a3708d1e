"""What an evaluation keeps of imputation: embeddings with and without ids, and the calibration."""

from __future__ import annotations

import pandas as pd

from components.core.imputation import calibrate
from components.core.schemas import MANIFEST
from components.core.store import Workspace
from components.evaluate.analysis import Context
from components.evaluate.imputation.outputs import given_of, together, under_row_names, write
from components.evaluate.imputation.setting import held_out_rows
from components.evaluate.tracking import EMBEDDINGS

# With the hospital's ids: of the stage alone.
OWN = "embeddings"
CALIBRATION = "imputation"


def write_embeddings(work: Workspace, context: Context) -> None:
    """Write embeddings of the test part and each fold's calibration; nothing without imputation."""
    if not context.imputers:
        return
    stages = context.stages
    parts = [
        given_of(imputer, held_out_rows(stages, fold, context.opening), stages.train, fold)
        for fold, imputer in context.imputers.items()
    ]
    given = together(parts)
    manifest = pd.read_parquet(stages.cohort.folder / MANIFEST, columns=["sample_id", "row"])
    write(work.path(OWN), given)
    write(work.path(EMBEDDINGS), under_row_names(given, manifest))
    for fold, imputer in context.imputers.items():
        calibrate.save(imputer.calibration, work.path(CALIBRATION, f"{fold}.json"))
