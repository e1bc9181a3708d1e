"""How a hospital's own tables of stays and events are written."""

from __future__ import annotations

from pydantic import Field, model_validator

from components.core import cells
from components.core.config.base import Frozen


class Options(Frozen):
    """Which files lie in the folder, and what their columns are called.

    Attributes:
        stays: table with a row per stay, CSV (`.csv`, `.csv.gz`) or Parquet.
        events: table with a row per event; empty where the rows of stays hold their events as
            lists (Parquet), or as JSON lists (CSV), in order of time or not.
        stay_id: column of both tables.
        patient_id: column of the stays; where the events have it, too, it must agree.
        prediction_time: column of the stays.
        label: column of the stays with 0, 1 or nothing; empty for stays to be scored.
        event_time: column of the events.
        event_type: column of the events: prescription, procedure, lab, microbiology, ingredient.
        event_text: column of the events.
        known_time: column of the events; empty: known when they happened, on a bare date at its
            end. Where it is empty in a row, the same is true.
        tabular: static column of the stays → `numeric` or `categorical`.
        site: column of the stays, or empty.
        period: column of the stays, or empty.
        split: column of the stays with train, val or test, or empty.
        stay_end: column of the stays: when the stay ended, for the audit alone; or empty.
        admission_end: likewise, when the patient left the hospital or died there; or empty.
        dates_shifted: the source shifts its dates, so that they may lie in the future.
        max_bad_rows: highest share of rows of events that cannot be used.
        memory_gb: that DuckDB takes at most; what does not fit is sorted on disk.
    """

    stays: str = Field(default="stays.csv", min_length=1)
    events: str = "events.csv"
    stay_id: str = Field(default="stay_id", min_length=1)
    patient_id: str = Field(default="patient_id", min_length=1)
    prediction_time: str = Field(default="prediction_time", min_length=1)
    label: str = "label"
    event_time: str = Field(default="event_time", min_length=1)
    event_type: str = Field(default="event_type", min_length=1)
    event_text: str = Field(default="event_text", min_length=1)
    known_time: str = ""
    tabular: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])
    site: str = ""
    period: str = ""
    split: str = ""
    stay_end: str = ""
    admission_end: str = ""
    dates_shifted: bool = False
    max_bad_rows: float = Field(default=0.05, ge=0, le=1)
    memory_gb: float = Field(default=4, gt=0)

    @model_validator(mode="after")
    def _columns_differ(self) -> Options:
        lists = [self.event_time, self.event_type, self.event_text, self.known_time]
        named = [name for name in (self.stay_id, *lists) if name]
        if len(set(named)) < len(named):
            raise ValueError("stay_id, event_time, event_type, event_text and known_time must be "
                             "different columns")  # fmt: skip
        return self

    def of_stays(self) -> list[str]:
        """Return the columns of the stays that are read, without their events."""
        named = (self.stay_id, self.patient_id, self.prediction_time, self.label, self.site,
                 self.period, self.split, self.stay_end, self.admission_end,
                 *self.tabular)  # fmt: skip
        return list(dict.fromkeys(name for name in named if name))

    def of_events(self) -> list[str]:
        """Return the columns that say of each event what it was."""
        named = (self.event_time, self.event_type, self.event_text, self.known_time)
        return [name for name in named if name]
