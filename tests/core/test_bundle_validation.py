"""The distribution of validation risks: every record is counted once, and nobody is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.core.bundle_files import MANIFEST, read_facts
from components.core.bundle_validation import EDGES, ValidationRisks, validation_risks
from components.core.errors import InputError
from tests.bundles import write_toy_bundle

IDS = np.array(["p1", "p2", "p2", "p3", "p4"], dtype=object)


def drawn(records: int = 40) -> ValidationRisks:
    rng = np.random.default_rng(0)
    ids = np.array([f"p{i // 2}" for i in range(records)], dtype=object)
    return validation_risks(rng.uniform(size=records), rng.integers(0, 2, records), ids)


def test_records_fall_into_the_bin_of_their_risk() -> None:
    found = validation_risks([0.0, 0.02, 0.0399, 0.5, 1.0], [0, 0, 1, 1, 1], IDS)
    assert (len(found.edges), found.edges[0], found.edges[3], found.edges[-1]) == (51, 0, 0.06, 1)
    assert {i: n for i, n in enumerate(found.event) if n} == {1: 1, 25: 1, 49: 1}
    assert {i: n for i, n in enumerate(found.no_event) if n} == {0: 1, 1: 1}
    assert (found.records, found.patients) == (5, 4)


def test_records_of_unknown_outcome_are_left_out_with_their_patients() -> None:
    found = validation_risks([0.1, 0.3, 0.3, 0.5, 0.9], [0, 1, np.nan, 1, np.nan], IDS)
    assert (found.records, found.patients) == (3, 3)
    assert (sum(found.event), sum(found.no_event)) == (2, 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_every_record_is_counted_once_by_its_outcome(rows: list[tuple[float, float]]) -> None:
    risk, label = (list(each) for each in zip(*rows, strict=True))
    found = validation_risks(risk, label, np.arange(len(rows)).astype(object))
    assert sum(found.event) == sum(label)
    assert sum(found.event) + sum(found.no_event) == found.records == len(rows)
    below = sum(n for low, n in zip(EDGES, found.event, strict=False) if low < 0.5)
    assert below == sum(r < 0.5 for r, y in rows if y == 1)


@pytest.mark.parametrize(
    ("risk", "label", "ids", "message"),
    [
        ([0.1, 0.2], [0, 1], IDS, r"patient's id has 5 rows where 2 are needed; align the arrays"),
        ([0.1], [0, 1], IDS[:2], r"probability has 1 rows where 2 are needed; align the arrays"),
        ([0.1, 1.2], [0, 1], IDS[:2], r"probability is 1\.2, outside \[0, 1\], in 1 rows"),
        ([0.1, np.nan], [0, 1], IDS[:2], "probability is nan in row 1"),
        ([0.1, 0.2], [0, 2], IDS[:2], "label holds 2 in 1 of 2 rows"),
        ([0.1, 0.2], [np.nan, np.nan], IDS[:2], "given no rows; hand in at least one"),
    ],
)
def test_arrays_that_cannot_be_counted_are_refused(
    risk: list[float], label: list[float], ids: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        validation_risks(risk, label, ids)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"edges": EDGES[:-1]}, "edges has 50 numbers, not 51"),
        ({"edges": (*EDGES[:-1], 2.0)}, "edges does not ascend from 0 to 1"),
        ({"edges": (0.0, 0.0, *EDGES[2:])}, "edges does not ascend from 0 to 1"),
        ({"event": (1, 2)}, "event has 2 counts, not one for each of 50"),
        ({"no_event": (0,) * 51}, "no_event has 51 counts"),
        ({"no_event": (-1, *(0,) * 49)}, "no_event holds -1, which is no count"),
        ({"event": (0,) * 50}, "the bins hold .* records together, and records says otherwise"),
        ({"patients": 41}, "patients is 41, more than the 40 records"),
    ],
)
def test_what_is_no_distribution_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ValidationRisks.model_validate({**drawn().model_dump(), **changed})


def test_it_goes_with_a_bundle_as_counts_alone(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path, members=1)
    facts = read_facts(bundle)
    own = facts.model_copy(update={"validation": drawn(), "sealed": False})
    (bundle / MANIFEST).write_text(own.model_dump_json(), encoding="utf-8")
    assert read_facts(bundle).validation == drawn()
    kept: dict[str, Any] = json.loads((bundle / MANIFEST).read_text())["validation"]
    assert set(kept) == {"edges", "event", "no_event", "records", "patients"}
    assert {type(n) for name in ("event", "no_event") for n in kept[name]} == {int}


def test_a_bundle_from_before_has_none(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path, members=1)
    plain = json.loads((bundle / MANIFEST).read_text())
    del plain["validation"]
    (bundle / MANIFEST).write_text(json.dumps(plain | {"sealed": False}), encoding="utf-8")
    assert read_facts(bundle).validation is None
