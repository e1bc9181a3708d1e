"""The checklist's part on sequences of events."""

from __future__ import annotations

from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.data.stored_events import FEWEST_TO_TELL
from components.core.errors import RefusedError
from components.core.modalities import EVENTS
from components.core.schemas import EVENT_COUNT, HASH_PREFIX

_HASH = f"{HASH_PREFIX}{EVENTS}"


def check_events(train: Rows, val: Rows | None, batch: Batch) -> list[str]:
    """Return the names of the checks that held.

    Args:
        train: the training rows, with sequences.
        val: the validation rows; None for a refit on everyone.
        batch: of some training rows.

    Raises:
        RefusedError: nobody has an event, steps are not finite, padding is not empty, or the
            sequence of one patient is another's, too.
    """
    if train.events is None or not train.events.lengths.any():
        raise RefusedError(
            f"checklist: no record of the train part of fold {train.stats.fold} has an event, so "
            "that nothing can be learned of them; leave 'events' out of preprocess.modalities"
        )
    if not bool(batch[EVENTS].isfinite().all()):
        raise RefusedError("checklist: a step of an event sequence is not finite; prepare the "
                           "cohort again")  # fmt: skip
    if bool(batch[EVENTS][batch[f"{EVENTS}_valid"] == 0].any()):
        raise RefusedError("checklist: the padding of an event sequence is not empty")
    done = ["finite steps (B, S, W), padding empty"]
    if val is None:
        return done
    shared = _contents(train) & _contents(val)
    if shared:
        raise RefusedError(
            f"checklist: {len(shared)} event sequence(s) are in train and in val, of different "
            "patients; mend the pairing of patients and stays"
        )
    return [*done, "no identical event sequence in two parts"]


def _contents(rows: Rows) -> set[str]:
    """Return the hashes of the sequences that are long enough to be one patient's alone."""
    return set(rows.frame.loc[rows.frame[EVENT_COUNT] >= FEWEST_TO_TELL, _HASH].dropna())
