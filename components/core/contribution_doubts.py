"""What cannot be read from contributions: tokens that were never learned, modalities nobody has."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.contribution_facts import Network, ordered
from components.core.modalities import SPOKEN


def doubts(networks: Sequence[Network]) -> list[str]:
    """Return all clauses on what no contribution can be read from, of any of the networks."""
    return [*untaught_tokens(networks), *unmeasured(networks)]


def untaught_tokens(networks: Sequence[Network]) -> list[str]:
    """Return a clause on the modalities without which a network never learned to answer."""
    names = ordered([name for each in networks for name in each.untaught])
    if not names:
        return []
    return [
        f"no training record lacked {spoken(names)} and none was dropped, so that what stands in "
        "place of an absent one was never learned: contributions and every answer without it tell "
        "of a network that was never asked so; set fit.modality_dropout above 0"
    ]


def unmeasured(networks: Sequence[Network]) -> list[str]:
    """Return a clause on the modalities of which a validation part has nothing."""
    names = ordered([name for each in networks for name in each.nowhere])
    if not names:
        return []
    return [
        f"no validation record of a fold has {spoken(names)}, so that its contribution of 0 there "
        "means that nothing was measured"
    ]


def spoken(names: Sequence[str]) -> str:
    """Return modalities within a sentence.

    >>> spoken(["tabular", "ecg_image", "pcg"])
    'the table, the ECG image and the heart sound'
    """
    *most, last = [SPOKEN.get(name, name) for name in names]
    return f"{', '.join(most)} and {last}" if most else last
