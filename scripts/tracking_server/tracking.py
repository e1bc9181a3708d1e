"""MLflow's own server: its configuration, its environment, and whether it keeps strangers out."""

from __future__ import annotations

import configparser
import ipaddress
import os
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from sqlalchemy import URL

from components.core.errors import ConfigError, StorageError
from scripts.tracking_server.api import Api
from scripts.tracking_server.child import Child, Program, stop_orphan
from scripts.tracking_server.database import whole
from scripts.tracking_server.place import ADMIN, Place, write_private
from scripts.tracking_server.postgres import refuse_taken

NAME = "MLflow"
# A hash of 600,000 rounds for every request would cost more than the request. MLflow proposes 60 s;
# so long may a worker go on taking a password that was changed through another one.
_AUTH_CACHE_SECONDS = 60
# What the caller has set for a client, or for another server.
_NOT_THE_SERVERS = ("MLFLOW_TRACKING_", "MLFLOW_AUTH_", "MLFLOW_EXPERIMENT", "MLFLOW_RUN")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the server is reached.

    Attributes:
        host: address that it listens on.
        port: of it.
        workers: processes that answer.
        artifacts: folder or bucket of the artifacts, which go through the server.
        allowed_hosts: names under which a proxy hands requests on, comma-separated.
        public: whether other machines may reach it without a proxy on this one.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 4
    artifacts: str = ""
    allowed_hosts: str = ""
    public: bool = False

    @property
    def uri(self) -> str:
        """Return the address on this machine."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104 - not a bind
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def check_binding(options: Options) -> None:
    """Refuse an address that other machines reach, unless that was asked for.

    Raises:
        ConfigError: the host is no address, or a public one without `--public` and
            `--allowed-hosts`.
    """
    try:
        loopback = ipaddress.ip_address(options.host).is_loopback
    except ValueError as error:
        raise ConfigError(
            f"--host '{options.host}' is no address; write 127.0.0.1, or an address of this machine"
        ) from error
    if loopback:
        return
    if not options.public:
        raise ConfigError(
            f"--host {options.host} lets other machines in, and passwords would cross the network "
            "readable; leave 127.0.0.1 and put a reverse proxy with TLS in front (docs/server.md), "
            "or add --public where that proxy is on another machine"
        )
    if not options.allowed_hosts:
        raise ConfigError(
            f"--host {options.host} needs --allowed-hosts, the names that a browser may call the "
            "server by, e.g. mlflow.example.org"
        )


def start(place: Place, options: Options, database: URL) -> Child:
    """Start MLflow and wait until it answers, but to nobody without a password.

    Raises:
        ConfigError: the port is taken, or the users' database knows another administrator.
        StorageError: it does not start, or it lets strangers in.
    """
    stop_orphan(place, NAME, Program.stop_signal)
    refuse_taken(options.host, options.port, "PORT=…")
    child = Child(
        program=Program(name=NAME, command=_command(options),
                        environment=_environment(place, options, database)),
        place=place,
    )  # fmt: skip
    try:
        child.wait_until(lambda: Api(uri=options.uri).get("health").good)
        _check_door(place, options)
    except BaseException:
        child.stop()
        raise
    return child


def _command(options: Options) -> list[str]:
    command = [
        str(Path(sys.executable).parent / "mlflow"), "server", "--app-name", "basic-auth",
        "--host", options.host, "--port", str(options.port), "--workers", str(options.workers),
        # The requests' lines would fill the disk, and do not say whose they are.
        "--serve-artifacts", "--uvicorn-opts", "--no-access-log",
    ]  # fmt: skip
    names = [name.strip() for name in options.allowed_hosts.split(",") if name.strip()]
    if names:
        # This list replaces MLflow's own, in which this machine is; and pages that came by the
        # proxy may write only if their address is named, too.
        own = [options.uri.partition("://")[2], f"localhost:{options.port}"]
        command += ["--allowed-hosts", ",".join([*names, *own])]
        command += ["--cors-allowed-origins", ",".join(f"https://{name}" for name in names)]
    return command


def _environment(place: Place, options: Options, database: URL) -> dict[str, str]:
    """Return the environment; secrets go this way, since a command line is open to anyone."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THE_SERVERS)}
    return kept | {
        "MLFLOW_BACKEND_STORE_URI": whole(database),
        "MLFLOW_ARTIFACTS_DESTINATION": options.artifacts or str(place.folder / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(_auth_file(place, database)),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": place.secret("session_key"),
        # Nothing of a hospital's server is told outside.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Jobs serve what is not used here (judging answers of language models).
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _auth_file(place: Place, database: URL) -> Path:
    """Write MLflow's users' configuration; whoever has no permission sees nothing."""
    config = configparser.ConfigParser()
    values = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": whole(database),
        "admin_username": ADMIN,
        "admin_password": place.secret("admin_password"),
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": str(_AUTH_CACHE_SECONDS),
    }
    # The reader on the other side takes % for the start of a reference.
    config["mlflow"] = {key: value.replace("%", "%%") for key, value in values.items()}
    file = place.folder / "auth.ini"
    write_private(file, "")
    with file.open("w", encoding="utf-8") as opened:
        config.write(opened)
    return file


def _check_door(place: Place, options: Options) -> None:
    page = "api/2.0/mlflow/users/get"
    stranger = Api(uri=options.uri).get(page, username=ADMIN)
    if stranger.status != HTTPStatus.UNAUTHORIZED:
        raise StorageError(
            f"the tracking server at {options.uri} answers without a password "
            f"({stranger.status}), so it was stopped; see '{place.folder}'"
        )
    if not admin_of(place, options.uri).get(page, username=ADMIN).good:
        raise ConfigError(
            f"the users' database knows another password of '{ADMIN}' than "
            f"'{place.secrets / 'admin_password'}'; write the right one into that file"
        )


def admin_of(place: Place, uri: str) -> Api:
    """Return the administrator's way to the server at that address."""
    return Api(uri=uri, user=ADMIN, password=place.secret("admin_password"))
