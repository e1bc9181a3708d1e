"""Starting and ending a service, in this process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner

from components.core.errors import ConfigError, InputError
from components.serve import run, scratch
from components.serve import service as service_file
from components.serve.cli import main
from components.serve.settings import TOKEN_VARIABLE, Settings
from components.serve.shelf import Served
from tests.conftest import Workplace
from tests.serve.near import service

ServedOf = Callable[[str], Served]


@pytest.fixture(autouse=True)
def _as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what a server changes of its process; temporary folders lie in one's own."""
    log, handler = logging.getLogger("uvicorn"), signal.getsignal(signal.SIGTERM)
    kept = (log.handlers[:], log.propagate)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    yield
    log.handlers[:], log.propagate = kept
    signal.signal(signal.SIGTERM, handler)


def serving(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["--port", "0", *arguments])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "toy_haed"), "the registry has no model 'toy_haed'; nothing is registered"),
        (("--model", " ,"), "'model' is ' ,'; name a registered model"),
        (("--host", "::"), "'host' is '::', which other machines can reach, and there is no token"),
        (("--token-file", "absent"), "the token file 'absent' cannot be read"),
        (("--set", "secnds=3"), "did you mean 'seconds'"),
        (
            ("--host", "192.0.2.1", "--token-file", "token"),
            "'192.0.2.1' port 0 cannot be listened to (Cannot assign requested address)",
        ),
    ],
)
def test_what_keeps_a_service_from_starting_is_one_sentence(
    workspace: Workplace, arguments: tuple[str, ...], words: str
) -> None:
    (workspace.folder / "token").write_text("t" * 20)
    done = serving(*arguments)
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert done.output.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.output
    assert list((workspace.folder / "scratch").iterdir()) == []


def test_a_port_that_is_taken_is_told_before_anything_is_loaded() -> None:
    with run.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        done = serving("--port", str(port))
    assert done.exit_code == 2
    assert done.output == (
        f"error: '127.0.0.1' port {port} cannot be listened to (Address already in use); another "
        "service may hold it, choose another with port=…\n"
    )
    with pytest.raises(InputError, match=r"cannot be listened to \(no such name\)"):
        run.listen("no-such-name.invalid", 0)
    with pytest.raises(InputError, match=r"cannot be listened to \(no such name\)"):
        run.listen("x" * 300, 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_of_six_is_listened_to() -> None:
    try:
        with run.listen("::1", 0) as found:
            assert found.family == socket.AF_INET6
    except InputError:
        pytest.skip("no IPv6 address here")


def test_a_service_announces_itself_and_cleans_up(
    shelf: ServedOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The server is uvicorn's own; what answers is a shelf that needs no registry."""
    made: list[Any] = []

    def own(settings: Settings, folder: Path) -> Any:
        made.append(service(folder, shelf("fields"), **settings.model_dump(exclude={"models"})))

        async def refresh() -> None:
            pass

        made[0].shelf.refresh = refresh
        return made[0]

    monkeypatch.setattr(run, "Service", own)
    really = uvicorn.Server.main_loop

    async def main_loop(self: uvicorn.Server) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(really(self), 10)

    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)
    settings = Settings(models=("fields",), port=0)
    with pytest.raises(SystemExit) as ended:
        run.serve(settings)
    assert ended.value.code == 0
    assert "serve: http://127.0.0.1:" in capsys.readouterr().err
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("error", [InputError("no model"), RuntimeError("odd")])
def test_a_service_that_no_model_answers_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def own(_: Settings, folder: Path) -> Any:
        found: Any = service(folder)

        async def refresh() -> None:
            if isinstance(error, RuntimeError):
                raise error
            found.shelf.troubles["toy"] = str(error)

        found.shelf.refresh = refresh
        return found

    monkeypatch.setattr(run, "Service", own)
    with pytest.raises(type(error), match=str(error)):
        run.serve(Settings(models=("toy",), port=0))
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("hangs", [False, True])
def test_the_service_looks_after_itself_while_it_runs(
    shelf: ServedOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hangs: bool,
) -> None:
    own = service(tmp_path / "own", shelf("fields"), poll_seconds=0.01)
    done: list[str] = []

    async def refresh() -> None:
        done.append("refresh")
        if hangs and len(done) > 1:  # a registry that does not answer
            await asyncio.sleep(60)

    of: Any = own
    of.shelf.refresh = refresh
    of.shelf.sweep = lambda: done.append("sweep")

    async def purge() -> None:
        done.append("purge")
        if done.count("purge") == 1:
            raise OSError(5, "/some/folder")

    of.jobs.purge = purge
    monkeypatch.setattr(service_file, "delete_left", lambda: done.append("left"))

    async def lived() -> None:
        async with own.running():
            await asyncio.sleep(0.1)

    asyncio.run(lived())
    assert done.count("refresh") == 2 if hangs else done.count("refresh") > 2
    told = [each for each in done if each != "refresh"]
    assert told[:6] == ["left", "sweep", "purge"] * 2
    said = capsys.readouterr().err
    assert "what is over could not be deleted (OSError)" in said
    assert "/some/folder" not in said
    assert not own.scratch.exists()


def test_public_hosts_need_a_token() -> None:
    with pytest.raises(ConfigError, match="there is no token"):
        run.serve(Settings(models=("toy",), host="::"))


def test_the_folder_is_ones_own_and_those_of_the_killed_are_deleted(tmp_path: Path) -> None:
    first = scratch.scratch_folder()
    assert first.stat().st_mode & 0o777 == 0o700
    base = first.parent
    left, own = (base / f"cardio-serve-{name}" for name in ("left", "own-notes"))
    for folder in (left, own, tmp_path / "else"):
        folder.mkdir()
    mark = next(first.iterdir()).name
    for folder in (left, tmp_path / "else"):
        (folder / mark).touch()  # locked by nobody
    (left / "batch-x").mkdir()
    (base / "cardio-serve-link").symlink_to(tmp_path / "else")
    second = scratch.scratch_folder()
    assert {each.name for each in base.iterdir()} == {
        first.name, second.name, "cardio-serve-own-notes", "cardio-serve-link",
    }  # fmt: skip
    assert (tmp_path / "else" / mark).exists()
    (first / mark).unlink()  # as whatever sweeps old files does
    scratch.delete_left()
    assert first.exists()
