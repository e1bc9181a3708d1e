"""The search behind a training's settings, and whether it had a part in the patients tested.

A figure is honest where no patient tested had a part in choosing the settings. That is known for
the split that was searched on; on another split of the same patients they have had one.
"""

from __future__ import annotations

from components.core.config.tune import Tuned
from components.core.errors import InputError
from components.core.store import STAGE_FILE, Stage, read_stage

# Of a fingerprint or hash: enough to tell two apart, short enough to read.
_SHOWN = 12


def search_of(tuned: Tuned, audit: Stage) -> Stage:
    """Return the search whose settings a training has.

    Args:
        tuned: what the training says of it.
        audit: of the cohort that is trained on.

    Raises:
        InputError: it is not there, it was made on another split than this training's, or settings
            that it chose for a fold are missing.
    """
    search = _stage(audit, "search", tuned.search, tuned)
    _check_split(search, audit, tuned)
    lacking = [fold for fold in search.facts["fold_settings"] if fold not in tuned.folds]
    if lacking:
        raise InputError(
            f"{_words(tuned)}, and tuned.folds lacks those of {lacking[0]}, which would be trained "
            "with settings that its test patients have helped to choose; take best.yaml as it was"
        )
    return search


def _check_split(search: Stage, audit: Stage, tuned: Tuned) -> None:
    if search.inputs["audit"] == audit.fingerprint:
        return
    theirs = _split(_stage(audit, "audit", search.inputs["audit"], tuned), tuned)
    own = _split(audit, tuned)
    if theirs != own:
        raise InputError(
            f"{_words(tuned)} on the split {theirs[:_SHOWN]} and this cohort has the split "
            f"{own[:_SHOWN]}, so that patients tested here may have chosen them; search again on "
            "this cohort or, where no patient of that search is in it, set tuned=null"
        )


def _split(audit: Stage, tuned: Tuned) -> str:
    """Return the hash of the assignment of records to parts and folds."""
    cohort = _stage(audit, "preprocess", audit.inputs["preprocess"], tuned)
    return str(cohort.facts["test_split_sha256"])


def _stage(beside: Stage, component: str, print_: str, tuned: Tuned) -> Stage:
    folder = beside.folder.parents[1] / component / print_
    if not (folder / STAGE_FILE).is_file():
        raise InputError(
            f"{_words(tuned)}, and data/{component}/{print_[:_SHOWN]}, which says on whom, is not "
            "there; copy it there, or search again on this cohort"
        )
    return read_stage(folder)


def _words(tuned: Tuned) -> str:
    return f"the settings were searched for by {tuned.search[:_SHOWN]}"
