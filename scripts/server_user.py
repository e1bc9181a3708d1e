"""Make a user of the tracking server: `make server-user NAME=ann EXPERIMENTS=ctrcd`."""

from __future__ import annotations

import sys

import click

from components.core.command import reported_errors
from components.core.errors import InputError
from components.core.progress import say
from scripts.tracking_server.place import Place
from scripts.tracking_server.tracking import admin_of
from scripts.tracking_server.users import PERMISSIONS, Wish, fulfil


@click.command()
@click.option("--name", required=True, help="Of the user.")
@click.option("--experiments", default="", help="Comma-separated names, or * for all.")
@click.option("--models", default="", help="Registered models, comma-separated, or * for all.")
@click.option("--permission", default="EDIT", show_default=True, help=", ".join(PERMISSIONS))
@click.option("--create", is_flag=True, help="Make experiments that do not exist.")
@click.option("--new-password", is_flag=True, help="Give a user who exists a new password.")
@click.option("--uri", default="", help="Of the server; default where it was started last.")
@click.option("--debug", is_flag=True, help="Show an error's traceback.")
def main(
    *, name: str, experiments: str, models: str, uri: str, debug: bool, **more: object
) -> None:
    """Make the user where missing, grant permissions, and print what the user has to set."""
    with reported_errors(debug=debug):
        place = Place.default()
        address = uri or place.address()
        if not address or not place.has("admin_password"):
            raise InputError(
                f"no tracking server was started from '{place.folder}'; run `make server` first, "
                "on this machine, and leave it running"
            )
        wish = Wish(name=name, experiments=_names(experiments), models=_names(models), **more)  # type: ignore[arg-type]
        password = fulfil(admin_of(place, address), wish)
        say(f"server: {name} has {wish.permission} on {experiments or 'no experiment'} and "
            f"{models or 'no registered model'}")  # fmt: skip
        sys.stdout.write(_settings(address, name, password))


def _names(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _settings(uri: str, name: str, password: str | None) -> str:
    """Return what a user sets in the shell, a new password among it."""
    lines = [
        f"export MLFLOW_TRACKING_URI={uri}",
        f"export MLFLOW_TRACKING_USERNAME={name}",
        f"export MLFLOW_TRACKING_PASSWORD={password or '…the one you have'}",
        # Where a bare `mlflow run` opens its launcher: the experiment Default is nobody's.
        f"export MLFLOW_EXPERIMENT_NAME=launched-by-{name}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
