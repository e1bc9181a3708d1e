"""A patient's copies of one content, and labels of theirs that contradict each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.errors import InputError
from components.core.store import Stage
from tests.chain import (
    beats,
    ingest_config,
    ingested,
    manifest_of,
    rejects_of,
    write_table,
    write_wfdb,
)


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def _labelled(raw: Path, labels: list[object], **more: Any) -> Stage:
    """Return the stage of one patient's ECG, once for each label, and of another patient's."""
    same, other = write_wfdb(raw, "a", beats(1)), write_wfdb(raw, "b", beats(2))
    rows = [{"patient_id": "p", "path": same, "label": label} for label in labels]
    write_table(raw / "manifest.csv", [*rows, {"patient_id": "q", "path": other, "label": 0}])
    return ingested(ingest_config("manifest", raw, **more))


def test_copies_whose_labels_disagree_are_all_refused(raw: Path) -> None:
    stage = _labelled(raw, [1, 1, None, 0], max_reject_rate=0.8)
    assert manifest_of(stage)["patient_id"].tolist() == ["q"]
    found = rejects_of(stage)
    assert found["row"].tolist() == [2, 3, 4, 5]
    assert set(found["code"]) == {"contradictory_label"}
    assert set(found["field"]) == {"label"}
    with pytest.raises(InputError, match=r"4 of 5 records were refused \(4 × contradictory_label"):
        _labelled(raw, [1, 1, None, 0], max_reject_rate=0.7)


def test_of_copies_the_first_with_a_label_is_kept(raw: Path) -> None:
    stage = _labelled(raw, [None, 1, 1], max_reject_rate=0)
    assert manifest_of(stage)[["row", "label"]].to_numpy().tolist() == [[3, 1], [5, 0]]
    assert rejects_of(stage)["row"].tolist() == [2, 4]
    assert set(rejects_of(stage)["code"]) == {"exact_duplicate"}
