"""Does the written bundle give the predictions that the figures were computed from?

It is asked about stored recordings as their device gave them, through its own preparation; what it
says is compared with what the networks said of the prepared tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.bundle import Prediction, Predictor
from components.core.bundle_inputs import NOTES
from components.core.data.cohort import Rows, make_rows
from components.core.data.ragged import RaggedReader
from components.core.data.texts import NOTE
from components.core.device import Place
from components.core.errors import CardioError
from components.core.members import REFIT, Member
from components.core.schemas import MANIFEST, SHARDS, TABULAR_PREFIX
from components.evaluate.predictions import FoldTest, member_logits, member_stats, members_of
from components.evaluate.upstream import Upstream

Floats = npt.NDArray[np.float64]
# Of the evaluation specification: float32 networks agree to about 1e-6 whatever the batch.
TOLERANCE = 1e-5
# Preparing and asking takes some 20 ms a recording; a systematic difference shows in the first.
RECORDS = 16


def bundle_deviation(
    folder: Path, stages: Upstream, test: FoldTest, place: Place, *, records: int = RECORDS
) -> float:
    """Return the largest difference in calibrated probability over some test records.

    Args:
        folder: of the written bundle.
        stages: the training and what it was made from.
        test: a fold's test records and the logits that were reported for them.
        place: device of the training.
        records: how many are asked about, evenly spread over the test records.

    Raises:
        CardioError: it is above 1e-5, or the bundle refuses a record that preparation took.
    """
    text: dict[str, Any] = stages.cohort.facts.get("text") or {}
    predictor = Predictor(folder, text_encoder=str(text.get("model", "")))
    chosen = np.unique(np.linspace(0, len(test.rows) - 1, records).round().astype(np.int64))
    expected = _expected(stages, test, place, chosen)
    own = Stored(stages)
    answers = [own.ask(predictor, row) for row in _rows(test.rows, chosen)]
    refused = [each.error for each in answers if each.error]
    if refused:
        raise CardioError(
            f"the written bundle cannot answer {len(refused)} of {len(answers)} test records that "
            "preparation took; this is a fault of the software, no figure of this run is valid"
        )
    found = np.array([each.logit for each in answers])
    largest = float(np.abs(predictor.calibrated(found) - predictor.calibrated(expected)).max())
    if not largest <= TOLERANCE:
        raise CardioError(
            f"the written bundle's probabilities differ from the reported ones by up to "
            f"{largest:.2g} on {len(answers)} test records, more than {TOLERANCE:g}; this is a "
            "fault of the software, do not register this model"
        )
    return largest


class Stored:
    """Recordings and features of a cohort as ingest keeps them.

    Args:
        stages: whose ingest stage holds them.
    """

    def __init__(self, stages: Upstream) -> None:
        self._has_ecg = "ecg" in stages.cohort.facts["modalities"]
        frame = pd.read_parquet(stages.ingest.folder / MANIFEST)
        self._frame = frame.set_index("sample_id")
        self._reader = RaggedReader(stages.ingest.folder / SHARDS)

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
        return predictor.answer(features, read)


def _rows(rows: Rows, chosen: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    plain = rows.frame.iloc[chosen].to_dict("records")
    return [{str(k): v for k, v in row.items()} for row in plain]


def _expected(
    stages: Upstream, test: FoldTest, place: Place, chosen: npt.NDArray[np.int64]
) -> Floats:
    """Return the reported logits; those of the bundle's own networks under cross-validation.

    There each record's reported logit is that of its own fold's networks, and the bundle holds the
    refit or all folds together.
    """
    folds = list(stages.cohort.facts["folds"])
    if len(folds) == 1:
        return test.frame["logit"].to_numpy(np.float64)[chosen]
    own = members_of(stages.train, REFIT) or [m for f in folds for m in members_of(stages.train, f)]
    frame = test.rows.frame.iloc[chosen].reset_index(drop=True)
    return np.mean([_logits(stages, member, frame, place) for member in own], axis=0)


def _logits(stages: Upstream, member: Member, frame: pd.DataFrame, place: Place) -> Floats:
    rows = make_rows(stages.cohort, frame, member_stats(stages.train, member))
    return member_logits(stages.train, member, rows, place)
