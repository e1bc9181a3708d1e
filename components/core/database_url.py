"""What a path may be that is no path: the URL of a database."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from components.core.errors import ConfigError

_SECRET = ("password", "sslpassword")


def is_database(path: str) -> bool:
    """Return whether a path is the URL of a database.

    >>> is_database("postgresql://localhost/mimic"), is_database("/data/mimic")
    (True, False)
    """
    return re.match(r"postgres(ql)?://", path) is not None


def without_password(path: str) -> str:
    """Return a path or URL as it is.

    Raises:
        ConfigError: the URL holds a password, which would stand in parameters and logs.
    """
    if is_database(path):
        parts = urlsplit(path)
        if parts.password is not None or any(name in parse_qs(parts.query) for name in _SECRET):
            raise ConfigError(
                "'path' in ingest is a URL with a password, which parameters and logs would show; "
                "leave it out of the URL, and set PGPASSWORD or write it into ~/.pgpass"
            )
    return path
