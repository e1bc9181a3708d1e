"""The tracking server's parts that need no server: addresses, secrets, requests."""

from __future__ import annotations

import configparser
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from components.core.errors import ConfigError, InputError, StorageError
from scripts import server, server_user
from scripts.tracking_server import cluster, postgres, tracking, users
from scripts.tracking_server.api import Answer, Api
from scripts.tracking_server.database import read_url, shown, try_database, whole
from scripts.tracking_server.place import Place
from scripts.tracking_server.postgres import checked_user, choose_port, find_binaries, refuse_taken
from scripts.tracking_server.tracking import Options, check_binding
from scripts.tracking_server.users import Wish, fulfil
from tests.postgres import Postgres
from tests.postgres import postgres as a_postgres  # noqa: F401 - a fixture


@pytest.fixture
def place(data_folder: Path) -> Place:
    return Place.default()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::"])  # noqa: S104 - refused
def test_a_public_address_must_be_asked_for(host: str) -> None:
    with pytest.raises(ConfigError, match="put a reverse proxy with TLS in front"):
        check_binding(Options(host=host))
    with pytest.raises(ConfigError, match="needs --allowed-hosts"):
        check_binding(Options(host=host, public=True))
    check_binding(Options(host=host, public=True, allowed_hosts="mlflow.example.org"))


def test_an_address_of_this_machine_alone_passes() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1"):
        check_binding(Options(host=host))
    with pytest.raises(ConfigError, match=r"'localhost' is no address; write 127.0.0.1"):
        check_binding(Options(host="localhost"))
    assert Options(host="::1").uri == "http://[::1]:5000"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("postgresql//u:hidden@h/d", "the database URL cannot be read"),
        ("mysql://u:hidden@h/d", "names 'mysql', but the team's server"),
        ("postgresql://u:hidden@h", "'postgresql://u@h' names no database"),
    ],
)
def test_a_database_url_that_will_not_do(given: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        read_url(given)
    assert "hidden" not in str(error.value)


def test_a_database_url_is_shown_without_what_may_be_secret() -> None:
    url = read_url("postgresql://ann:hid%40den@h:5433/d?password=hidden&sslmode=require")
    assert shown(url) == "postgresql://ann@h:5433/d"
    assert whole(url).startswith("postgresql+psycopg://ann:hid%40den@h:5433/d?")


def test_a_database_is_tried_before_anything_starts(a_postgres: Postgres) -> None:  # noqa: F811
    own = a_postgres.create("runs")
    try_database(read_url(own))
    with pytest.raises(StorageError, match=r"tester@.*/nowhere' does not let") as told:
        try_database(read_url(a_postgres.url.rpartition("/")[0] + "/nowhere"))
    assert "secret-" not in str(told.value)
    import psycopg

    with psycopg.connect(own) as connection:
        connection.execute("CREATE TABLE studies (study_id int)")
    with pytest.raises(ConfigError, match="holds Optuna studies, whose version table"):
        try_database(read_url(own))


def test_secrets_are_made_once_and_private(place: Place) -> None:
    assert not place.has("admin_password")
    first = place.secret("admin_password")
    assert place.secret("admin_password") == first
    assert place.secret("session_key") != first
    assert len(first) == 32
    file = place.secrets / "admin_password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_the_servers_folder_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot be made .NotADirectoryError.; set CARDIO_DATA"):
        Place.default()


