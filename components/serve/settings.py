"""What a service is started with."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from components.core.config.base import Frozen, validate
from components.core.config.task import parse_overrides
from components.core.errors import ConfigError, InputError

# By the environment or a file: a command line can be read by everyone on the machine.
TOKEN_VARIABLE = "CARDIO_SERVE_TOKEN"  # noqa: S105 - the variable's name
# Shorter ones can be tried out.
SHORTEST_TOKEN = 16
_LOCAL_NAME = "localhost"
_MEGABYTE = 1_000_000


# Infinite limits are none.
_Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(Frozen):
    """What a service is started with.

    Attributes:
        models: registered names, served side by side.
        alias: whose version answers; the service follows it when it moves.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        token: that every request must bear; None asks for none.
        workers: processes that compute, one thread each.
        waiting: requests that may wait for a process; the next one is told to come again.
        seconds: that one request may compute; its process is stopped then.
        upload_mb: largest request, in millions of bytes.
        batch_mb: largest request for a batch.
        batch_rows: most rows of a batch.
        batch_jobs: batches that may run or wait at a time.
        keep_minutes: how long a batch's result can be fetched; uploads go when the batch is done.
        poll_seconds: how often the registry is asked where the alias points.
        text_encoder: folder of the frozen encoder of notes or events; empty without one.
    """

    models: tuple[str, ...] = Field(min_length=1)
    alias: str = "champion"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    token: SecretStr | None = None
    workers: int = Field(default=1, ge=1)
    waiting: int = Field(default=32, ge=1)
    seconds: _Limit = 30.0
    upload_mb: _Limit = 32.0
    batch_mb: _Limit = 1000.0
    batch_rows: int = Field(default=50_000, ge=1)
    batch_jobs: int = Field(default=4, ge=1)
    keep_minutes: _Limit = 15.0
    poll_seconds: _Limit = 2.0
    text_encoder: str = ""

    @property
    def upload_bytes(self) -> int:
        """Return the largest request."""
        return round(self.upload_mb * _MEGABYTE)

    @property
    def batch_bytes(self) -> int:
        """Return the largest request for a batch."""
        return round(self.batch_mb * _MEGABYTE)

    @property
    def on_loopback(self) -> bool:
        """Return whether nobody but this machine can reach the service."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether an address or name is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == _LOCAL_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_of(models: str, overrides: str, token_file: str, **given: object) -> Settings:
    """Return settings, checked.

    Args:
        models: registered names, separated by commas.
        overrides: `key=value` pairs, of settings without an option of their own.
        token_file: that holds the token; empty takes the environment's.
        **given: settings with an option of their own.

    Raises:
        ConfigError: an unknown or impossible setting, or a token too short.
        InputError: the token file cannot be read.
    """
    more = dict(parse_overrides(overrides))
    twice = [key for key in more if key in {"models", "token", *given}]
    if twice:
        raise ConfigError(f"'set' holds '{twice[0]}', which has an option of its own; use that")
    own = {"models": names(models), "token": token_of(token_file), **given}
    return validate(Settings, {**own, **more}, "serve")


def names(models: str) -> tuple[str, ...]:
    """Return the registered names in a comma-separated list, each once.

    Raises:
        ConfigError: there is none.
    """
    found = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    if not found:
        raise ConfigError(f"'model' is '{models}'; name a registered model, e.g. ctrcd_head")
    return found


def token_of(file: str) -> SecretStr | None:
    """Return the token in a file, else the one in the environment, else None.

    Raises:
        InputError: the file cannot be read.
        ConfigError: the token is too short.
    """
    text = _from(file) if file else os.environ.get(TOKEN_VARIABLE, "")
    token = text.strip()
    if not token and not file:
        return None
    if len(token) < SHORTEST_TOKEN or not token.isascii():
        raise ConfigError(
            f"the token has {len(token)} characters; give one of at least {SHORTEST_TOKEN}, all "
            "of them ASCII, e.g. what `python -c 'import secrets; print(secrets.token_urlsafe())'` "
            "prints"
        )
    return SecretStr(token)


def check_reach(settings: Settings) -> None:
    """Refuse to listen to other machines without a token.

    Raises:
        ConfigError: the address is not this machine's own and there is no token.
    """
    if not settings.on_loopback and settings.token is None:
        raise ConfigError(
            f"'host' is '{settings.host}', which other machines can reach, and there is no token; "
            f"set {TOKEN_VARIABLE} or token_file, or listen on 127.0.0.1"
        )


def _from(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the token file '{file}' cannot be read ({type(error).__name__}); correct the path"
        ) from error
