"""What a tracking server with users says no to, in words that its user can act on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus

from components.core.errors import ConfigError, InputError

# MLflow's message on a refused request names the part of its interface that was asked.
_ENDPOINT = re.compile(r"/api/\d\.\d/mlflow/([\w/-]+)")


def without_password(uri: str) -> str:
    """Return a store's URI for messages, without user and password.

    >>> without_password("https://ann:secret@mlflow.example.org")
    'https://…@mlflow.example.org'
    """
    head, at, tail = uri.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else uri


def check_uri(uri: str) -> None:
    """Refuse a server's address that holds a password: MLflow prints the address of every run.

    Raises:
        ConfigError: it does.
    """
    if uri.startswith("http") and "@" in uri.partition("://")[2].partition("/")[0]:
        raise ConfigError(
            f"MLFLOW_TRACKING_URI '{without_password(uri)}' holds a user or password, which would "
            "be printed with every run; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )


def refuse(error: Exception, uri: str) -> None:
    """Raise an InputError if the error is a server's refusal of this user; else do nothing.

    Args:
        error: of MLflow's client.
        uri: of the tracking store.

    Raises:
        InputError: user and password are missing or wrong (401), or the user has no permission
            (403).
    """
    status = _status(error)
    if status == HTTPStatus.UNAUTHORIZED:
        raise InputError(
            f"the tracking server '{without_password(uri)}' does not know this user; set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        ) from error
    if status == HTTPStatus.FORBIDDEN:
        found = _ENDPOINT.search(str(error))
        user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
        raise InputError(
            f"the tracking server '{without_password(uri)}' does not let user '{user}' do "
            f"{found.group(1) if found else 'this'}; ask its administrator for EDIT on the "
            "experiment and the registered model"
        ) from error


@contextmanager
def refused(uri: str) -> Generator[None]:
    """Turn a server's refusals in a block into an InputError (see `refuse`)."""
    try:
        yield
    except Exception as error:
        refuse(error, uri)
        raise


def _status(error: Exception) -> int:
    """Return the HTTP status of an error of MLflow's client or transfer, 0 for any other error."""
    own: Callable[[], int] | None = getattr(error, "get_http_status_code", None)
    if own is not None:
        return own()
    # Artifacts go by the library of requests.
    return getattr(getattr(error, "response", None), "status_code", 0)
