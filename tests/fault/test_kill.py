"""`kill -9` of a stage: nothing finished is lost, nothing half-written is read."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch

from components.core.store import STAGE_FILE
from components.ingest import run as ingest_run
from tests.chain import (
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_ecg_cohort,
)
from tests.fault import slow
from tests.fault.conftest import Kill, files_of, only_the_stage, places_of

Use = Callable[[str], Path]
# The last two chunks of eight are still to come when the first part is seen.
PATIENTS = 40


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ingest_run, "CHUNK", slow.CHUNK)
    (tmp_path / "raw").mkdir()
    write_ecg_cohort(tmp_path / "raw", patients=PATIENTS)
    return tmp_path / "raw"


def temporary(data: Path, component: str) -> Path:
    """Return the folder that a killed stage left behind."""
    (folder,) = (data / component).glob(".tmp-*")
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_ingest_goes_on(raw: Path, use: Use, killed: Kill, workers: int) -> None:
    config = ingest_config("manifest", raw, workers=workers)
    use("whole")
    whole = ingested(config)
    data = use("cut")
    left = killed(
        "ingest",
        {"path": str(raw), "workers": workers},
        lambda: bool(list(data.glob("ingest/.tmp-*/parts/0000?.parquet"))),
    )
    assert not list(data.glob(f"ingest/*/{STAGE_FILE}"))
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not alive  # no worker outlives its parent
    folder = temporary(data, "ingest")
    finished = {f"{p.name[:5]}.h5" for p in folder.glob("parts/?????.parquet")}
    assert 0 < len(finished) < 8
    before = {n: p for n, p in places_of(folder / "shards").items() if n in finished}
    again = ingested(config)
    after = places_of(again.folder / "shards")
    assert {name: after[name] for name in finished} == before  # not written a second time
    assert files_of(again) == files_of(whole)
    assert only_the_stage(again)


def test_a_killed_preprocess_goes_on(raw: Path, use: Use, killed: Kill) -> None:
    config = ingest_config("manifest", raw)
    use("whole")
    whole = prepared(ingested(config), split={"method": "holdout"})
    data = use("cut")
    source = ingested(config)
    killed(
        "preprocess",
        {"source": str(source.folder), "workers": 1},
        lambda: bool(list(data.glob("preprocess/.tmp-*/parts/00001.parquet"))),
    )
    assert not list(data.glob(f"preprocess/*/{STAGE_FILE}"))
    folder = temporary(data, "preprocess")
    before = places_of(folder / "shards")
    assert 2 <= len(before) < 8
    again = prepared(source, split={"method": "holdout"})
    after = places_of(again.folder / "shards")
    assert {name: after[name] for name in ("00000.h5", "00001.h5")} == {
        name: before[name] for name in ("00000.h5", "00001.h5")
    }
    assert files_of(again) == files_of(whole)
    assert only_the_stage(again)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_training_goes_on_with_the_same_losses_to_the_bit(
    raw: Path, use: Use, killed: Kill, by: signal.Signals
) -> None:
    use("data")
    audit = audited(prepared(ingested(ingest_config("manifest", raw)), split={"method": "holdout"}))
    plain = {
        "model": {"name": "ecg", "width": 4, "depth": 1, "dropout": 0.2},
        "fit": {
            "epochs": 6, "batch": 8, "patience": 6, "lr": 0.01, "device": "cpu",
            "precision": "fp32", "aug": ["noise", "scale", "shift", "leads"],
        },
    }  # fmt: skip
    task = task_config(**plain)
    use("whole")
    whole = trained(audit, task)
    data = use("cut")

    def third_epoch_is_saved() -> bool:
        found = list(data.glob("train/.tmp-*/members/holdout/seed0/last.ckpt"))
        return bool(found) and int(torch.load(found[0], weights_only=True)["epoch"]) >= 2

    killed("train", {"audit": str(audit.folder), "task": plain}, third_epoch_is_saved, by)
    told: list[int] = []
    again = trained(audit, task, lambda member, epoch, figures: told.append(epoch))
    assert told[0] >= 3  # the epochs before were not trained again
    assert told[-1] == 5
    members = [stage.folder / "members" / "holdout" / "seed0" for stage in (whole, again)]
    histories = [pd.read_parquet(m / "history.parquet").drop(columns="seconds") for m in members]
    assert len(histories[0]) == 6
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    for name in ("best.safetensors", "val_predictions.parquet", "fit.json"):
        assert (members[0] / name).read_bytes() == (members[1] / name).read_bytes()
