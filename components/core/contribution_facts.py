"""What the modalities of trained networks contribute, as a training keeps it; free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import Field

from components.core.config.base import Frozen
from components.core.metrics.contribution import Subset, shapley, shares
from components.core.modalities import MODALITIES, SPOKEN

# Key of a train and an evaluate stage's facts.
KEY = "contributions"
# Prefixes in the tracking store and in the history of a training.
SHARE, FALL = "contrib", "contrib_perm"
# Between the modalities of a subset, in its key.
AND = "+"
# The targets for three modalities (an equal share is 33 %), of this project: no clinical origin.
BAND, BOUNDS = (0.20, 0.40), (0.10, 0.60)
_TARGETS_FOR = 3


class Network(Frozen):
    """What the modalities contribute to one network, on its validation part at its kept epoch.

    Attributes:
        fold: it was trained in.
        seed: of its training.
        epoch: whose weights were kept, from 0.
        subsets: modalities joined by `+` → AUROC with these alone, all others absent; the empty
            key is 0.5, of nothing.
        fall: modality → fall of AUROC where it is shuffled among the patients that have it.
        accuracy: share of patients called rightly at a probability of 0.5.
        constant: share of patients that the commoner class alone would call rightly.
        untaught: modalities whose token is what it was at the start: the training had no record
            without them and dropped none.
        nowhere: modalities that no record of the validation part has.
    """

    fold: str
    seed: int
    epoch: int = Field(ge=0)
    subsets: dict[str, float]
    fall: dict[str, float]
    accuracy: float
    constant: float
    untaught: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the modalities, in the order of `MODALITIES`."""
        return ordered(self.fall)

    @property
    def phi(self) -> dict[str, float]:
        """Return modality → Shapley value of the AUROC."""
        return shapley({parsed(key): value for key, value in self.subsets.items()})

    @property
    def share(self) -> dict[str, float]:
        """Return modality → share of all gains; NaN where none adds anything."""
        return shares(self.phi)

    @property
    def auroc(self) -> float:
        """Return the AUROC with all modalities."""
        return self.subsets[key_of(frozenset(self.fall))]

    def to_fact(self) -> dict[str, Any]:
        """Return JSON values, Shapley values and shares among them; an undefined share is null."""
        share = {name: None if math.isnan(s) else s for name, s in self.share.items()}
        return self.model_dump(mode="json") | {"phi": self.phi, "share": share}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Several networks together.

    Attributes:
        networks: all of them.
        phi: modality → mean Shapley value.
        share: modality → share of the mean Shapley values; NaN where none adds anything.
        fall: modality → mean fall of AUROC by shuffling.
        alone: modality → mean AUROC with it alone.
        without: modality → mean AUROC with all others.
    """

    networks: tuple[Network, ...]
    phi: dict[str, float]
    share: dict[str, float]
    fall: dict[str, float]
    alone: dict[str, float]
    without: dict[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the modalities, in the order of `MODALITIES`."""
        return self.networks[0].names

    def span(self, name: str) -> tuple[float, float]:
        """Return the lowest and the highest share of a modality in a network that has shares."""
        known = [n.share[name] for n in self.networks if not math.isnan(n.share[name])]
        return (min(known), max(known)) if known else (math.nan, math.nan)


def ordered(names: Sequence[str] | dict[str, float]) -> tuple[str, ...]:
    """Return modalities in the order of `MODALITIES`, any other after them."""
    known = [name for name in MODALITIES if name in names]
    return (*known, *sorted(name for name in names if name not in MODALITIES))


def key_of(subset: Subset) -> str:
    """Return a subset's key.

    >>> key_of(frozenset({"pcg", "ecg_image"})), key_of(frozenset())
    ('ecg_image+pcg', '')
    """
    return AND.join(ordered(tuple(subset)))


def parsed(key: str) -> Subset:
    """Return the subset of a key."""
    return frozenset(key.split(AND)) if key else frozenset()


def read(facts: dict[str, Any]) -> tuple[Network, ...]:
    """Return what a stage's facts keep; nothing where the model has no several branches."""
    own = set(Network.model_fields)
    return tuple(
        Network.model_validate({key: value for key, value in each.items() if key in own})
        for each in facts.get(KEY, [])
    )


def summary(networks: Sequence[Network]) -> Summary:
    """Return the mean over networks; shares are of the mean Shapley values, not means of shares.

    A network whose modalities add next to nothing has wild shares; in the mean of Shapley values
    it counts by what little they add.
    """
    names = networks[0].names
    phi = {name: fmean(n.phi[name] for n in networks) for name in names}
    every = frozenset(names)
    return Summary(
        networks=tuple(networks),
        phi=phi,
        share=shares(phi),
        fall={name: fmean(n.fall[name] for n in networks) for name in names},
        alone={name: fmean(n.subsets[name] for n in networks) for name in names},
        without={
            name: fmean(n.subsets[key_of(every - {name})] for n in networks) for name in names
        },
    )


def best(facts: dict[str, Any]) -> dict[str, float]:
    """Return the mean shares and falls at the kept epochs, named as in the tracking store."""
    networks = read(facts)
    if not networks:
        return {}
    mean = summary(networks)
    named = {
        f"{SHARE}/{name}": value for name, value in mean.share.items() if not math.isnan(value)
    }
    return named | {f"{FALL}/{name}": value for name, value in mean.fall.items()}


def targets(modalities: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return band and bounds of a share among so many modalities.

    Those of three stand in the constants; for others they keep their ratio to the equal share.

    >>> targets(3)
    ((0.2, 0.4), (0.1, 0.6))
    """
    factor = _TARGETS_FOR / modalities
    (low, high), (least, most) = BAND, BOUNDS
    return (low * factor, high * factor), (least * factor, min(1.0, most * factor))


def verdict(share: float, modalities: int) -> str:
    """Return where a share lies, in words: empty within the band.

    >>> verdict(0.33, 3), verdict(0.05, 3), verdict(0.5, 3)
    ('', 'below 10 %', 'above 40 %')
    """
    if math.isnan(share):
        return "undefined"
    (low, high), (least, most) = targets(modalities)
    for bound in (least, low):
        if share < bound:
            return f"below {percent(bound, 0)}"
    for bound in (most, high):
        if share > bound:
            return f"above {percent(bound, 0)}"
    return ""


def is_beyond(share: float, modalities: int) -> bool:
    """Return whether a share lies outside the bounds, not the band alone; so does an undefined."""
    least, most = targets(modalities)[1]
    return not least <= share <= most


def percent(share: float, digits: int = 1) -> str:
    """Return a share in print.

    >>> percent(0.104), percent(0.1, 0), percent(float("nan"))
    ('10.4 %', '10 %', 'undefined')
    """
    return "undefined" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def cautions(share: dict[str, float]) -> list[tuple[bool, str]]:
    """Return whether it is beyond the bounds, and a clause, for every share outside the band."""
    if any(math.isnan(each) for each in share.values()):
        return [(True, "no modality adds anything to the AUROC")]
    return [
        (is_beyond(share[name], len(share)),
         f"{SPOKEN.get(name, name)} contributes {percent(share[name])}, {found}")
        for name in ordered(share)
        if (found := verdict(share[name], len(share)))
    ]  # fmt: skip
