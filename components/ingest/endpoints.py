"""Outcomes of endpoints beside the label's, as cells of the manifest."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from components.core.errors import RecordError
from components.core.schemas import TIMES, of_endpoint
from components.ingest.records import Endpoint, Record


def endpoint_cells(record: Record) -> dict[str, float | None]:
    """Return column → days of every endpoint that the record names.

    Raises:
        RecordError: a time before the index date (`event_before_index`), an event after death
            (`event_after_death`) or after the last contact (`event_after_followup`).
    """
    found: dict[str, float | None] = {}
    for name, own in record.endpoints.items():
        _check(name, own)
        found |= {of_endpoint(time, name): getattr(own, time) for time in TIMES}
    return found


def endpoint_fields(columns: Iterable[str]) -> list[pa.Field]:
    """Return the fields of those of a chunk's columns that are times of an endpoint."""
    return [
        pa.field(column, pa.float64())
        for column in sorted(set(columns))
        if "." in column and column.partition(".")[0] in TIMES
    ]


def _check(name: str, own: Endpoint) -> None:
    for time in TIMES:
        days = getattr(own, time)
        if days is not None and days < 0:
            raise RecordError(
                "event_before_index",
                f"the time '{time}' of the endpoint '{name}' lies before the index date",
                field=of_endpoint(time, name),
                value=f"{days:g}",
                advice="correct the day, or leave the time empty",
            )
    if own.event_time_days is None:
        return
    ends = (
        ("event_after_death", "death", "death_days"),
        ("event_after_followup", "the last contact", "followup_days"),
    )
    for code, what, time in ends:
        last = getattr(own, time)
        if last is not None and own.event_time_days > last:
            raise RecordError(
                code,
                f"the event of the endpoint '{name}' is dated after {what}",
                field=of_endpoint("event_time_days", name),
                value=f"{own.event_time_days:g}",
                advice="correct either of the days",
            )
