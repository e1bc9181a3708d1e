"""Methods of explanation, found in `methods/` by discovery.

A method is a module with `NAME`, `TITLE`, `ORDER` (place on the page), `why_not(subject)`,
`passes(subject, config)` and `explain(subject, index, config)`; where it does not apply, its
`why_not(subject)` says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.discovery import in_order
from components.core.errors import ConfigError, nearest
from components.explain import methods as package
from components.explain.subject import Subject

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """What the words of one note do, in log-odds.

    Attributes:
        words: `w` distinct ones as the encoder reads them (lower case, a number is `0`), in the
            order of their first place.
        values: `[w]` signed; log-odds − log-odds without any occurrence of the word.
    """

    words: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributed:
    """What a method says of `n` records, in log-odds.

    Attributes:
        grouped: kind → attributions of groups.
        values: modality → attributions at the input's own resolution (`ecg` `[n, K, L]`, `tabular`
            `[n, F]`, `text` `[n, W]`, `events` `[n, S]`, NaN in padding); empty where a method
            speaks of groups alone.
        error: `[n]` sum of all attributions − (log-odds − log-odds of the baseline), where the
            method claims to be complete; None otherwise.
        over: modalities whose baseline that is, the others left as they are; empty means all of the
            subject's inputs.
        taken_out: modalities whose baseline is that the record has none of them, where that is not
            what `core.attribution.baseline` states.
        words: of each of the `n` notes, without any where a record has none; None where a method
            says nothing of words.
        remark: what a reader must know of these figures.
    """

    grouped: dict[str, Grouped]
    values: dict[str, Singles] = field(default_factory=dict[str, Singles])
    error: Floats | None = None
    over: tuple[str, ...] = ()
    taken_out: tuple[str, ...] = ()
    words: tuple[Words, ...] | None = None
    remark: str = ""


class Method(Protocol):
    """The interface of a module in `methods/`."""

    NAME: str
    TITLE: str
    ORDER: int

    def why_not(self, subject: Subject) -> str:
        """Return why the method does not fit the networks and their inputs; empty where it does."""
        ...

    def passes(self, subject: Subject, config: ExplainConfig) -> float:
        """Return the cost of one record in forward passes of one network; backward counts two."""
        ...

    def explain(
        self, subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig
    ) -> Attributed:
        """Return the attributions of some records; memory is bounded by batches of its own."""
        ...


@cache
def all_methods() -> MappingProxyType[str, Method]:
    """Return every method by name, in the page's order.

    Raises:
        CardioError: two of the same name.
    """
    found = in_order(package, kind="methods")
    return cast(MappingProxyType[str, Method], found)


def chosen(subject: Subject, config: ExplainConfig) -> list[Method]:
    """Return the methods to run.

    Raises:
        ConfigError: an unknown method, or one that does not fit the model is named.
    """
    known = all_methods()
    for name in config.methods:
        if name not in known:
            raise ConfigError(f"there is no method '{name}'; {nearest(name, known)}")
        why = known[name].why_not(subject)
        if why:
            raise ConfigError(f"the method '{name}' does not fit this model: {why}; leave it out")
    wanted = config.methods or tuple(known)
    return [each for name, each in known.items() if name in wanted and not each.why_not(subject)]


def left_out(subject: Subject) -> dict[str, str]:
    """Return the methods that do not fit the networks and their inputs, and why."""
    reasons = {name: each.why_not(subject) for name, each in all_methods().items()}
    return {name: why for name, why in reasons.items() if why}
