"""Which binary heads answer of an event by a day, the label's own among them."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.config.heads import BinaryHead, HeadMap, SurvivalHead
from components.core.config.task import TaskConfig
from components.core.metrics.interval import Interval
from components.core.schemas import OUTCOME_COLUMNS, of_endpoint
from components.evaluate.heads.tables import key


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A binary head that answers of an event by a day.

    Attributes:
        name: of the head.
        endpoint: whose times; "" is the label's own.
        horizon_days: the day.
        primary: whether it is the task's first head, whose figures are the headline.
    """

    name: str
    endpoint: str
    horizon_days: float
    primary: bool

    @property
    def time(self) -> str:
        """Return the column of its times."""
        return of_endpoint(OUTCOME_COLUMNS[0], self.endpoint)

    @property
    def code(self) -> str:
        """Return the column of its event codes."""
        return of_endpoint(OUTCOME_COLUMNS[1], self.endpoint)


def outlooks(task: TaskConfig) -> list[Outlook]:
    """Return the binary heads with a horizon, the primary one first."""
    found: list[Outlook] = []
    for place, (name, head) in enumerate(task.all_heads().items()):
        if not isinstance(head, BinaryHead) or head.target:
            continue
        if place and not head.endpoint:
            continue  # the label's own view beside another primary head: the table of heads has it
        day = head.horizon_days if head.endpoint else task.label.horizon_days
        if day is not None:
            found.append(
                Outlook(name=name, endpoint=head.endpoint, horizon_days=day, primary=place == 0)
            )
    return found


def has_endpoints(heads: HeadMap) -> bool:
    """Return whether some head answers of another endpoint than the label's."""
    return any(
        isinstance(head, BinaryHead | SurvivalHead) and head.endpoint for head in heads.values()
    )


def tracked(outlook: Outlook, figures: dict[str, Interval]) -> dict[str, Interval]:
    """Return the figures under the names that the tracking store has for the head's."""
    return {key(outlook.name, name): interval for name, interval in figures.items()}
