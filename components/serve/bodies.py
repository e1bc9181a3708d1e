"""A request's body on its way in and its answer on its way out, as the guard watches them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Send

from components.serve.problems import ProblemError

# Received and thrown away before a refusal: a browser that is still sending shows no answer.
_DRAINED = 256_000_000
_DRAINED_S = 10.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(eq=False)
class Body:
    """A request's body on its way in: no more than may be, and no longer than it may take."""

    receive: Receive
    most: int
    deadline: float | None
    size: int = 0
    problem: ProblemError | None = None

    async def __call__(self) -> Message:
        """Return the next message; the end of all where the body may not come any further."""
        if self.problem is not None:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.receive()
        except TimeoutError:
            self.problem = ProblemError("time-limit", "the request took too long to arrive")
            return {"type": "http.disconnect"}
        self.size += len(message.get("body", b""))
        if self.size > self.most:
            self.problem = too_large(self.most)
            return {"type": "http.disconnect"}
        if not message.get("more_body", False):  # what is waited for from here on is its end
            self.deadline = None
        return message

    async def drain(self) -> None:
        """Receive what is still coming, to a bound: who sends nothing must not hold a place."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAINED_S):
                await self._drain()

    async def _drain(self) -> None:
        while self.size <= _DRAINED:
            message = await self.receive()
            self.size += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                return


@dataclass(eq=False)
class Outgoing:
    """A response on its way out; nothing of it is sent once the body was refused."""

    send: Send
    body: Body
    status: int = 0

    async def __call__(self, message: Message) -> None:
        """Send a message, with the headers that protect whoever reads it."""
        if self.body.problem is not None and not self.status:
            return
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            own = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                own.setdefault(name, value)
            if "accept-ranges" in own:
                own["accept-ranges"] = "none"
        await self.send(message)


def too_large(most: int) -> ProblemError:
    """Return the refusal of a request above `most` bytes."""
    return ProblemError(
        "too-large", f"the request is larger than {most / 1e6:,g} MB, which is the limit here"
    )
