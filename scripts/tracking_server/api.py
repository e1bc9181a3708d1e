"""Requests to the tracking server: MLflow's own client of users loads its whole server first."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server said.

    Attributes:
        status: of HTTP; 0 where nobody answered.
        body: the JSON of it, empty where it was none.
    """

    status: int
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def good(self) -> bool:
        """Return whether it did what was asked."""
        return self.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)

    @property
    def code(self) -> str:
        """Return MLflow's word for what went wrong, or the status."""
        return str(self.body.get("error_code", self.status or "no answer"))


@dataclass(frozen=True, kw_only=True)
class Api:
    """One user's way to one server.

    Attributes:
        uri: of the server.
        user: empty for nobody.
        password: of the user; left out where this is printed.
    """

    uri: str
    user: str = ""
    password: str = field(default="", repr=False)

    def get(self, path: str, /, **query: str) -> Answer:
        """Ask for something; `path` stands under `/`."""
        more = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._ask("GET", path + more, None)

    def send(self, method: Literal["POST", "PATCH"], path: str, /, **body: object) -> Answer:
        """Send JSON."""
        return self._ask(method, path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        asked = urllib.request.Request(f"{self.uri}/{path}", data=body, method=method)  # noqa: S310 - http
        asked.add_header("Content-Type", "application/json")
        if self.user:
            token = b64encode(f"{self.user}:{self.password}".encode()).decode()
            asked.add_header("Authorization", f"Basic {token}")
        # The password goes to the server itself, not to a proxy on the way.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(asked, timeout=_SECONDS) as answer:
                return Answer(status=answer.status, body=_json(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(status=error.code, body=_json(error.read()))
        except OSError:
            return Answer(status=0)


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
