"""The bundle that the registry gives loads and says what was reported of its networks."""

from __future__ import annotations

import pandas as pd

from components.core.errors import CardioError
from components.core.store import Stage, read_stage
from components.promote.criterion import Case, Criterion

NAME = "reproduction"
ORDER = 40


def applies(case: Case) -> bool:
    """Return True: every candidate has a bundle."""
    return bool(case.candidate.version)


def judge(case: Case) -> Criterion:
    """Return the largest difference between the bundle's probabilities and the reported ones.

    The records and what the networks of the bundle said of them (under cross-validation those of
    the refit, or of all folds together) are kept by the evaluation.

    Raises:
        InputError: the stages that hold the records are gone.
    """
    behind = _behind(case.candidate.judged.stage)
    try:
        largest, records = _deviation(case, behind)
    except CardioError as error:
        return Criterion(name=NAME, passed=False, sentence=str(error))
    limit = case.gate.reproduction.tolerance
    return Criterion(
        name=NAME,
        passed=largest <= limit,
        sentence=f"the registered bundle's probabilities differ by up to {largest:.2g} from those "
        f"reported for {records} records (at most {limit:g})",
        numbers={"deviation": largest, "records": float(records)},
    )


def _deviation(case: Case, behind: tuple[Stage, Stage]) -> tuple[float, int]:
    from components.core.reproduction import REPRODUCTION, Stored, deviation, opened  # torch

    stage = case.candidate.judged.stage
    file = stage.folder / REPRODUCTION
    if not file.is_file():
        raise CardioError("the evaluation kept no answers to compare with; evaluate it again")
    cohort, ingest = behind
    predictor = opened(case.candidate.logged.bundle, cohort)
    if predictor.facts.version != stage.fingerprint:
        raise CardioError(
            f"the registered bundle is of the evaluation {predictor.facts.version[:12]}, the "
            f"version's figures are of {stage.fingerprint[:12]}; register the model again"
        )
    kept = pd.read_parquet(file)
    stored = Stored(cohort, ingest)
    rows = stored.rows(kept["sample_id"].tolist())
    return deviation(predictor, stored, rows, kept["probability"].to_numpy("float64")), len(rows)


def _behind(stage: Stage) -> tuple[Stage, Stage]:
    """Return the prepared cohort of an evaluation and the ingest stage under it."""
    found = stage
    for component in ("train", "audit", "preprocess"):
        found = read_stage(found.input_folder(component))
    return found, read_stage(found.input_folder("ingest"))
