"""Ids as files write them → ids under which files agree, and no two patients become one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from components.core.errors import InputError, quoted

# Pairs of ids that an error shows.
_SHOWN = 5


class CollidingIdsError(InputError):
    """Different ids of one file come to the same; the sentence shows some of them.

    Args:
        plain: the sentence without ids.
        pairs: `"001" and "1"`, where ids may be shown.
    """

    def __init__(self, plain: str, pairs: tuple[str, ...] = ()) -> None:
        shown = f": {'; '.join(pairs)}" if pairs else ""
        super().__init__(f"{plain}{shown}; correct id_pattern or strip_zeros, or the file")
        self.plain, self.pairs = plain, pairs

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip back from another process."""
        return (CollidingIdsError, (self.plain, self.pairs))

    def withheld(self) -> CollidingIdsError:
        """Return the error without ids."""
        return CollidingIdsError(self.plain)


@dataclass(frozen=True, kw_only=True)
class IdRule:
    """What of an id is decoration.

    Attributes:
        pattern: regular expression with one group, or empty.
        strip_zeros: leading zeros are dropped.
    """

    pattern: str = ""
    strip_zeros: bool = False

    def of(self, raw: str) -> str | None:
        """Return the patient's own part of an id; None of one that does not match, or is empty.

        >>> IdRule(pattern="P-([0-9]+)", strip_zeros=True).of(" P-007 ")
        '7'
        """
        found: str | None = raw.strip()
        if self.pattern:
            match = re.fullmatch(self.pattern, raw.strip())
            found = match[1] if match else None
        if found and self.strip_zeros:
            found = found.lstrip("0") or "0"
        return found or None


def normalised(raws: Iterable[str], rule: IdRule, where: str) -> dict[str, str]:
    """Return raw id → patient.

    Args:
        raws: different ids of one file.
        rule: what is decoration.
        where: name of the file.

    Raises:
        InputError: ids that are empty or do not match the pattern.
        CollidingIdsError: different ids that come to one patient.
    """
    found = {raw: rule.of(raw) for raw in raws}
    unmatched = sum(patient is None for patient in found.values())
    if unmatched:
        wanted = f" or do not match id_pattern '{rule.pattern}'" if rule.pattern else ""
        raise InputError(
            f"{unmatched} of {len(found)} ids in '{where}' are empty{wanted}; correct them"
        )
    known = {raw: patient for raw, patient in found.items() if patient is not None}
    check_collisions(known, where)
    return known


def check_collisions(known: dict[str, str], where: str) -> None:
    """Refuse different raw ids that come to one patient.

    Raises:
        CollidingIdsError: there are some.
    """
    first: dict[str, str] = {}
    pairs = [
        (first[patient], raw)
        for raw, patient in known.items()
        if first.setdefault(patient, raw) != raw
    ]
    if pairs:
        shown = [f'"{quoted(one)}" and "{quoted(two)}"' for one, two in pairs[:_SHOWN]]
        raise CollidingIdsError(
            f"{len(pairs)} ids in '{where}' come to the patient of another id there",
            tuple(shown),
        )
