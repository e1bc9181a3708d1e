"""Records under row numbers, for whatever is shown outside the data folder."""

from __future__ import annotations

import pandas as pd


def row_names(manifest: pd.DataFrame) -> pd.Series:
    """Return the name of every record by its `sample_id`.

    A record is `row-N` by its line in the source's table; where a line brought several records, the
    k-th of them is `row-N.k`. The same in every run on the same cohort.

    Args:
        manifest: `sample_id` and `row` of the whole cohort.
    """
    row = manifest["row"]
    among = manifest.groupby("row").cumcount() + 1
    several = "." + among.astype(str)
    names = "row-" + row.astype(str) + several.where(row.duplicated(keep=False), "")
    return pd.Series(names.to_numpy(object), index=manifest["sample_id"].astype(str))


def without_ids(predictions: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions under row numbers, to be shown outside the data folder.

    A record is called as `row_names` says, and a patient `patient-N` by the first of their lines:
    the same in every run on the same cohort.

    Args:
        predictions: `sample_id`, `patient_id` and anything else.
        manifest: `sample_id`, `patient_id` and `row` of the whole cohort.
    """
    firsts = manifest.groupby("patient_id")["row"].min()
    return predictions.assign(
        sample_id=predictions["sample_id"].astype(str).map(row_names(manifest)),
        patient_id="patient-" + predictions["patient_id"].map(firsts).astype(str),
    )
