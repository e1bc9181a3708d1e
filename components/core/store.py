"""Stage folders: fingerprint, atomic write, open-and-verify.

`data/<component>/<fingerprint>/` appears whole or not at all: everything is written in a temporary
folder beside it, flushed, and renamed; `stage.json`, with the hash of every file, is written last.
A killed stage leaves its temporary folder, and the next start of the same fingerprint goes on in
it. One process at a time works on a fingerprint; others wait and then find it finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.core.config.base import digest
from components.core.errors import InputError
from components.core.files import file_hash, flush, flush_folder, storage_errors
from components.core.locks import locked

SCHEMA_VERSION = 1
STAGE_FILE = "stage.json"
# Above this, one sync of the whole disk is quicker than a flush per file.
_MANY_FILES = 200
_BODY = ("component", "fingerprint", "config", "inputs", "counts", "facts", "files")


def data_root() -> Path:
    """Return the folder of all stages: `$CARDIO_DATA`, or `data` under the project."""
    return Path(os.environ.get("CARDIO_DATA", Path(__file__).resolve().parents[2] / "data"))


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A finished stage folder.

    Attributes:
        folder: where it lies.
        component: which component wrote it.
        fingerprint: of everything that determines its content.
        config: the resolved configuration it was made with.
        inputs: upstream component → fingerprint.
        counts: whatever the component counted.
        facts: small results other stages need without opening a table.
    """

    folder: Path
    component: str
    fingerprint: str
    config: dict[str, Any]
    inputs: dict[str, str]
    counts: dict[str, float] = field(default_factory=dict[str, float])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def input_folder(self, component: str) -> Path:
        """Return the folder of the named upstream stage, beside this one."""
        return self.folder.parents[1] / component / self.inputs[component]


