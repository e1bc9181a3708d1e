"""Stage folders under real faults: killed processes, two at once, a full and an unwritable disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from components.core.errors import StorageError
from components.core.files import write_atomic
from components.core.store import Workspace, build

PRINT = "a" * 32
# Started in its own interpreter; `argv`: what to do in the compute step.
SCRIPT = """
import sys, time
from pathlib import Path
from components.core.store import build

mark, mode = Path(sys.argv[1]), sys.argv[2]

def compute(work):
    with (mark / "computed").open("a") as log:
        log.write(f"{mode}\\n")
    first = work.path("shards", "0")
    if not first.exists():
        first.write_text(mode)
    (mark / f"{mode}.started").touch()
    while mode == "killed" or not (mark / "go").exists():
        time.sleep(0.01)
    work.path("shards", "1").write_text(mode)

def waiting(text):
    (mark / f"{mode}.waiting").write_text(text)

stage, computed = build("ingest", "a" * 32, config={}, inputs={}, compute=compute, waiting=waiting)
print(computed, stage.folder.name)
"""


def start(mark: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(mark), mode],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end, "the other process did not get there"
        time.sleep(0.01)


def test_a_killed_builder_leaves_its_folder_and_the_next_goes_on_in_it(
    data_folder: Path, tmp_path: Path
) -> None:
    first = start(tmp_path, "killed")
    wait_for((tmp_path / "killed.started").exists)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    first.stdout.close()  # type: ignore[union-attr]
    parent = data_folder / "ingest"
    assert (parent / f".tmp-{PRINT}" / "shards" / "0").read_text() == "killed"
    assert not (parent / PRINT).exists()

    (tmp_path / "go").touch()
    second = start(tmp_path, "second")
    out, _ = second.communicate(timeout=20)
    assert out.split() == ["True", PRINT]
    assert (parent / PRINT / "shards" / "0").read_text() == "killed"
    assert (parent / PRINT / "shards" / "1").read_text() == "second"
    assert [p.name for p in parent.iterdir()] == [PRINT]


def test_two_processes_at_once_compute_once(data_folder: Path, tmp_path: Path) -> None:
    one = start(tmp_path, "one")
    wait_for((tmp_path / "one.started").exists)
    two = start(tmp_path, "two")
    wait_for((tmp_path / "two.waiting").exists)
    (tmp_path / "go").touch()
    first, _ = one.communicate(timeout=20)
    second, _ = two.communicate(timeout=20)
    assert (first.split(), second.split()) == (["True", PRINT], ["False", PRINT])
    assert (tmp_path / "computed").read_text() == "one\n"
    assert "another process computes this stage" in (tmp_path / "two.waiting").read_text()


def test_the_waiting_process_takes_over_from_a_killed_one(
    data_folder: Path, tmp_path: Path
) -> None:
    one = start(tmp_path, "killed")
    wait_for((tmp_path / "killed.started").exists)
    two = start(tmp_path, "two")
    wait_for((tmp_path / "two.waiting").exists)
    (tmp_path / "go").touch()
    one.kill()
    out, _ = two.communicate(timeout=20)
    one.communicate()
    assert out.split() == ["True", PRINT]
    assert (tmp_path / "computed").read_text() == "killed\ntwo\n"


# Six processes take turns; each sees to it that nobody else is inside with it.
TURNS = """
import os, sys, time
from pathlib import Path
from components.core.store import exclusive

def turns(owner):
    for _ in range(40):
        with exclusive("turn"):
            owner.write_text(str(os.getpid()))
            time.sleep(0.001)
            if owner.read_text() != str(os.getpid()):
                return 1
    return 0

children = []
for _ in range(6):
    child = os.fork()
    if not child:
        os._exit(turns(Path(sys.argv[1])))
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children) != 0)
"""


def test_one_process_at_a_time_is_inside(data_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TURNS, str(tmp_path / "owner")]
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run(command, cwd=root, timeout=60, check=False).returncode == 0
    assert list(data_folder.iterdir()) == []


@pytest.fixture(scope="module")
def tiny_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path_factory.mktemp("tiny")
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a one-megabyte file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _text(path: Path) -> object:
    return path.write_text("x" * 3_000_000)


def _hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("ecg", data=np.arange(2_000_000))


def _parquet(path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"a": np.random.default_rng(0).random(400_000)}).to_parquet(path)


def _numpy(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.zeros(1_000_000))


def _safetensors(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(1_000_000)}, str(path))


@pytest.mark.parametrize("write", [_text, _hdf5, _parquet, _numpy, _safetensors])
def test_a_full_disk_is_one_sentence_and_what_was_finished_stays(
    tiny_disk: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("CARDIO_DATA", str(tiny_disk))
    print_ = write.__name__.strip("_")

    def compute(work: Workspace) -> None:
        work.path("done").write_text("kept")
        write_atomic(work.path("big"), write)

    with pytest.raises(StorageError, match=r"^the disk is full while writing the stage folder"):
        build("ingest", print_, config={}, inputs={}, compute=compute)
    left = tiny_disk / "ingest" / f".tmp-{print_}"
    assert [p.name for p in left.iterdir()] == ["done"]


def test_an_error_on_a_disk_with_room_stays_itself(data_folder: Path) -> None:
    def compute(work: Workspace) -> None:
        write_atomic(work.path("big"), lambda p: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        build("ingest", PRINT, config={}, inputs={}, compute=compute)


def test_other_operating_system_errors_pass(data_folder: Path) -> None:
    def compute(work: Workspace) -> None:
        (work.folder / "absent").read_text()

    with pytest.raises(FileNotFoundError):
        build("ingest", PRINT, config={}, inputs={}, compute=compute)


def test_a_read_only_disk_is_one_sentence(
    tmp_path: Path, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "read_only"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", str(folder)]
    subprocess.run(command, check=True)
    monkeypatch.setenv("CARDIO_DATA", str(folder))
    try:
        with pytest.raises(StorageError, match=r"data/ingest is not writable; .* set CARDIO_DATA"):
            build("ingest", PRINT, config={}, inputs={}, compute=lambda work: None)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "data"))
    with pytest.raises(StorageError, match=r"data/ingest is not writable"):
        build("ingest", PRINT, config={}, inputs={}, compute=lambda work: None)
