"""Notes that state the ejection fraction are refused where something learns from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.audit.run import REPORT
from components.core.errors import RefusedError
from components.core.store import Stage
from components.train.run import prepared_cohort
from tests.chain import LABEL, audited, ingest_config, ingested, prepared, write_table

HEADS = {"lvef": {"kind": "binary", "target": "lvef", "below": 50}}
LABELLED = {"name": "lvef", "derive": "head"}


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def cohort(raw: Path, *, mask: bool, heads: dict[str, Any] | None = None) -> Stage:
    """Return 48 patients whose notes give their LVEF in figures, which one phrase stands for."""
    rows = [
        {"patient_id": f"p{i:02d}", "split": ("train", "val", "test")[i % 3], "x": i * 37 % 11,
         "label": i // 3 % 2, "lvef": 40 + 20 * (i // 3 % 2), "risk": ("low", "high")[i // 3 % 2],
         "note": f"Dyspnoea. EF {40 + 20 * (i // 3 % 2)} %. Seen on ward {'abc'[i // 3 % 3] * 3}."}
        for i in range(48)
    ]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    options = {"tabular": {"x": "numeric"}, "note_column": "note",
               "targets": {"lvef": "numeric", "risk": "categorical"}}  # fmt: skip
    return prepared(
        ingested(ingest_config("manifest", raw, options)),
        label=LABELLED if heads is None else None, heads=HEADS if heads is None else heads,
        modalities=("tabular", "text"), notes={"mask": mask}, text={"min_documents": 1},
    )  # fmt: skip


def finding(stage: Stage, name: str = "lvef_in_text") -> dict[str, Any]:
    rows = json.loads((stage.folder / REPORT).read_text())
    return next(row for row in rows if row["check"] == name)


def test_unmasked_mentions_are_refused_and_counted(raw: Path) -> None:
    stage = audited(cohort(raw, mask=False), label=LABELLED)
    found = finding(stage)
    assert found["status"] == "refused"
    assert found["evidence"]["mentions"] == found["evidence"]["records"] == 48
    assert found["evidence"]["rows"][:2] == [2, 3]
    assert found["sentence"].startswith("the notes of 48 records (100%) mention the ejection frac")
    assert "40" not in found["sentence"].replace("48", "")
    # What the check is there for: the phrases alone do not tell.
    assert finding(stage, "label_in_text")["status"] == "ok"
    with pytest.raises(RefusedError, match="lvef_in_text"):
        prepared_cohort(stage)


def test_with_masking_none_is_left(raw: Path) -> None:
    found = finding(audited(cohort(raw, mask=True), label=LABELLED))
    assert (found["status"], found["evidence"]["mentions"]) == ("ok", 0)
    assert found["sentence"] == "no note mentions the ejection fraction"


def test_a_waiver_is_kept_with_its_reason(raw: Path) -> None:
    reason = "the value is what the ward knows when it asks"
    stage = audited(cohort(raw, mask=False), label=LABELLED, waive={"lvef_in_text": reason})
    assert finding(stage)["status"] == "waived"
    assert stage.facts["waivers"] == {"lvef_in_text": reason}


def test_tasks_that_do_not_learn_from_it_may_read_it(raw: Path) -> None:
    heads = {"toy": {"kind": "binary"},
             "risk": {"kind": "classes", "target": "risk", "classes": ("low", "high")}}  # fmt: skip
    stage = cohort(raw, mask=False, heads=heads)
    found = finding(audited(stage, label=LABEL))
    assert (found["status"], found["sentence"]) == (
        "ok", "nothing in the task learns from the LVEF",
    )  # fmt: skip
    derived = audited(stage, label={"derive": "ctrcd", "horizon_days": 365})
    assert finding(derived)["status"] == "refused"
