"""Each check, when all is well and when something is to be mended."""

from __future__ import annotations

import importlib
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from components.core.errors import StorageError
from components.doctor import cli, run


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # wfdb, when it is first imported
def test_here_all_is_well_but_perhaps_the_disk(workspace: Any) -> None:
    results = {r.name: r for r in run.diagnose()}
    assert list(results) == [
        "python", "pinned versions", "imports", "device", "tracking store", "data folder",
        "model hub",
    ]  # fmt: skip
    bad = {name: r for name, r in results.items() if not r.ok}
    assert not bad.keys() - {"data folder"}, bad
    assert all(r.found and bool(r.fix) != r.ok for r in results.values())


def test_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PYTHON", (3, 99))
    found = run.python()
    assert (found.ok, found.fix) == (False, "run `make setup` with Python 3.11")


def test_another_version_than_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run.library_versions

    def changed(names: tuple[str, ...]) -> dict[str, str]:
        return plain(names) | dict.fromkeys(names[:6], "0.0.1")

    monkeypatch.setattr(run, "library_versions", changed)
    found = run.pins()
    assert not found.ok
    assert "0.0.1 (pinned " in found.found
    assert found.found.endswith("and 2 more")
    assert found.fix == "run `make setup`"


def test_a_library_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = importlib.import_module

    def without_wfdb(name: str, package: str | None = None) -> Any:
        if name == "wfdb":
            raise ImportError(name)
        return plain(name, package)

    monkeypatch.setattr(run.importlib, "import_module", without_wfdb)
    found = run.imports()
    assert (found.ok, found.found, found.fix) == (False, "wfdb (ImportError)", "run `make setup`")


def test_the_tracking_store(monkeypatch: pytest.MonkeyPatch, workspace: Any) -> None:
    assert run.tracking().found == f"sqlite:///{workspace.folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://u:secret@h/db")

    def down() -> None:
        raise StorageError("the tracking store does not answer; start it")

    monkeypatch.setattr(run.runs, "connect", down)
    found = run.tracking()
    assert (found.ok, found.found) == (False, "h/db")
    assert found.fix.endswith("start it")


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 2_900_000_000))
    found = run.disk()
    assert not found.ok
    assert found.fix == "free at least 3 GB or set CARDIO_DATA"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 3_100_000_000))
    assert run.disk().ok


def test_a_data_folder_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    data_folder.write_text("a file stands in the way")
    found = run.disk()
    assert (found.ok, found.fix) == (False, "set CARDIO_DATA")
    data_folder.unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert run.disk().fix == "set CARDIO_DATA to a folder that is"


def test_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run.hub().found == "off (HF_HUB_OFFLINE=1)"
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert "only if a task names" in run.hub().found


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, 2)])
def test_the_table_and_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, ok: bool, status: int
) -> None:
    monkeypatch.setattr(
        run, "diagnose", lambda: [run.Result("disk", ok, "12 GB", "" if ok else "free some")]
    )
    done = CliRunner().invoke(cli.main, [])
    assert done.exit_code == status
    assert "12 GB" in done.stdout
    assert ("free some" in done.stdout) != ok