def test_the_configuration_of_users_denies_by_default(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "mine")
    url = read_url("postgresql://ann:hid%40den@h/d")
    environment = tracking._environment(place, Options(), url)
    file = Path(environment["MLFLOW_AUTH_CONFIG_PATH"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read = configparser.ConfigParser()
    read.read(file)
    found = read["mlflow"]
    assert found["default_permission"] == "NO_PERMISSIONS"
    assert found["database_uri"] == whole(url)
    assert found["admin_password"] == place.secret("admin_password")
    assert int(found["auth_cache_ttl_seconds"]) > 0
    assert "MLFLOW_TRACKING_PASSWORD" not in environment
    assert "hid" not in " ".join(tracking._command(Options()))


def test_a_taken_port_is_told(place: Place) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"Address already in use.*choose another one with X"):
            refuse_taken("127.0.0.1", taken.getsockname()[1], "X")


def test_the_port_of_postgres_stays_until_another_is_asked_for(place: Place) -> None:
    first = choose_port(place, 0)
    assert choose_port(place, 0) == first
    assert choose_port(place, 4321) == 4321
    assert choose_port(place, 0) == 4321


def test_postgres_does_not_run_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigError, match="PostgreSQL refuses to run as root; start the server as"):
        checked_user("")
    with pytest.raises(ConfigError, match="'no-such-user' is no user of this machine; make it"):
        checked_user("no-such-user")
    with pytest.raises(ConfigError, match="'root' is root; name a user without rights"):
        checked_user("root")
    assert checked_user("nobody") == "nobody"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert checked_user("") is None
    with pytest.raises(ConfigError, match="only root can start PostgreSQL as 'nobody'"):
        checked_user("nobody")


def test_without_postgres_a_database_must_be_given(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    with pytest.raises(ConfigError, match=r"neither on PATH nor in .*make server URL=postgresql"):
        postgres.start(place, port=0, user=None)


def test_the_newest_postgres_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9.6", "15", "8"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (folder / name).write_text("")
    (tmp_path / "17" / "bin").mkdir(parents=True)
    (tmp_path / "17" / "bin" / "postgres").write_text("")  # without initdb
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    assert find_binaries() == tmp_path / "15" / "bin"


def test_a_folder_that_postgres_cannot_make(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "initdb"
    script.write_text("#!/bin/sh\necho 'initdb: error: could not create' >&2\nexit 1\n")
    script.chmod(0o700)
    with pytest.raises(StorageError, match=r"cannot make its folder .*could not create.*its user"):
        cluster.make_cluster(place, tmp_path, None)
    assert [p.name for p in place.database.iterdir()] == []


class Scripted(Api):
    """A server that gives the same answer to everything."""

    def get(self, path: str, /, **query: str) -> Answer:
        return Answer(status=404, body={"error_code": "RESOURCE_DOES_NOT_EXIST"})

    def send(self, method: Any, path: str, /, **body: object) -> Answer:
        return Answer(status=0)


@pytest.mark.parametrize("name", ["admin", "a b", "ann:x", "", "-x"])
def test_a_name_that_no_user_can_have(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' cannot be the name of a user"):
        fulfil(Scripted(uri="http://h"), Wish(name=name))


def test_what_a_user_cannot_be_granted() -> None:
    with pytest.raises(ConfigError, match=r"'Edit' is unknown; known are: EDIT, MANAGE"):
        fulfil(Scripted(uri="http://h"), Wish(name="ann", permission="Edit"))
    with pytest.raises(InputError, match="there is no experiment 'ctrdc' on http://h; correct"):
        fulfil(Scripted(uri="http://h"), Wish(name="ann", experiments=("*", "ctrdc")))
    with pytest.raises(StorageError, match=r"at http://h did not do it .no answer.; check that it"):
        fulfil(Scripted(uri="http://h"), Wish(name="ann"))
    assert users.PERMISSIONS.index("READ") < users.PERMISSIONS.index("EDIT")


def test_an_api_does_not_show_its_password() -> None:
    assert "hidden" not in repr(Api(uri="http://h", user="ann", password="hidden"))  # noqa: S106


def test_a_user_before_there_is_a_server(data_folder: Path) -> None:
    done = CliRunner().invoke(server_user.main, ["--name", "ann"])
    assert done.exit_code == 2
    assert "no tracking server was started from" in done.stderr


def test_a_mistake_of_the_url_ends_with_two_and_hides_the_password(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(server.DATABASE, "mysql://u:hidden@h/d")
    done = CliRunner().invoke(server.main, [])
    assert done.exit_code == 2
    assert "the database URL names 'mysql'" in done.stderr
    assert "hidden" not in done.output
    assert server.DATABASE not in os.environ
