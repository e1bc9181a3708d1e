"""Stage folders: what enters a fingerprint, and that a stage is whole or not there."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from components.core import files, store
from components.core.errors import InputError
from components.core.locks import locked
from components.core.store import Workspace, build, fingerprint, read_stage, verify

PARTS: dict[str, Any] = {
    "config": {"a": 1, "b": [1, 2]},
    "inputs": {"raw": "x"},
    "libraries": {"numpy": "2.4.6"},
    "source": "s",
}


def fill(work: Workspace) -> None:
    work.path("manifest.parquet").write_bytes(b"rows")
    work.path("shards", "00000.h5").write_bytes(b"signals")
    work.counts["records"] = 2
    work.facts["kept"] = "yes"


def made(**over: Any) -> store.Stage:
    stage, _ = build("ingest", "f" * 32, config={"x": 1}, inputs={"raw": "r"}, compute=fill, **over)
    return stage


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("config", {"a": 1, "b": [2, 1]}),
        ("config", {"a": "1", "b": [1, 2]}),
        ("inputs", {"raw": "y"}),
        ("inputs", {"ingest": "x"}),
        ("libraries", {"numpy": "2.4.7"}),
        ("libraries", {"numpy": "2.4.6", "device": "cuda"}),
        ("source", "t"),
    ],
)
def test_fingerprint_changes_with_each_part(part: str, value: object) -> None:
    assert fingerprint("ingest", **{**PARTS, part: value}) != fingerprint("ingest", **PARTS)


def test_fingerprint_changes_with_component_and_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint("ingest", **PARTS)
    assert fingerprint("train", **PARTS) != before
    monkeypatch.setattr(store, "SCHEMA_VERSION", store.SCHEMA_VERSION + 1)
    assert fingerprint("ingest", **PARTS) != before


def test_fingerprint_ignores_the_order_of_keys() -> None:
    turned = {**PARTS, "config": {"b": [1, 2], "a": 1}}
    assert fingerprint("ingest", **turned) == fingerprint("ingest", **PARTS)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package tree that `source_hash` reads."""
    package = tmp_path / "components"
    for name in ("core/store.py", "ingest/run.py", "ingest/sources/query.sql", "train/fit.py"):
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n")
    monkeypatch.setattr(store, "__file__", str(package / "core" / "store.py"))
    return package


@pytest.mark.parametrize("name", ["core/store.py", "ingest/run.py", "ingest/sources/query.sql"])
def test_source_hash_sees_component_and_core(sources: Path, name: str) -> None:
    before = store.source_hash("ingest")
    (sources / name).write_text("# other\n")
    assert store.source_hash("ingest") != before


def test_source_hash_sees_a_new_and_a_renamed_file(sources: Path) -> None:
    first = store.source_hash("ingest")
    (sources / "ingest" / "new.py").write_text("")
    second = store.source_hash("ingest")
    (sources / "ingest" / "new.py").rename(sources / "ingest" / "newer.py")
    assert len({first, second, store.source_hash("ingest")}) == 3


def test_source_hash_sees_nothing_else(sources: Path) -> None:
    before = store.source_hash("ingest")
    (sources / "train" / "fit.py").write_text("# other component\n")
    (sources / "ingest" / "README.md").write_text("words")
    cache = sources / "ingest" / "__pycache__"
    cache.mkdir()
    (cache / "run.cpython-311.pyc").write_bytes(b"bytes")
    (sources / "core" / "store.py").touch()
    assert store.source_hash("ingest") == before


def test_build_writes_every_file_and_says_what_it_holds(data_folder: Path) -> None:
    stage = made()
    assert stage.folder == data_folder / "ingest" / ("f" * 32)
    assert (stage.component, stage.fingerprint) == ("ingest", "f" * 32)
    assert (stage.config, stage.inputs) == ({"x": 1}, {"raw": "r"})
    assert (stage.counts, stage.facts) == ({"records": 2}, {"kept": "yes"})
    body = json.loads((stage.folder / "stage.json").read_text())
    assert sorted(body["files"]) == ["manifest.parquet", "shards/00000.h5"]
    assert body["files"]["manifest.parquet"]["bytes"] == 4
    assert not list(data_folder.rglob(".tmp-*"))
    assert not list(data_folder.rglob(".*.lock"))


