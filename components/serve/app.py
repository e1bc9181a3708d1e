"""The HTTP application: addresses, documents, errors. What computes lies in other processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from components.core.errors import shorten
from components.core.progress import say
from components.serve import routes
from components.serve.guard import Guard, response
from components.serve.problems import FaultError, ProblemError
from components.serve.schema import NOTICE, Problem
from components.serve.service import Service
from components.serve.uploads import BatchForm, Form

# What nginx writes of a client that went away; nobody receives it.
_GONE = 499
# The schema of FastAPI's own errors, which are never sent.
_OWN = "HTTPValidationError"
_STATUS = {404: "not-found", 405: "method-not-allowed"}


def create(service: Service) -> Guard:
    """Return the application of a service, behind its guard."""
    # Up to the limit of one request, uploads never touch a disk; how many a form may have, its
    # address says.
    MultiPartParser.spool_max_size = service.settings.upload_bytes

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncGenerator[None]:
        del app
        async with service.running():
            yield

    app = FastAPI(
        title="cardio-oncology",
        summary="Predictions of registered models for single patients and batches.",
        description=NOTICE,
        version="1",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    own = routes.router(service)
    app.include_router(own)
    for kind, handler in _handlers(own).items():
        app.add_exception_handler(kind, handler)
    _complete(app, service.settings.models)
    return Guard(app, service.settings, service.metrics, service.card_key)


def _complete(app: FastAPI, models: tuple[str, ...]) -> None:
    """Put the document of every error and the names of the models into OpenAPI."""
    stated = app.openapi

    def openapi() -> dict[str, Any]:
        found = stated()
        schemas = found["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        for form in (Form, BatchForm):
            schemas[form.__name__]["properties"]["model"]["enum"] = ["", *models]
        for operation in (each for path in found["paths"].values() for each in path.values()):
            # FastAPI's own word on every address with a parameter; none of them sends it.
            if "422" in operation["responses"] and _OWN in str(operation["responses"]["422"]):
                del operation["responses"]["422"]
        for unused in (_OWN, "ValidationError"):
            schemas.pop(unused, None)
        return found

    app.openapi = openapi  # type: ignore[method-assign]


def _handlers(own: APIRouter) -> dict[type[Exception], Callable[[Request, Any], Response]]:
    return {
        ProblemError: lambda _, error: response(error),
        RequestValidationError: lambda _, error: response(_invalid(error)),
        HTTPException: lambda request, error: _of_http(request, error, own),
        ClientDisconnect: lambda *_: Response(status_code=_GONE),
        Exception: lambda _, error: _fault(error),
    }


def _invalid(error: RequestValidationError) -> ProblemError:
    """Return which parts are wrong; never what stands in them."""
    found = [
        f"{'.'.join(str(part) for part in each['loc'] if part != 'body')}: {each['type']}"
        for each in error.errors()
        if each["type"] != "extra_forbidden"
    ]
    unknown = sum(each["type"] == "extra_forbidden" for each in error.errors())
    if unknown:
        found.append(f"{unknown} part(s) that are not taken here")
    return ProblemError(
        "invalid-request",
        f"{shorten('; '.join(found), 300)}; see /openapi.json",
        extra={"code": "invalid_request"},
    )


def _of_http(request: Request, error: HTTPException, own: APIRouter) -> JSONResponse:
    kind = _STATUS.get(error.status_code, "invalid-request")
    headers = dict(error.headers or {})
    if kind == "method-not-allowed":  # the router names those of one route of several
        headers["Allow"] = ", ".join(_methods(request.url.path, own))
    return response(ProblemError(kind, f"{error.detail or kind}", headers=headers))


def _methods(path: str, own: APIRouter) -> list[str]:
    """Return the methods that an address takes."""
    found: set[str] = set()
    for route in own.routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            found |= route.methods or set()
    return sorted(found)


def _fault(error: Exception) -> JSONResponse:
    # Not its message: that may quote what was sent.
    say(f"serve: fault: {error if isinstance(error, FaultError) else type(error).__name__}")
    return response(ProblemError("fault", "the service failed; its log names the kind of fault"))
