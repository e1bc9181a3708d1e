"""Outcomes dealt out anew among the patients: a control, from which nothing can be learned.

Whoever gets a patient's outcome gets all of it (label, days to event, death and last contact, of
every endpoint), so that prevalence, censoring and its weights stay what they are while every tie
to ECG and features is cut. Skill that is left is a leak. Who is in which part is decided before, by
the labels as they were: a control learns from its model's training patients and from nobody else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.schemas import (
    GRADE_COLUMN,
    OUTCOME_COLUMNS,
    TARGET_PREFIX,
    TIMES,
    TRUTH_PREFIX,
)

# Those of another endpoint carry its name after a dot.
_OUTCOME = ("label", *TIMES, *OUTCOME_COLUMNS, "prevalent", GRADE_COLUMN, "given_label")
# Truths of heads, which travel with it.
_TRUTHS = (TARGET_PREFIX, TRUTH_PREFIX)


def shuffle_outcomes(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the records with the outcomes of the patients permuted.

    A patient whose recordings differ hands on the outcome of the first that has the event, else of
    the first: then each patient is positive exactly once, as before.

    Args:
        frame: `patient_id`, `label` and the times, per record.
        seed: of the permutation; the order of the records has no bearing on it.
    """
    columns = [c for c in frame.columns if c.partition(".")[0] in _OUTCOME or c.startswith(_TRUTHS)]
    event = frame["label"].eq(1).fillna(value=False) | frame["event_time_days"].notna()
    ordered = frame.assign(_last=~event).sort_values(["patient_id", "_last"], kind="stable")
    outcome = ordered.drop_duplicates("patient_id").set_index("patient_id")[columns]
    donor = np.random.default_rng(seed).permutation(len(outcome))
    dealt = outcome.iloc[donor].set_index(outcome.index)
    own = dealt.loc[frame["patient_id"]].set_index(frame.index)
    return frame.assign(**{c: own[c] for c in columns})