def test_stage_file_is_written_last_and_the_folder_renamed_after(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    final = data_folder / "ingest" / ("f" * 32)

    def watch(file: Path) -> None:
        assert not final.exists()
        flushed.append(file.name)

    monkeypatch.setattr(store, "flush", watch)
    made()
    assert flushed == ["manifest.parquet", "00000.h5", "stage.json"]
    assert final.is_dir()


def test_many_files_are_flushed_by_one_sync(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(store, "_MANY_FILES", 1)
    monkeypatch.setattr(store.os, "sync", lambda: calls.append("sync"))
    monkeypatch.setattr(store, "flush", lambda file: calls.append(file.name))
    made()
    assert calls == ["sync", "stage.json"]


def test_a_finished_stage_is_found_not_computed(data_folder: Path) -> None:
    made()
    stage, computed = build(
        "ingest", "f" * 32, config={}, inputs={}, compute=lambda work: pytest.fail("computed again")
    )
    assert not computed
    assert stage.counts == {"records": 2}


def test_whoever_comes_second_is_told_once_and_waits(data_folder: Path) -> None:
    told: list[str] = []
    inside = threading.Event()

    def second() -> None:
        with locked(data_folder / ".turn.lock", told.append):
            inside.set()

    with store.exclusive("turn"):
        other = threading.Thread(target=second)
        other.start()
        assert not inside.wait(0.1)
    other.join(timeout=10)
    assert inside.is_set()
    assert told == ["another process computes this stage; waiting for it to finish"]
    assert list(data_folder.iterdir()) == []


def test_a_failed_compute_leaves_its_folder_and_no_stage(data_folder: Path) -> None:
    def fail(work: Workspace) -> None:
        work.path("part").write_text("done")
        raise ValueError("the middle of the work")

    with pytest.raises(ValueError, match="the middle of the work"):
        build("ingest", "f" * 32, config={}, inputs={}, compute=fail)
    assert not (data_folder / "ingest" / ("f" * 32)).exists()
    assert (data_folder / "ingest" / f".tmp-{'f' * 32}" / "part").read_text() == "done"


def test_half_written_parts_of_a_killed_process_are_dropped(data_folder: Path) -> None:
    left = data_folder / "ingest" / f".tmp-{'f' * 32}"
    left.mkdir(parents=True)
    (left / ".manifest.parquet.123.part").write_bytes(b"ro")
    names = {p.name for p in made().folder.rglob("*")}
    assert names == {"manifest.parquet", "shards", "00000.h5", "stage.json"}


def test_a_folder_without_stage_file_is_replaced(data_folder: Path) -> None:
    broken = data_folder / "ingest" / ("f" * 32)
    broken.mkdir(parents=True)
    (broken / "stray").write_text("")
    assert not (made().folder / "stray").exists()


def test_input_folder_lies_beside(data_folder: Path) -> None:
    stage, _ = build("train", "a" * 32, config={}, inputs={"audit": "b" * 32}, compute=fill)
    assert stage.input_folder("audit") == data_folder / "audit" / ("b" * 32)


def test_data_root_is_under_the_project_without_the_variable(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    monkeypatch.delenv("CARDIO_DATA", raising=False)
    assert store.data_root() == root / "data"


def test_verify_accepts_what_was_written(data_folder: Path) -> None:
    stage = made()
    assert verify(stage) is stage


@pytest.mark.parametrize("content", [b"rowz", b"rows and more"])
def test_verify_names_a_changed_file(data_folder: Path, content: bytes) -> None:
    stage = made()
    (stage.folder / "manifest.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"'manifest.parquet' of stage ingest has changed.*f{32}"):
        verify(stage)


def test_verify_names_a_missing_file(data_folder: Path) -> None:
    stage = made()
    (stage.folder / "shards" / "00000.h5").unlink()
    with pytest.raises(InputError, match=r"'shards/00000.h5' is missing from stage ingest"):
        verify(stage)


def test_another_schema_version_is_refused(data_folder: Path) -> None:
    stage = made()
    file = stage.folder / "stage.json"
    file.write_text(json.dumps({"schema_version": 0}))
    with pytest.raises(InputError, match=r"schema version 0, this software reads 1; run the stage"):
        read_stage(stage.folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"schema_version": 1}', b"\xff\xfe{".decode("latin-1")]
)
def test_a_damaged_stage_file_is_named(data_folder: Path, text: str) -> None:
    stage = made()
    (stage.folder / "stage.json").write_text(text, encoding="latin-1")
    for attempt in (lambda: read_stage(stage.folder), lambda: verify(stage)):
        with pytest.raises(InputError, match=r"stage.json' is damaged; delete that folder"):
            attempt()


def test_a_folder_that_is_no_stage_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a finished stage \(it has no stage.json\)"):
        read_stage(tmp_path)


def test_write_atomic_writes_whole(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "table", lambda p: p.write_text("whole"))
    assert [p.name for p in tmp_path.iterdir()] == ["table"]
    assert (tmp_path / "table").read_text() == "whole"


def test_write_atomic_leaves_the_old_file_and_nothing_else_on_error(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("ha")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        files.write_atomic(tmp_path / "table", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["table"]
    assert (tmp_path / "table").read_text() == "old"


def test_write_atomic_without_its_folder_is_the_writers_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such folder"):
        files.write_atomic(tmp_path / "absent" / "table", _refuse)


def _refuse(partial: Path) -> None:
    raise RuntimeError("no such folder")


def test_copied_stage_still_verifies(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(made().folder, tmp_path / "copy")
    verify(read_stage(tmp_path / "copy"))
