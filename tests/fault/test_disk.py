"""A full disk and a folder that cannot be written: one sentence, and the work goes on after."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from components.core.errors import StorageError
from components.ingest import run as ingest_run
from components.ingest.cli import main as ingest
from pipelines.cli import main as pipeline
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_ecg_cohort,
    write_tabular_cohort,
    write_task,
)
from tests.fault.conftest import files_of

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    """Mount a small file system of its own as the data folder, or change its options."""
    folder = tmp_path / "data"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    monkeypatch.setenv("CARDIO_DATA", str(folder))
    mounted = False

    def change(options: str) -> Path:
        nonlocal mounted
        both = f"remount,{options}" if mounted else options
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", both, "tmpfs", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        mounted = True
        return folder

    yield change
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ingest_run, "CHUNK", 5)
    (tmp_path / "raw").mkdir()
    write_ecg_cohort(tmp_path / "raw")
    return tmp_path / "raw"


def test_ingest_on_a_full_disk(
    raw: Path, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ingest_config("manifest", raw)
    folder = mount("size=400k")  # the shards come to 640 kB
    with pytest.raises(
        StorageError,
        match=r"the disk is full while writing .*data/ingest; free space and start again",
    ):
        ingested(config)
    (work,) = (folder / "ingest").glob(".tmp-*")
    finished = list(work.glob("parts/?????.parquet"))
    assert 0 < len(finished) < 8
    assert not list(work.rglob(".*.part"))
    mount("size=20m")
    stage = ingested(config)
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "elsewhere"))
    assert files_of(stage) == files_of(ingested(config))


def test_preprocess_on_a_full_disk(
    raw: Path, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "elsewhere"))
    source = ingested(ingest_config("manifest", raw))
    whole = prepared(source, split={"method": "holdout"})
    monkeypatch.setenv("CARDIO_DATA", str(mount("size=400k")))
    with pytest.raises(StorageError, match=r"the disk is full while writing .*data/preprocess"):
        prepared(source, split={"method": "holdout"})
    mount("size=20m")
    again = prepared(source, split={"method": "holdout"})
    assert files_of(again) == files_of(whole)


def test_training_on_a_full_disk(
    mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "elsewhere"))
    source = ingested(ingest_config("table", write_tabular_cohort(tmp_path), TABULAR_OPTIONS))
    stage = audited(prepared(source, split={"method": "holdout"}))
    wide = task_config(model={"name": "tabular", "hidden": 64, "dropout": 0.1})
    monkeypatch.setenv("CARDIO_DATA", str(mount("size=60k")))  # a checkpoint has 80 kB
    with pytest.raises(StorageError, match=r"the disk is full while writing .*data/train"):
        trained(stage, wide)
    mount("size=20m")
    trained(stage, wide)


def test_a_read_only_data_folder(mount: Mount, tmp_path: Path) -> None:
    mount("size=1m,ro")
    path = write_tabular_cohort(tmp_path)
    with pytest.raises(
        StorageError, match="data/ingest is not writable; change its permissions or set CARDIO_DATA"
    ):
        ingested(ingest_config("table", path, TABULAR_OPTIONS))


@pytest.mark.parametrize("command", [ingest, pipeline])
def test_the_command_line_says_it_and_ends_with_status_1(
    command: click.Command, workspace: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without root, too: a file stands where the data folder should be."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("CARDIO_DATA", str(blocked))
    path = write_tabular_cohort(tmp_path)
    options = {"source": "table", "path": str(path), "options": {"table": TABULAR_OPTIONS}}
    done = CliRunner().invoke(command, ["--config", write_task(tmp_path, ingest=options)])
    assert done.exit_code == 1
    assert "is not writable; change its permissions or set CARDIO_DATA" in done.stderr
    assert "fault" not in done.stderr
