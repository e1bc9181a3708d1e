"""Moving `@champion`: judged against whoever is champion at the moment of writing.

The order of the writes leaves the registry consistent wherever it is killed: what the candidate
replaces and that its promotion has begun (tags), `@previous`, `@champion`, the outcome (tag). Until
`@champion` has moved the old one is in use; afterwards a second start only writes the outcome.

MLflow knows no write on condition. On one machine a lock lets one promotion in at a time; between
machines the champion is read again before the tags are written, directly before the first alias is
moved, and after the last.
"""

from __future__ import annotations

from collections.abc import Callable

from components.core import aliases
from components.core.aliases import CHAMPION, PREVIOUS, Version
from components.core.errors import InputError
from components.core.progress import say
from components.promote.criterion import Candidate
from components.promote.gate import Gate
from components.promote.loading import load_champion
from components.promote.run import Verdict, judge

OUTCOME, REPLACED, GATE_RUN = "gate", "gate.replaced", "gate.run"
PROMOTING, PROMOTED, REFUSED = "promoting", "promoted", "refused"
# Another promotion may win between judging and writing; a third time somebody is at it by script.
ATTEMPTS = 3


def decide(
    version: Version,
    candidate: Candidate,
    gate: Gate,
    *,
    run_id: str,
    announce: Callable[[Verdict], None],
) -> Verdict:
    """Judge a candidate, move the aliases if it is promoted, and return the verdict.

    Args:
        version: of the registry.
        candidate: the same, loaded.
        gate: the numbers that decide.
        run_id: that the version's tags name; empty writes nothing to the registry (a dry run).
        announce: told each verdict before anything is written, so that a fault in telling it leaves
            the registry as it was.

    Raises:
        InputError: the champion kept changing meanwhile, or its evaluation is gone.
    """
    for _ in range(ATTEMPTS):
        before = champion_of(version.model)
        rival = load_champion(before, candidate, model=version.model)
        verdict = judge(candidate, rival, gate, model=version.model)
        announce(verdict)
        if not run_id:
            return verdict
        if champion_of(version.model) == before and _written(version, verdict, run_id):
            return verdict
        say(f"promote: the champion of {version.model} has changed meanwhile; judging again")
    raise InputError(
        f"the champion of {version.model} changed {ATTEMPTS} times while version {version.number} "
        "was judged; promote it again when nobody else does"
    )


def champion_of(model: str) -> str:
    """Return the number of the version in use; empty without one."""
    return aliases.aliases(model).get(CHAMPION, "")


def completed(version: Version, *, write: bool) -> bool:
    """Write the outcome of a promotion that was killed after it had moved `@champion`.

    Args:
        version: to be promoted.
        write: without it nothing is written.

    Returns:
        whether there was one to complete.

    Raises:
        InputError: the version is the champion, and its promotion was completed.
    """
    if champion_of(version.model) != version.number:
        return False
    if version.tags.get(OUTCOME) != PROMOTING:
        raise InputError(f"{version.words} is the champion already; there is nothing to promote")
    if write:
        aliases.set_tags(version, {OUTCOME: PROMOTED})
    return True


def _written(version: Version, verdict: Verdict, run_id: str) -> bool:
    """Record the verdict; return whether it stood until the end of the writing.

    The tags take as long as all else together, so that the champion may have changed meanwhile.
    """
    tags = {**verdict.tags(), GATE_RUN: run_id}
    if not verdict.promoted:
        aliases.set_tags(version, {**tags, OUTCOME: REFUSED})
        return True
    aliases.set_tags(version, {**tags, REPLACED: verdict.champion, OUTCOME: PROMOTING})
    if champion_of(version.model) != verdict.champion:
        return False
    if verdict.champion:
        old = Version(model=version.model, number=verdict.champion)
        aliases.point(old, PREVIOUS)
    aliases.point(version, CHAMPION)
    if champion_of(version.model) != version.number:
        return False
    aliases.set_tags(version, {OUTCOME: PROMOTED})
    return True
