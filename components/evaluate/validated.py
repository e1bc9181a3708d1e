"""The validation records' risks as the candidate would state them, counted for its bundle."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.bundle_validation import ValidationRisks, validation_risks
from components.core.metrics.tables import floats
from components.evaluate.predictions import Calibration


def risks_of(val: pd.DataFrame, own: Calibration) -> ValidationRisks:
    """Return how the calibrated risks of the validation records are distributed.

    With one fixed split they are the bundle's own answers: the mean log-odds of its networks,
    recalibrated. Under cross-validation, with a refit or without, they are out of fold: a record's
    log-odds are those of the networks of the folds in which it was a validation record, since a
    refit has learned from all of them and has no validation part; the recalibration is the
    bundle's. It was fitted on the same records. Records from which the bundle would abstain are
    counted, too, and nobody is weighted for censoring.

    Args:
        val: as `pooled_validation` returns them, of the primary head's binary view.
        own: the bundle's recalibration.

    Raises:
        InputError: no record of known outcome, or log-odds that are no numbers.
    """
    return validation_risks(
        own.recalibrator.apply(floats(val, "logit")),
        floats(val, "label"),
        val["patient_id"].to_numpy(np.object_),
    )
