"""Putting `@previous` back into the champion's place.

The version to be restored is marked as such, `@champion` moves to it, then `@previous` to what that
one had replaced, and the mark is taken off. A champion that still carries it was left by a rollback
that was killed: a second start completes that one, wherever `@previous` points, and goes no further
back.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.core import aliases
from components.core.aliases import CHAMPION, PREVIOUS, Version
from components.core.errors import InputError
from components.promote.promotion import GATE_RUN, OUTCOME, PROMOTED, REPLACED

RESTORING, ROLLED_BACK = "restoring", "rolled back"


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """A way back.

    Attributes:
        model: registered name.
        left: number of the champion that is left; empty where it was left before a kill.
        restored: number of the version that becomes champion.
        previous: number of what that one had replaced; empty for nothing.
    """

    model: str
    left: str
    restored: str
    previous: str

    @property
    def sentence(self) -> str:
        """Return what it does."""
        then = f"version {self.previous}" if self.previous else "nothing"
        left = f" in place of version {self.left}" if self.left else ""
        return f"{self.model} version {self.restored} is champion again{left}; @previous is {then}"


def planned(model: str) -> Rollback:
    """Return where a rollback leads.

    Raises:
        InputError: there is no champion, or nothing to go back to.
    """
    pointed = aliases.aliases(model)
    now, back = pointed.get(CHAMPION, ""), pointed.get(PREVIOUS, "")
    if not now:
        raise InputError(f"{model} has no champion to roll back; promote a version first")
    champion = aliases.version_of(model, now)
    if champion.tags.get(OUTCOME) == RESTORING:
        return Rollback(model=model, left="", restored=now, previous=_replaced(champion))
    if back == now:
        # A promotion was killed after it had moved @previous onto the champion.
        back = _replaced(champion)
    if not back:
        raise InputError(
            f"{model} has no @previous to go back to: version {now} replaced nothing; promote "
            "another version instead"
        )
    restored = aliases.version_of(model, back)
    return Rollback(model=model, left=now, restored=back, previous=_replaced(restored))


def _replaced(version: Version) -> str:
    """Return the version that one replaced; empty for none, or where it has been deleted since."""
    number = version.tags.get(REPLACED, "")
    try:
        return aliases.version_of(version.model, number).number if number else ""
    except InputError:
        return ""


def roll_back(way: Rollback, *, run_id: str) -> None:
    """Move the aliases back and mark both versions.

    Args:
        way: from `planned`.
        run_id: that the versions' tags name.

    Raises:
        InputError: a version has been deleted meanwhile.
    """
    restored = Version(model=way.model, number=way.restored)
    aliases.set_tags(restored, {OUTCOME: RESTORING, GATE_RUN: run_id})
    if way.left:
        left = Version(model=way.model, number=way.left)
        aliases.set_tags(left, {OUTCOME: ROLLED_BACK, GATE_RUN: run_id})
        aliases.point(restored, CHAMPION)
    if way.previous:
        aliases.point(Version(model=way.model, number=way.previous), PREVIOUS)
    else:
        aliases.drop(way.model, PREVIOUS)
    aliases.set_tags(restored, {OUTCOME: PROMOTED})
