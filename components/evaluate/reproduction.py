"""Does the written bundle give the predictions that the figures were computed from?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.cohort import make_rows
from components.core.device import Place
from components.core.errors import CardioError
from components.core.members import REFIT, Member
from components.core.reproduction import Floats, Stored, deviation, opened, plain_rows
from components.core.trained import member_logits, member_stats, members_of
from components.core.upstream import Upstream
from components.evaluate.predictions import FoldTest

# Of the evaluation specification: float32 networks agree to about 1e-6 whatever the batch.
TOLERANCE = 1e-5
# Preparing and asking takes some 20 ms a recording; a systematic difference shows in the first.
RECORDS = 16


def bundle_deviation(
    folder: Path,
    stages: Upstream,
    test: FoldTest,
    place: Place,
    *,
    records: int = RECORDS,
    keep: Path | None = None,
) -> float:
    """Return the largest difference in calibrated probability over some test records.

    Args:
        folder: of the written bundle.
        stages: the training and what it was made from.
        test: a fold's test records and the logits that were reported for them.
        place: device of the training.
        records: how many are asked about, evenly spread over the test records.
        keep: file that receives which records were asked about and what the networks said, so that
            the registered bundle can be asked again.

    Raises:
        CardioError: it is above 1e-5, or the bundle refuses a record that preparation took.
    """
    predictor = opened(folder, stages.cohort)
    chosen = np.unique(np.linspace(0, len(test.rows) - 1, records).round().astype(np.int64))
    logits = _expected(stages, test, place, chosen)
    expected = predictor.calibrated(logits)
    rows = plain_rows(test.rows.frame.iloc[chosen])
    largest = deviation(predictor, Stored(stages.cohort, stages.ingest), rows, expected)
    if not largest <= TOLERANCE:
        raise CardioError(
            f"the written bundle's probabilities differ from the reported ones by up to "
            f"{largest:.2g} on {len(rows)} test records, more than {TOLERANCE:g}; this is a "
            "fault of the software, do not register this model"
        )
    if keep is not None:
        ids = [row["sample_id"] for row in rows]
        said = pd.DataFrame({"sample_id": ids, "logit": logits, "probability": expected})
        said.to_parquet(keep, index=False)
    return largest


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
