"""The surveillance part is read as a hospital's manifest with truths, notes and serial echoes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from components.core.config.base import validate
from components.ingest.records import Note, Record
from components.ingest.sources import synthetic
from components.ingest.sources.measurements import Measurement

pytestmark = pytest.mark.usefixtures("data_folder")


def options(**own: object) -> synthetic.Options:
    return validate(synthetic.Options, {"patients": 40, **own}, "here")


def test_records_carry_truths_and_times() -> None:
    asked = options(part="surveillance")
    records = list(synthetic.read(Path(), asked))
    table = pd.read_csv(synthetic.files(asked) / "manifest.csv", dtype=str, keep_default_na=False)
    assert len(records) == len(table)
    assert synthetic.targets(Path(), asked) == synthetic.TARGETS
    for record, (_, row) in zip(records, table.iterrows(), strict=True):
        assert isinstance(record, Record)
        assert set(record.targets) == set(synthetic.TARGETS)
        assert set(record.tabular) == set(synthetic.features(Path(), asked))
        assert record.targets["quality"] == row.quality
        assert record.targets["lvef"] == (float(row.lvef) if row.lvef else None)
        assert (record.echo_time is None) == (row.echo_time == "")
        assert record.period == row.anchor_year_group
        assert record.prevalent == int(row.prevalent)
        assert record.label is None


def test_notes_and_measurements_are_read_whole() -> None:
    asked = options(part="surveillance")
    counts = json.loads((synthetic.files(asked) / "truth.json").read_text())["counts"]
    notes = list(synthetic.notes(Path(), asked) or ())
    assert len(notes) == counts["notes"]
    assert all(isinstance(note, Note) for note in notes)
    serial = list(synthetic.measurements(Path(), asked) or ())
    assert serial
    assert all(isinstance(each, Measurement) and each.name == "lvef" for each in serial)


def test_the_therapy_part_has_neither_notes_nor_targets() -> None:
    asked = options(patients=3)
    assert synthetic.notes(Path(), asked) is None
    assert synthetic.targets(Path(), asked) == {}
