"""A service whose functions run in this process, and a client that asks it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from components.serve.app import create
from components.serve.calls import plainly
from components.serve.describing import described
from components.serve.order import Bundle
from components.serve.problems import Fault, FaultError, ProblemError
from components.serve.service import Service
from components.serve.settings import Settings
from components.serve.shelf import Served

ADDRESS = "http://127.0.0.1:8000"


def over(sent: Any) -> Any:
    """Return something as another process would receive it."""
    pickler: Any = ForkingPickler
    return pickler.loads(pickler.dumps(sent))


@dataclass
class Near:
    """Stands in for `Processes`: what is asked and what is said take the same way, pickled."""

    count: int = 2
    seconds: float = 30.0
    under_way: int = 0
    stopped: int = 0
    asked: list[str] = field(default_factory=list[str])
    failing: ProblemError | None = None

    async def ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        return await self.run(function, *arguments)

    async def run(
        self,
        function: Callable[..., Any],
        *arguments: object,
        seconds: float = 1.0,
        patient: bool = False,
    ) -> Any:
        del seconds, patient
        self.asked.append(function.__name__)
        if self.failing is not None:
            raise self.failing
        own, sent = over((function, arguments))
        found = over(plainly(own, *sent))
        if isinstance(found, Fault):
            raise FaultError(found)
        return found

    def preload(self, bundles: Sequence[Bundle]) -> None:
        del bundles

    def begin(self) -> None:
        pass

    def close(self) -> None:
        pass


def served(model: str, folder: Path, *, version: str = "1", card: str | None = None) -> Served:
    """Return a bundle as a registered version that answers."""
    bundle = Bundle(folder=str(folder))
    facts = described(bundle) | {"figures": []}
    return Served(
        model=model, version=version, bundle=bundle, folder=folder, facts=facts, card=card
    )


def service(scratch: Path, *shelf: Served, **settings: object) -> Service:
    """Return a service that answers by these versions."""
    scratch.mkdir(parents=True, exist_ok=True)
    own = {"models": tuple(each.model for each in shelf) or ("toy",), **settings}
    found = Service(Settings.model_validate(own), scratch)
    near: Any = Near()
    found.processes = found.shelf.processes = found.jobs.processes = near
    found.shelf.served = {each.model: each for each in shelf}
    return found


def asked(of: Service) -> list[str]:
    """Return what a service's stand-in for processes was asked for."""
    near: Any = of.processes
    return near.asked


class FormClient(TestClient):
    """A client that sends what has no file as browsers send a form that could have had one."""

    def post(self, url: Any, *, data: Any = None, files: Any = None, **more: Any) -> Any:  # type: ignore[override]
        """Return the answer to a form."""
        parts = {name: (None, str(value)) for name, value in (data or {}).items()}
        if parts and not files and "headers" not in more:
            return super().post(url, files=parts, **more)
        return super().post(url, data=data, files=files, **more)


def client(of: Service, **headers: str) -> TestClient:
    """Return a client of a service; an unforeseen error is an answer, as it is over a socket."""
    return FormClient(
        create(of), base_url=ADDRESS, headers=headers or None, raise_server_exceptions=False
    )


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """Return the document of a refusal, held to RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= set(found)
    assert (found["type"], found["status"]) == (f"/problems/{kind}", status)
    assert found["title"]
    assert found["detail"]
    return found


def close(found: float | None, wanted: float) -> bool:
    """Return whether an answer's number is the bundle's; null stands for NaN."""
    return wanted != wanted if found is None else found == pytest.approx(wanted, abs=1e-6)


def left(of: Service, path: str, body: bytes, heard: list[str]) -> None:
    """Send a form of boundary `b`, and go away as soon as something has been heard.

    Args:
        of: service that is asked.
        path: that is posted to.
        body: of the form.
        heard: that its stand-in for processes appends to; the status of the answer follows.
    """
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": path,
        "raw_path": path.encode(), "query_string": b"", "http_version": "1.1", "scheme": "http",
        "headers": [
            (b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=b"),
        ],
    }  # fmt: skip
    said = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        for message in said:
            return message
        while not heard:
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append(str(message.get("status", "")))

    asyncio.run(asyncio.wait_for(create(of)(scope, receive, send), 20))
