"""What the addresses have in common: the errors that they state, and whom they work for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from components.serve.problems import KINDS, MEDIA_TYPE

R = TypeVar("R")
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI states the errors of an address."""
    titles = {
        status: "; ".join(k.title for k in KINDS.values() if k.status == status)
        for status in statuses
    }
    return {status: {"description": title, **_PROBLEM} for status, title in titles.items()}


ALWAYS = (401, 403, 405, 413, 500, 503)
SENT = (404, 415, 422, *ALWAYS)


async def unless_gone(request: Request, work: Coroutine[Any, Any, R]) -> R:
    """Return what some work comes to, or stop it as soon as nobody waits for it any more.

    Raises:
        ClientDisconnect: nobody does.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    """Return once the client has gone away; its whole body has been received."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
