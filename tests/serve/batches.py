"""Batches as a client sends them, with what computes in this process."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pandas as pd
import pytest

from components.serve.app import create
from components.serve.service import Service
from components.serve.shelf import Served
from tests.bundles import zipped_ecg
from tests.serve.near import ADDRESS, problem

Shelf = Callable[[str], Served]
Asking = Callable[[httpx2.AsyncClient], Awaitable[Any]]


def asked(of: Service, asking: Asking) -> Any:
    """Return what one client hears, all of it in one loop, as a service has."""

    async def ask() -> Any:
        transport = httpx2.ASGITransport(app=create(of), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            return await asking(http)

    return asyncio.run(ask())


async def ended(http: httpx2.AsyncClient, number: str) -> dict[str, Any]:
    """Return a batch once it has ended."""
    for _ in range(2000):
        job = (await http.get(f"/predict/batch/{number}")).json()
        if job["status"] not in ("queued", "running"):
            return job
        await asyncio.sleep(0.005)
    pytest.fail("the batch does not end")


def batch(of: Service, table: str, files: bytes | None = None) -> tuple[Any, pd.DataFrame | None]:
    """Return how a batch ended, and its result."""

    async def asking(http: httpx2.AsyncClient) -> Any:
        parts: dict[str, Any] = {"table": ("patients.csv", table.encode())}
        if files is not None:
            parts["files"] = ("files.zip", files)
        begun = await http.post("/predict/batch", files=parts)
        assert begun.status_code == 202, begun.text
        number = begun.json()["id"]
        assert begun.headers["location"] == f"/predict/batch/{number}"
        job = await ended(http, number)
        result = await http.get(f"/predict/batch/{number}/result")
        if job["status"] != "done":
            problem(result, 409, "not-ready")
            return job, None
        assert result.headers["content-type"].startswith("text/csv")
        left = {each.name for each in (of.scratch / f"batch-{number}").iterdir()}
        assert left == {"result.csv"}  # nothing of what was sent
        return job, pd.read_csv(io.StringIO(result.text), keep_default_na=False, na_values=[""])

    return asked(of, asking)


def packed(files: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return found.getvalue()


def wfdb(folder: str = "") -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(zipped_ecg()))) as archive:
        return {f"{folder}{name}": archive.read(name) for name in archive.namelist()}