@dataclass(kw_only=True)
class Workspace:
    """The temporary folder a stage is built in, and what it will say of itself."""

    folder: Path
    counts: dict[str, float] = field(default_factory=dict[str, float])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def path(self, *parts: str) -> Path:
        """Return a path in the workspace; its parent folder exists afterwards."""
        file = self.folder.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def source_hash(component: str) -> str:
    """Return the sha256 over the source bytes of a component and of core."""
    root = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for name in ("core", component):
        for file in sorted((root / name).rglob("*")):
            if file.suffix in {".py", ".sql", ".j2", ".yaml"}:
                total.update(file.relative_to(root).as_posix().encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def fingerprint(
    component: str,
    *,
    config: dict[str, Any],
    inputs: dict[str, str],
    libraries: dict[str, str],
    source: str | None = None,
) -> str:
    """Return the identity of a stage's result.

    Args:
        component: the entry point.
        config: the resolved configuration that bears on the result.
        inputs: upstream component (or `raw`) → fingerprint (or content hash).
        libraries: name → version of the libraries that compute, and device facts.
        source: hash of the code; computed when None.
    """
    parts = {
        "component": component,
        "config": config,
        "inputs": inputs,
        "libraries": libraries,
        "source": source if source is not None else source_hash(component),
        "schema": SCHEMA_VERSION,
    }
    return digest(parts)[:32]


def build(
    component: str,
    print_: str,
    *,
    config: dict[str, Any],
    inputs: dict[str, str],
    compute: Callable[[Workspace], None],
    waiting: Callable[[str], None] | None = None,
) -> tuple[Stage, bool]:
    """Return the finished stage and whether it was computed now (True) or found (False).

    Args:
        component: the entry point.
        print_: its fingerprint.
        config: written into `stage.json`.
        inputs: written into `stage.json`.
        compute: fills the workspace; called at most once, never beside another process's call.
        waiting: told once when another process is at work on the same fingerprint.

    Raises:
        StorageError: disk full or folder not writable; finished parts are kept.
    """
    parent = data_root() / component
    final = parent / print_
    with storage_errors(f"the stage folder data/{component}"):
        parent.mkdir(parents=True, exist_ok=True)
        if (final / STAGE_FILE).is_file():
            return read_stage(final), False
        with locked(parent / f".{print_}.lock", waiting):
            if (final / STAGE_FILE).is_file():
                return read_stage(final), False
            work = Workspace(folder=parent / f".tmp-{print_}")
            work.folder.mkdir(exist_ok=True)
            compute(work)
            _finish(work, final, component=component, config=config, inputs=inputs)
    return read_stage(final), True


def is_finished(component: str, print_: str) -> bool:
    """Return whether the stage of that fingerprint is there."""
    return (data_root() / component / print_ / STAGE_FILE).is_file()


@contextmanager
def exclusive(name: str) -> Generator[None]:
    """Let one process at a time on this machine do what `name` stands for; others wait."""
    root = data_root()
    with storage_errors("the data folder"):
        root.mkdir(parents=True, exist_ok=True)
    with locked(root / f".{name}.lock", None):
        yield


def _finish(
    work: Workspace,
    final: Path,
    *,
    component: str,
    config: dict[str, Any],
    inputs: dict[str, str],
) -> None:
    for left_over in work.folder.rglob(".*.part"):  # of a process that was killed in mid-write
        left_over.unlink()
    files = {}
    found = sorted(p for p in work.folder.rglob("*") if p.is_file() and p.name != STAGE_FILE)
    if len(found) > _MANY_FILES:
        os.sync()
    for file in found:
        if len(found) <= _MANY_FILES:
            flush(file)
        files[file.relative_to(work.folder).as_posix()] = {
            "sha256": file_hash(file),
            "bytes": file.stat().st_size,
        }
    body = {
        "component": component,
        "fingerprint": final.name,
        "schema_version": SCHEMA_VERSION,
        "config": config,
        "inputs": inputs,
        "counts": work.counts,
        "facts": work.facts,
        "files": files,
        "finished_unix": round(time.time(), 3),
    }
    stage_file = work.folder / STAGE_FILE
    stage_file.write_text(json.dumps(body, indent=1, sort_keys=True), encoding="utf-8")
    flush(stage_file)
    flush_folder(work.folder)
    if final.exists():  # a folder without stage.json: left by a damaged disk, never by this code
        shutil.rmtree(final)
    work.folder.rename(final)
    flush_folder(final.parent)


def read_stage(folder: Path) -> Stage:
    """Return a stage without reading its files.

    Raises:
        InputError: the folder is no finished stage, or was written by another schema version.
    """
    body = _read_body(folder)
    return Stage(
        folder=folder,
        component=body["component"],
        fingerprint=body["fingerprint"],
        config=body["config"],
        inputs=body["inputs"],
        counts=body["counts"],
        facts=body["facts"],
    )


def _read_body(folder: Path) -> dict[str, Any]:
    file = folder / STAGE_FILE
    if not file.is_file():
        raise InputError(
            f"'{folder}' is not a finished stage (it has no {STAGE_FILE}); "
            "name a run id or a folder under data/<component>/"
        )
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        version = body["schema_version"]
        if version != SCHEMA_VERSION:
            raise InputError(
                f"'{folder}' has schema version {version}, this software reads {SCHEMA_VERSION}; "
                "run the stage again"
            )
        return {key: body[key] for key in _BODY}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{file}' is damaged; delete that folder and run the stage again") from (
            error
        )


def verify(stage: Stage) -> Stage:
    """Return the stage after comparing every file with its recorded hash.

    Raises:
        InputError: a file is missing or has changed; it is named.
    """
    for name, facts in _read_body(stage.folder)["files"].items():
        file = stage.folder / name
        if not file.is_file():
            raise InputError(f"'{name}' is missing from stage {stage.component}; run it again")
        if file.stat().st_size != facts["bytes"] or file_hash(file) != facts["sha256"]:
            raise InputError(
                f"'{name}' of stage {stage.component} has changed since it was written; "
                f"delete the folder {stage.fingerprint} and run the stage again"
            )
    return stage
