"""New stays out of a hospital's own tables of stays and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.bundle_files import BundleFacts
from components.core.config.base import validate
from components.core.config.task import parse_overrides
from components.core.data.raw import raw_digest
from components.core.errors import ConfigError, InputError
from components.core.event_tables.options import Options
from components.core.event_tables.reading import Sequence, count_fates, read_sequences
from components.core.event_tables.rows import check_rows
from components.core.event_tables.stays import RefusedStay, files_of, read_stays
from components.score.records import NewRecord

# Of training alone, or said by the model.
_NOT_ASKED: dict[str, Any] = {"label": "", "site": "", "period": "", "split": ""}


@dataclass(frozen=True, kw_only=True)
class NewStays:
    """Tables of new stays.

    Attributes:
        path: the folder of both tables, or the table of stays.
        options: how they are written.
    """

    path: Path
    options: Options

    def records(self) -> Iterator[NewRecord]:
        """Yield the stays one by one, in the order of their table; a refused row, too."""
        first: dict[str, int] = {}
        for item in read_sequences(self.path, self.options):
            if isinstance(item, RefusedStay):
                yield NewRecord(
                    row=item.row, patient=f"row-{item.row}", cells={}, width=0, refused=item.error
                )
            else:
                yield _record(item, first)

    def count(self) -> int:
        """Return how many rows the table of stays has."""
        stays, _ = files_of(self.path, self.options)
        return sum(1 for _ in read_stays(stays, self.options))

    def counts(self) -> dict[str, float]:
        """Return how many rows of events came to what.

        Raises:
            InputError: too many of them cannot be used.
        """
        _, events = files_of(self.path, self.options)
        found = count_fates(self.path, self.options)
        check_rows(found, self.options.max_bad_rows, events.name)
        return {f"event_rows_{fate}": float(n) for fate, n in sorted(found.items())}

    def digest(self) -> str:
        """Return a hash over the tables."""
        return raw_digest(str(self.path), self.options.model_dump(mode="json"))


def _record(item: Sequence, first: dict[str, int]) -> NewRecord:
    stay = item.stay
    fields = {name: "" if value is None else str(value) for name, value in stay.tabular.items()}
    number = first.setdefault(stay.patient_id, stay.row)
    return NewRecord(
        row=stay.row,
        patient=f"patient-{number}",
        cells={**fields, "patient_id": stay.patient_id},
        width=len({*fields, "patient_id"}),
        events=item.events,
    )


def new_stays(path: str, facts: BundleFacts, overrides: str) -> NewStays:
    """Return the tables at a path, declared as the task's own and as `overrides` says.

    Args:
        path: of the folder of both tables, or of the table of stays.
        facts: of the model, whose clinical fields are columns of the stays.
        overrides: `key=value` pairs, options of the source `event_table`.

    Raises:
        ConfigError: an option that is wrong, or that bears on nothing here.
        InputError: the model takes no event sequences, or a table is missing.
    """
    if facts.events is None:
        raise InputError(
            f"the model of task '{facts.task}' takes no event sequences; give the source of its "
            "own inputs"
        )
    given = dict(parse_overrides(overrides))
    idle = sorted({*given} & {*_NOT_ASKED, "tabular"})
    if idle:
        raise ConfigError(
            f"'set' gives {', '.join(idle)}, which new stays need not have or the model says "
            "itself; leave it out"
        )
    declared = (facts.event_tables or Options()).model_dump(mode="json")
    own = declared | given | _NOT_ASKED | {"tabular": facts.features}
    options = validate(Options, own, "set")
    found = NewStays(path=Path(path).expanduser(), options=options)
    files_of(found.path, options)
    return found
