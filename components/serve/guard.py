"""What stands before every address: who may ask, how much, how many at once, and what is told.

A plain ASGI layer, so that a request too large or without a token costs nothing behind it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from components.serve.bodies import Body, Outgoing, too_large
from components.serve.headers import as_read
from components.serve.metrics import Metrics
from components.serve.problems import KINDS, MEDIA_TYPE, ProblemError, document
from components.serve.settings import Settings, is_loopback

BATCH, CARD = "/predict/batch", "/card"
_OPEN = ("/health", "/problems/", "/page/")
_SAFE = ("GET", "HEAD", "OPTIONS")
# Of `Content-Length`; more digits are no size.
_MOST_DIGITS = 15
# Of the time limit of an answer: slow lines take longer to send than models to answer.
_SENDING = {BATCH: 60.0}
_OTHERS_SENDING = 4.0


@dataclass(eq=False)
class Guard:
    """The layer.

    Attributes:
        app: that is behind it.
        settings: of the service.
        metrics: that are counted.
        card_key: opens the model cards, since a link cannot bear a token.
    """

    app: ASGIApp
    settings: Settings
    metrics: Metrics
    card_key: str
    _open: int = field(default=0, init=False)
    _batches: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        body = Body(receive, self._most(scope["path"]), self._deadline(scope["path"]))
        answer = Outgoing(send, body)
        try:
            await self._handled(scope, body, answer)
        finally:
            self._count(scope, answer.status, time.perf_counter() - start)

    async def _handled(self, scope: Scope, body: Body, answer: Outgoing) -> None:
        try:
            self._check(scope)
            scope["headers"] = as_read(scope["headers"])
            with self._counted(scope):
                await self.app(scope, body, answer)
        except ProblemError as problem:
            body.problem = problem
        if body.problem is not None and not answer.status:
            await body.drain()
            problem, body.problem = body.problem, None
            await response(problem)(scope, body, answer)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_origin(scope, headers)
        self._check_token(scope, headers)
        stated = headers.get("content-length", "0")
        most = self._most(scope["path"])
        if not stated.isdecimal() or len(stated) > _MOST_DIGITS or int(stated) > most:
            raise too_large(most)

    @contextmanager
    def _counted(self, scope: Scope) -> Generator[None]:
        """Count a request that may be asked as open, or refuse it where there are too many.

        What asks how the service is, is answered; a batch may hold some memory as it comes in.
        """
        own, sends = self.settings, scope["method"] not in _SAFE
        batch = sends and scope["path"] == BATCH
        many = self._open >= 2 * (own.workers + own.waiting)
        if (many and sends) or (batch and self._batches >= own.batch_jobs):
            raise ProblemError("busy", "too many requests are open", headers={"Retry-After": "1"})
        self._open += 1
        self._batches += batch
        try:
            yield
        finally:
            self._open -= 1
            self._batches -= batch

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse another site's page, and another site's name for this machine."""
        host = headers.get("host", "")
        name = _parts(f"//{host}").hostname or ""
        if self.settings.on_loopback and not is_loopback(name):
            raise ProblemError("cross-site", "the service is not asked under this machine's name")
        if scope["method"] in _SAFE:
            return
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") or (
            origin is not None and _parts(origin).netloc != host
        ):
            raise ProblemError("cross-site", "the request comes from another site's page")

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        wanted = self.settings.token
        if wanted is None or scope["path"] == "/" or scope["path"].startswith(_OPEN):
            return
        if scope["path"].endswith(CARD) and secrets.compare_digest(
            scope["query_string"], f"key={self.card_key}".encode()
        ):
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(given.encode(), wanted.get_secret_value().encode())
        if kind.lower() != "bearer" or not right:
            raise ProblemError(
                "unauthorised",
                "the request bears no token, or another one",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _most(self, path: str) -> int:
        return self.settings.batch_bytes if path == BATCH else self.settings.upload_bytes

    def _deadline(self, path: str) -> float:
        share = _SENDING.get(path, _OTHERS_SENDING)
        return asyncio.get_running_loop().time() + share * self.settings.seconds

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # The pattern of the address, never the address: it may hold what somebody typed.
        route = getattr(scope.get("route"), "path", "none")
        self.metrics.requests.labels(route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)


def _parts(address: str) -> SplitResult:
    """Return an address, split; one that is none has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def response(problem: ProblemError) -> JSONResponse:
    """Return a problem as a response."""
    found: dict[str, Any] = document(problem)
    return JSONResponse(
        found,
        status_code=KINDS[problem.kind].status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )
