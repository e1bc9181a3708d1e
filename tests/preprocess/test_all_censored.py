"""A cohort in which nobody was followed for long enough, through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from components.core.store import Stage
from components.ingest.records import Endpoint
from components.preprocess.cli import main
from tests.chain import task_config
from tests.endpoint_cohort import HEADS, LABEL, ingested_records, record

pytestmark = pytest.mark.usefixtures("workspace")
TIMES = {"definition": "death", "prediction_time": "day 0"} | LABEL
LOST = {"relapse": Endpoint(followup_days=399)}


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., Result]:
    def run(source: Stage, **sections: Any) -> Result:
        task = task_config(
            label=TIMES, preprocess={"modalities": ["tabular"], "workers": 1}, **sections
        )
        file = tmp_path / "task.yaml"
        file.write_text(task.to_yaml())
        return CliRunner().invoke(main, ["--config", str(file), "--ingest-run", str(source.folder)])

    return run


def cohort(folder: Path, **more: Any) -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        return ingested_records([record(i, **more) for i in range(40)], folder, patch)


def errors(done: Result) -> str:
    """Return what was said on the terminal beside progress: one sentence and no traceback."""
    return "\n".join(
        line
        for line in done.stderr.strip().splitlines()
        if not line.startswith(("follow-up", "20"))
    ).strip()


@pytest.mark.parametrize("heads", [None, {"death": HEADS["death"]}], ids=["label", "head"])
def test_of_the_label(tmp_path: Path, told: Callable[..., Result], heads: Any) -> None:
    source = cohort(tmp_path, followup_days=999.0)
    done = told(source, **({"heads": heads} if heads else {}))
    assert done.exit_code == 2
    assert errors(done) == (
        "error: all of 40 records with times were followed for less than 1000 days without the "
        "event, so that no label is known; lower label.horizon_days, or bring longer follow-up"
    )


def test_of_an_endpoint_beside_it(tmp_path: Path, told: Callable[..., Result]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        records = [
            record(i, event_time_days=100.0 if i % 2 else None, endpoints=LOST) for i in range(40)
        ]
        source = ingested_records(records, tmp_path, patch)
    model = {"name": "trunk", "hidden_size": 8, "tabular_hidden": 8, "head_hidden": 8}
    done = told(source, heads=HEADS, model=model)
    assert done.exit_code == 2
    assert errors(done) == (
        "error: the head 'relapse' cannot learn: none of 40 records has the event of the endpoint "
        "'relapse' (40 have some follow-up); bring event times, or leave the head out"
    )
