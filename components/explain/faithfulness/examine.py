"""Every check of one method's explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from components.core.config.explain import ExplainConfig
from components.core.errors import CardioError
from components.explain.faithfulness import completeness as complete
from components.explain.faithfulness import deletion, randomisation, stability
from components.explain.faithfulness.completeness import Completeness
from components.explain.faithfulness.deletion import STEPS, Curves
from components.explain.faithfulness.randomisation import Measure, Randomised
from components.explain.faithfulness.removal import preferred
from components.explain.faithfulness.stability import Stability
from components.explain.method import Attributed, Method
from components.explain.subject import Subject

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """What the checks of one method found, record by record.

    Attributes:
        method: its name.
        title: its name in print.
        kind: of the groups that were compared; empty where the method gives no two groups.
        curves: deletion and insertion.
        randomised: attributions by networks that learned nothing.
        stability: under noise; None without ECG, picture, sound, embedding and events.
        completeness: None where the method claims none.
    """

    method: str
    title: str
    kind: str = ""
    curves: Curves | None = None
    randomised: Randomised | None = None
    stability: Stability | None = None
    completeness: Completeness | None = None


def examine(
    subject: Subject,
    method: Method,
    attributed: Attributed,
    config: ExplainConfig,
    *,
    measure: Measure | None = None,
) -> Checked:
    """Return the checks of a method on one fold.

    Args:
        subject: networks and records.
        method: is run again on `config.checked` of the records.
        attributed: what it said of all of them.
        config: how much is tried.
        measure: what else is asked of the attributions by drawn networks.
    """
    grouped = preferred(attributed.grouped)
    found = Checked(
        method=method.NAME,
        title=method.TITLE,
        completeness=complete.completeness(subject, attributed),
    )
    if grouped is None:
        return found
    index = drawn(len(subject), config)
    return replace(
        found,
        kind=grouped.kind,
        curves=deletion.curves(subject, index, grouped, config),
        randomised=randomisation.randomised(
            subject, index, method=method, grouped=grouped, config=config, measure=measure
        ),
        stability=stability.stability(
            subject, index, method=method, grouped=grouped, config=config
        ),
    )


def drawn(records: int, config: ExplainConfig) -> npt.NDArray[np.int64]:
    """Return which of the records are tried, in their order."""
    generator = np.random.default_rng(config.seed)
    size = min(config.checked, records)
    return np.sort(generator.choice(records, size=size, replace=False)).astype(np.int64)


def passes(subject: Subject, own: float, config: ExplainConfig) -> float:
    """Return what the checks of one method cost, in forward passes of one network.

    Args:
        subject: says how many networks and records there are.
        own: `Method.passes`, of one record.
        config: how much is tried.
    """
    records, networks = min(config.checked, len(subject)), len(subject.target.models)
    walked = (config.orders + 2) * (STEPS - 1) + 2
    noisy = config.noisy if stability.shaken(subject) else 0
    return records * (networks * (walked + noisy * own) + config.randomised * own)


def joined(found: Sequence[Checked]) -> Checked:
    """Return one method's checks of several folds as one.

    A fold whose table keeps a single column has no two groups, and so no kind of them.

    Raises:
        CardioError: of different methods or kinds of groups.
    """
    names = {each.method for each in found}
    if len(names) != 1:
        raise CardioError(f"checks of {len(names)} methods cannot be joined; join one at a time")
    kinds = sorted({each.kind for each in found} - {""})
    if len(kinds) > 1:
        raise CardioError(
            f"checks of the method '{found[0].method}' by {' and by '.join(kinds)} cannot be "
            "joined; explain the folds one at a time"
        )
    return Checked(
        method=found[0].method,
        title=found[0].title,
        kind=kinds[0] if kinds else "",
        curves=_joined(deletion.pooled, [each.curves for each in found]),
        randomised=_joined(randomisation.pooled, [each.randomised for each in found]),
        stability=_joined(stability.pooled, [each.stability for each in found]),
        completeness=_joined(complete.pooled, [each.completeness for each in found]),
    )


def _joined(pooled: Callable[[Sequence[T]], T], parts: Sequence[T | None]) -> T | None:
    there = [each for each in parts if each is not None]
    return pooled(there) if there else None
