"""Does a bundle give the predictions that were reported?

It is asked about stored recordings as their device gave them, through its own preparation; what it
says is compared with what the networks said of the prepared tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.bundle import Prediction, Predictor
from components.core.bundle_inputs import NOTES
from components.core.data.ragged import RaggedReader
from components.core.data.texts import NOTE
from components.core.errors import CardioError, InputError
from components.core.schemas import MANIFEST, SHARDS, TABULAR_PREFIX
from components.core.store import Stage
from components.core.stored_media import StoredMedia
from components.core.stored_sequences import StoredSequences

Floats = npt.NDArray[np.float64]
# Of an evaluate stage: the records that its bundle was asked about, under their ids, with the logit
# and the calibrated probability of the networks that the bundle holds.
REPRODUCTION = "reproduction.parquet"


class Stored:
    """Recordings and features of a cohort as ingest keeps them.

    Args:
        cohort: a prepared cohort.
        ingest: the stage that it was prepared from.
    """

    def __init__(self, cohort: Stage, ingest: Stage) -> None:
        self._cohort = cohort
        self._has_ecg = "ecg" in cohort.facts["modalities"]
        frame = pd.read_parquet(ingest.folder / MANIFEST)
        self._frame = frame.set_index("sample_id")
        self._media = StoredMedia(cohort, ingest, self._frame)
        self._sequences = StoredSequences(ingest.folder, self._frame)
        self._reader = RaggedReader(ingest.folder / SHARDS)

    def rows(self, samples: Sequence[str]) -> list[dict[str, Any]]:
        """Return the prepared manifest's rows of some records, in the order given.

        Raises:
            InputError: the cohort lacks one.
        """
        frame = pd.read_parquet(self._cohort.folder / MANIFEST).set_index("sample_id", drop=False)
        absent = len(set(samples) - set(frame.index))
        if absent:
            raise InputError(
                f"{absent} of {len(samples)} records that were reported are not in the cohort "
                f"{self._cohort.fingerprint[:12]}; evaluate the model again"
            )
        return plain_rows(frame.loc[list(samples)])

    def ask(self, predictor: Predictor, row: dict[str, Any]) -> Prediction:
        """Return the bundle's answer for the record of a prepared manifest row."""
        cells: dict[str, Any] = self._frame.loc[row["sample_id"]].to_dict()
        features = {
            name.removeprefix(TABULAR_PREFIX): value
            for name, value in row.items()
            if name.startswith(TABULAR_PREFIX)
        }
        features[NOTES] = row.get(NOTE)
        read = (lambda: self._reader.read(cells)) if self._has_ecg else None
        return predictor.answer(
            features,
            read,
            lambda: self._media.batch(row, predictor.facts),
            lambda: self._sequences.read(row["sample_id"]),
        )


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as mappings."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def opened(folder: Path, cohort: Stage) -> Predictor:
    """Return a bundle with the encoder of notes or events that its cohort was prepared with.

    Raises:
        InputError: the bundle is damaged, or the encoder is not there.
    """
    notes: dict[str, Any] = cohort.facts.get("text") or {}
    events: dict[str, Any] = (cohort.facts.get("events") or {}).get("text", {})
    return Predictor(folder, text_encoder=str(notes.get("model") or events.get("model", "")))


def deviation(
    predictor: Predictor, stored: Stored, rows: Sequence[dict[str, Any]], expected: Floats
) -> float:
    """Return the largest difference in calibrated probability from the reported ones.

    Args:
        predictor: the bundle.
        stored: where the records lie.
        rows: of the prepared manifest, `n` of them.
        expected: `[n]` calibrated probabilities as reported.

    Raises:
        CardioError: the bundle refuses a record that preparation took.
    """
    answers = [stored.ask(predictor, row) for row in rows]
    refused = sum(bool(each.error) for each in answers)
    if refused:
        raise CardioError(
            f"the written bundle cannot answer {refused} of {len(answers)} test records that "
            "preparation took; this is a fault of the software, no figure of this run is valid"
        )
    found = predictor.calibrated(np.array([each.logit for each in answers]))
    return float(np.abs(found - expected).max())
