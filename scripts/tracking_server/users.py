"""Users of the tracking server and what they may do, by MLflow's REST interface."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus

from components.core.errors import ConfigError, InputError, StorageError, nearest
from scripts.tracking_server.api import Answer, Api
from scripts.tracking_server.place import ADMIN

# MLflow's, from little to much.
PERMISSIONS = ("READ", "USE", "EDIT", "MANAGE")
ALL = "*"
_API = "api/2.0/mlflow"
_GRANTS = "api/3.0/mlflow/users/permissions"
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_PASSWORD_BYTES = 18  # 24 letters; MLflow asks for 12
# HTTP's basic authentication ends a name at its first colon; the rest keeps it readable in a shell.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for.

    Attributes:
        name: of the user.
        experiments: names; `*` is all of them, those to come too.
        models: names of registered models, also of those that nobody has registered yet.
        permission: on all of them.
        create: make experiments that do not exist.
        new_password: give an existing user a new one.
    """

    name: str
    experiments: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    permission: str = "EDIT"
    create: bool = False
    new_password: bool = False


def fulfil(admin: Api, wish: Wish) -> str | None:
    """Make the user where missing, grant the permissions, and return a new password or None.

    Args:
        admin: the administrator's way to the server.
        wish: user and permissions.

    Raises:
        ConfigError: the permission is unknown, or the name is the administrator's or unfit.
        InputError: an experiment does not exist; nothing has been changed then.
        StorageError: the server refuses, or does not answer.
    """
    if wish.permission not in PERMISSIONS:
        raise ConfigError(
            f"the permission '{wish.permission}' is unknown; "
            f"{nearest(wish.permission, PERMISSIONS)}"
        )
    if wish.name == ADMIN or not _NAME.fullmatch(wish.name):
        raise ConfigError(
            f"'{wish.name}' cannot be the name of a user; take letters, digits and . _ - @, "
            f"but not '{ADMIN}', who may do everything already"
        )
    experiments = _experiments(admin, wish)
    password = _user(admin, wish)
    for key in experiments:
        _grant(admin, wish, "experiment", key)
    for key in wish.models:
        _grant(admin, wish, "registered_model", key)
    return password


def _experiments(admin: Api, wish: Wish) -> list[str]:
    """Return the experiments' ids; those that do not exist are made if that was asked for."""
    named = [name for name in wish.experiments if name != ALL]
    found = {name: _experiment_id(admin, name) for name in named}
    missing = [name for name in named if found[name] is None]
    if missing and not wish.create:
        raise InputError(
            f"there is no experiment '{missing[0]}' on {admin.uri}; correct the name, let its "
            "first run make it, or add --create"
        )
    for name in missing:
        made = admin.send("POST", f"{_API}/experiments/create", name=name)
        found[name] = str(_done(admin, made).body["experiment_id"])
    return [ALL] * (ALL in wish.experiments) + [each for each in found.values() if each]


def _experiment_id(admin: Api, name: str) -> str | None:
    answer = admin.get(f"{_API}/experiments/get-by-name", experiment_name=name)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    return str(_done(admin, answer).body["experiment"]["experiment_id"])


def _user(admin: Api, wish: Wish) -> str | None:
    """Make the user, or give a new password; return it, or None where nothing was to be done."""
    own = {"username": wish.name, "password": secrets.token_urlsafe(_PASSWORD_BYTES)}
    made = admin.send("POST", f"{_API}/users/create", **own)
    if made.code == _EXISTS:
        if not wish.new_password:
            return None
        made = admin.send("PATCH", f"{_API}/users/update-password", **own)
    _done(admin, made)
    return own["password"]


def _grant(admin: Api, wish: Wish, kind: str, key: str) -> None:
    """Let the user have at least the permission: who made a thing keeps its MANAGE."""
    what = {"username": wish.name, "resource_type": kind, "resource_id": key}
    granted = admin.send("POST", f"{_GRANTS}/grant", **what, permission=wish.permission)
    if granted.code == _EXISTS:
        held = str(_done(admin, admin.get(f"{_GRANTS}/get", **what)).body["permission"])
        if held in PERMISSIONS and _level(held) >= _level(wish.permission):
            return
        _done(admin, admin.send("POST", f"{_GRANTS}/revoke", **what))
        granted = admin.send("POST", f"{_GRANTS}/grant", **what, permission=wish.permission)
    _done(admin, granted)


def _level(permission: str) -> int:
    return PERMISSIONS.index(permission)


def _done(admin: Api, answer: Answer) -> Answer:
    if not answer.good:
        raise StorageError(
            f"the tracking server at {admin.uri} did not do it ({answer.code}); check that it runs "
            "and that the administrator's password is the one in the server's folder"
        )
    return answer
