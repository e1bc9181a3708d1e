"""Start the team's tracking server: `make server`, or `python -m scripts.server --help`.

MLflow with users and passwords, its runs in PostgreSQL, its artifacts behind it; see
docs/server.md. The database is the one of the environment variable `CARDIO_SERVER_DATABASE`, else
one that is made and started under `data/postgres`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import click
from sqlalchemy import URL

from components.core.command import reported_errors
from components.core.progress import say
from scripts.tracking_server import database, postgres, tracking
from scripts.tracking_server.child import Child
from scripts.tracking_server.cluster import STUDIES, TRACKING
from scripts.tracking_server.place import ADMIN, Place
from scripts.tracking_server.tracking import Options

DATABASE = "CARDIO_SERVER_DATABASE"
_LOOK_SECONDS = 0.5


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, help="Port of the tracking server.")
@click.option("--workers", default=4, show_default=True, help="Processes that answer.")
@click.option("--artifacts", default="", help="Folder or bucket; default data/server/artifacts.")
@click.option("--allowed-hosts", default="", help="Names that a proxy hands on, comma-separated.")
@click.option("--public", is_flag=True, help="Let --host be reached by other machines.")
@click.option("--postgres-port", default=0, help="Of the own PostgreSQL; default the last, or any.")
@click.option("--postgres-user", default="", help="As root: system user that runs PostgreSQL.")
@click.option("--debug", is_flag=True, help="Show an error's traceback.")
def main(*, postgres_port: int, postgres_user: str, debug: bool, **reach: object) -> None:
    """Start PostgreSQL, where none is given, and MLflow; Ctrl-C stops both."""
    with reported_errors(debug=debug):
        options = Options(**reach)  # type: ignore[arg-type] - click has the types
        tracking.check_binding(options)
        place = Place.default()
        try:
            with place.locked(), _stopped_by_signals(), ExitStack() as running:
                children = _start(place, options, (postgres_port, postgres_user), running)
                while True:
                    for child in children:
                        child.check()
                    time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            say("server: stopped")


def _start(place: Place, options: Options, own: tuple[int, str], running: ExitStack) -> list[Child]:
    """Start what is needed, to be stopped in the opposite order, and say where it is."""
    children: list[Child] = []
    url = _given_database()
    if url is None:
        port, user = own
        children.append(postgres.start(place, port=port, user=postgres.checked_user(user)))
        running.callback(children[-1].stop)
        url = postgres.url_of(place, TRACKING)
    first = not place.has("admin_password")
    children.append(tracking.start(place, options, url))
    running.callback(children[-1].stop)
    place.tell_address(options.uri)
    _tell(place, options, url, first=first, own=len(children) > 1)
    return children


def _given_database() -> URL | None:
    """Return the database of the environment, tried; None where there is none."""
    # Out of the environment: no program that is started here needs it.
    given = os.environ.pop(DATABASE, "")
    if not given:
        return None
    url = database.read_url(given)
    database.try_database(url)
    return url


@contextmanager
def _stopped_by_signals() -> Generator[None]:
    """Let what ends a service do what Ctrl-C does, and the first of them count, while stopping."""
    stopping: list[int] = []

    def stop(number: int, frame: object) -> None:
        del frame
        stopping.append(number)
        if len(stopping) == 1:
            raise KeyboardInterrupt

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, stop) for each in wanted}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _tell(place: Place, options: Options, url: URL, *, first: bool, own: bool) -> None:
    """Say where the server is and what to set; the password once, and only to a person."""
    kept = place.secrets / "admin_password"
    say(f"server: {options.uri}, runs in {database.shown(url)}, logs in {place.folder}")
    if first and sys.stdout.isatty():
        print(f"the administrator's password, shown once: {place.secret('admin_password')}")
    say(f"server: the administrator is '{ADMIN}', the password is in {kept}")
    if own:
        studies = database.shown(postgres.url_of(place, STUDIES))
        say(f"server: studies: -P storage={studies}, PGPASSWORD from "
            f"{place.secrets / f'{STUDIES}_password'}")  # fmt: skip
    say(
        "server: users: make server-user NAME=ann EXPERIMENTS=ctrcd MODELS=ctrcd_head; Ctrl-C stops"
    )


if __name__ == "__main__":
    main()
