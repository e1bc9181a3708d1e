"""Stage folders: fingerprint, atomic write, open-and-verify.

`data/<component>/<fingerprint>/` appears whole or not at all: everything is written in a temporary
folder beside it, flushed, and renamed; `stage.json`, with the hash of every file, is written last.
A killed stage leaves its temporary folder, and the next start of the same fingerprint goes on in
it. One process at a time works on a fingerprint; others wait and then find it finished.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from components.core.config.base import digest
from components.core.errors import InputError, StorageError

SCHEMA_VERSION = 1
STAGE_FILE = "stage.json"
# Above this, one sync of the whole disk is quicker than a flush per file.
_MANY_FILES = 200
_BODY = ("component", "fingerprint", "config", "inputs", "counts", "facts", "files")
# Less than this left when a write fails: the disk is full, whatever the writer calls it.
_SPARE_BYTES = 65_536
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


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


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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


@contextmanager
def storage_errors(where: str) -> Generator[None]:
    """Turn a full disk or an unwritable folder into one clear sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageError(
                f"the disk is full while writing {where}; free space and start again: "
                "what was finished is kept and the work goes on from there"
            ) from error
        if error.errno in _NO_ACCESS:
            raise StorageError(
                f"{where} is not writable; change its permissions or set CARDIO_DATA to a folder "
                "that is"
            ) from error
        raise


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
        with _locked(parent / f".{print_}.lock", waiting):
            if (final / STAGE_FILE).is_file():
                return read_stage(final), False
            work = Workspace(folder=parent / f".tmp-{print_}")
            work.folder.mkdir(exist_ok=True)
            compute(work)
            _finish(work, final, component=component, config=config, inputs=inputs)
    return read_stage(final), True


@contextmanager
def exclusive(name: str) -> Generator[None]:
    """Let one process at a time on this machine do what `name` stands for; others wait."""
    root = data_root()
    with storage_errors("the data folder"):
        root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f".{name}.lock", None):
        yield


@contextmanager
def _locked(path: Path, waiting: Callable[[str], None] | None) -> Generator[None]:
    """Hold an exclusive lock that the kernel releases when the process dies."""
    while True:
        with path.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting("another process computes this stage; waiting for it to finish")
                fcntl.flock(handle, fcntl.LOCK_EX)
            # The one before removes the file: a lock on a removed file keeps nobody out.
            if _is_named(path, handle):
                yield
                path.unlink()
                return


def _is_named(path: Path, handle: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False


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
    _flush_folder(work.folder)
    if final.exists():  # a folder without stage.json: left by a damaged disk, never by this code
        shutil.rmtree(final)
    work.folder.rename(final)
    _flush_folder(final.parent)


def flush(file: Path) -> None:
    """Force a file's content to disk."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then rename it to `path`: whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(partial)
        flush(partial)
        partial.rename(path)
    except Exception as error:
        # safetensors, numpy and torch each have their own exception for a full disk.
        if not isinstance(error, OSError) or error.errno is None:
            _raise_if_full(path.parent, error)
        raise
    finally:
        partial.unlink(missing_ok=True)


def _raise_if_full(folder: Path, error: Exception) -> None:
    said = os.strerror(errno.ENOSPC) in str(error)
    if said or (folder.is_dir() and shutil.disk_usage(folder).free < _SPARE_BYTES):
        raise OSError(errno.ENOSPC, f"no space left: {error}") from error


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
