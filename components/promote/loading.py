"""From a registered version to its evaluation and to what the registry holds of it."""

from __future__ import annotations

from pathlib import Path

from components.core import aliases, store
from components.core.aliases import CANDIDATE, Version
from components.core.comparison.judged import judged
from components.core.errors import InputError
from components.core.logged_model import download
from components.core.runs import TAG_FINGERPRINT, count_openings
from components.core.store import Stage
from components.promote.criterion import Candidate, Champion


def chosen(model: str, number: str) -> Version:
    """Return the version to be promoted: the one named, or that of `@candidate`.

    Raises:
        InputError: an unknown model or version, or no candidate.
    """
    pointed = aliases.aliases(model)
    if not number and CANDIDATE not in pointed:
        raise InputError(
            f"{model} has no @candidate; train it, or name a version with '-P version=N'"
        )
    return aliases.version_of(model, number or pointed[CANDIDATE])


def evaluation(version: Version) -> Stage:
    """Return the evaluation that a version's figures come from, every file checked.

    Raises:
        InputError: the version names none, or it is not in the data folder, or it has changed.
    """
    print_ = version.tags.get(TAG_FINGERPRINT, "")
    if not print_:
        raise InputError(
            f"{version.words} does not say which evaluation it comes from; name a version that a "
            "pipeline registered"
        )
    if not store.is_finished("evaluate", print_):
        raise InputError(
            f"the evaluation {print_[:12]} of {version.words} is not under data/evaluate; promote "
            "where it lies, set CARDIO_DATA to that folder, or evaluate the model again"
        )
    return store.verify(store.read_stage(store.data_root() / "evaluate" / print_))


def load_candidate(version: Version, scratch: Path) -> Candidate:
    """Return the version to be promoted.

    Args:
        version: of the registry.
        scratch: an empty folder that receives the registered files.

    Raises:
        InputError: its evaluation or its registered files are gone.
    """
    (found,) = judged([(version.words, evaluation(version))])
    return Candidate(
        version=version.number,
        judged=found,
        logged=download(version.model, version.number, scratch),
        looks=count_openings(found.test_split),
    )


def load_champion(number: str, candidate: Candidate, *, model: str) -> Champion | None:
    """Return the version in use, to be compared with the candidate; None without one.

    Raises:
        InputError: its evaluation is gone, is the candidate's own, or is of another task.
    """
    if not number:
        return None
    version = aliases.version_of(model, number)
    stage = evaluation(version)
    own = candidate.judged.stage
    if stage.fingerprint == own.fingerprint:
        raise InputError(
            f"version {candidate.version} and the champion, version {number}, are of one "
            "evaluation; there is nothing to decide"
        )
    name = f"version {candidate.version}"
    rival, _ = judged([(f"the champion, version {number}", stage), (name, own)])
    return Champion(version=number, judged=rival)
