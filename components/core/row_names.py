"""Records under row numbers, for whatever is shown outside the data folder."""

from __future__ import annotations

import pandas as pd


def without_ids(predictions: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions under row numbers, to be shown outside the data folder.

    A record becomes `row-N`, its line in the source's table, and a patient `patient-N` by the
    first of those lines: the same in every run on the same cohort.

    Args:
        predictions: `sample_id`, `patient_id` and anything else.
        manifest: `sample_id`, `patient_id` and `row` of the whole cohort.
    """
    rows = manifest.set_index("sample_id")["row"]
    firsts = manifest.groupby("patient_id")["row"].min()
    return predictions.assign(
        sample_id="row-" + predictions["sample_id"].map(rows).astype(str),
        patient_id="patient-" + predictions["patient_id"].map(firsts).astype(str),
    )
