"""The addresses."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from components.serve import calls, uploads
from components.serve.contract import ALWAYS, SENT, problems, unless_gone
from components.serve.job import ARCHIVE, RESULT, TABLE
from components.serve.problems import KINDS, ProblemError, Refusal
from components.serve.schema import Answer, Explanation, Health, Job, Models
from components.serve.service import Service
from components.serve.uploads import BatchForm, order_of

PAGE = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# A model card has its own style and pictures, and needs nothing else.
_CARD_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_Single = Annotated[uploads.Form, Form(media_type="multipart/form-data")]
_Several = Annotated[BatchForm, Form(media_type="multipart/form-data")]
# What may be asked of a batch that has begun, as OpenAPI says it.
_LINKS = {
    name: {"operationId": name, "parameters": {"number": "$response.body#/id"}}
    for name in ("state", "result", "forget")
}
_PARTS = [Depends(uploads.parts_once)]


def router(service: Service) -> APIRouter:
    """Return every address of a service."""
    found = APIRouter()
    for add in (_page, _state, _single, _batch, _meaning):
        add(found, service)
    return found


def _page(found: APIRouter, service: Service) -> None:
    del service
    files = {f.name: f for f in PAGE.iterdir() if f.suffix in _TYPES}

    @found.get("/", include_in_schema=False)
    async def index() -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html")

    @found.get("/page/{name}", include_in_schema=False)
    async def page(name: str) -> Response:
        if name not in files:
            raise ProblemError("not-found", "the page has no such file")
        return FileResponse(files[name], media_type=_TYPES[files[name].suffix])


def _state(found: APIRouter, service: Service) -> None:
    @found.get("/models", response_model=Models, responses=problems(*ALWAYS))
    async def models() -> dict[str, Any]:
        """Return the models that are served, what they take, and what a request may be."""
        return service.models()

    @found.get("/models/{name}/card", response_class=HTMLResponse, responses=problems(404, *ALWAYS))
    async def card(name: str) -> Response:
        """Return a model's card."""
        served = service.shelf.of(name)
        if served.card is None:
            raise ProblemError("not-found", "the version's run has no model card any more")
        return HTMLResponse(served.card, headers={"Content-Security-Policy": _CARD_POLICY})

    @found.get("/health", response_model=Health, responses=problems(*ALWAYS))
    async def health() -> dict[str, Any]:
        """Return whether the service answers, and by which versions."""
        return service.health()

    @found.get("/metrics", response_class=PlainTextResponse, responses=problems(*ALWAYS))
    async def metrics() -> Response:
        """Return what the service counts, for Prometheus."""
        service.metrics.models.clear()
        for name, each in service.shelf.served.items():
            service.metrics.models.labels(name, each.version).set(1)
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _single(found: APIRouter, service: Service) -> None:
    limits: Any = uploads.LIMITS | {"max_part_size": service.settings.upload_bytes}

    async def asked(
        request: Request, form: uploads.Form, function: Callable[..., Any]
    ) -> dict[str, Any]:
        served = service.shelf.of(form.model)
        with service.shelf.using(served):
            order = await order_of(form, served)
            said = await unless_gone(request, service.processes.ask(function, order))
        names = service.names_of(served)
        if isinstance(said, Refusal):
            service.metrics.refusals.labels(said.code).inc()
            raise said.problem()
        answer = said.get("answer", said)
        answer |= names
        outcome = "abstained" if answer["abstain"] else "answered"
        service.metrics.answers.labels(served.model, served.version, outcome).inc()
        return said

    @found.post(
        "/predict",
        response_model=Answer,
        responses=problems(*SENT),
        dependencies=_PARTS,
        form_limits=limits,
    )
    async def predict(request: Request, form: _Single) -> dict[str, Any]:
        """Return the answer for one patient: probability, interval, quality or abstention."""
        return await asked(request, form, calls.answer)

    @found.post(
        "/explain",
        response_model=Explanation,
        responses=problems(*SENT),
        dependencies=_PARTS,
        form_limits=limits,
    )
    async def explain(request: Request, form: _Single) -> dict[str, Any]:
        """Return the answer for one patient and what it rests on, in log-odds."""
        return await asked(request, form, calls.explain)


def _batch(found: APIRouter, service: Service) -> None:
    keep = 60 * service.settings.keep_minutes

    @found.post(
        "/predict/batch",
        response_model=Job,
        status_code=202,
        responses={202: {"links": _LINKS}, **problems(*SENT)},
        dependencies=_PARTS,
        form_limits=uploads.BATCH_LIMITS,  # pyright: ignore[reportArgumentType]
    )
    async def begin(request: Request, form: _Several, response: Response) -> dict[str, Any]:
        """Begin a batch: a table of patients, and the files that it names in one zip."""
        job = service.jobs.new(service.shelf.of(form.model))
        try:
            with service.shelf.using(job.served):
                await asyncio.to_thread(_keep, form.table, job.folder / TABLE)
                if form.files is not None:
                    await asyncio.to_thread(_keep, form.files, job.folder / ARCHIVE)
                await unless_gone(request, service.jobs.start(job))
        except BaseException:  # a full disk, a stop: it must not hold a batch's place
            await service.jobs.forget(job.id)
            raise
        response.headers["Location"] = f"/predict/batch/{job.id}"
        return job.told(keep)

    @found.get(
        "/predict/batch/{number}",
        response_model=Job,
        responses=problems(404, *ALWAYS),
        operation_id="state",
    )
    async def state(number: str) -> dict[str, Any]:
        """Return how far a batch is."""
        return service.jobs.of(number).told(keep)

    @found.get(
        "/predict/batch/{number}/result",
        operation_id="result",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}, **problems(404, 409, *ALWAYS)},
    )
    async def result(number: str) -> Response:
        """Return a batch's result, one line of CSV per row of its table."""
        job = service.jobs.of(number)
        if job.status != "done":
            raise ProblemError("not-ready", f"the batch is {job.status}")
        return FileResponse(job.folder / RESULT, media_type="text/csv", filename="predictions.csv")

    @found.delete(
        "/predict/batch/{number}",
        status_code=204,
        responses=problems(404, *ALWAYS),
        operation_id="forget",
    )
    async def forget(number: str) -> Response:
        """Stop a batch and delete all of it."""
        await service.jobs.forget(number)
        return Response(status_code=204)


def _meaning(found: APIRouter, service: Service) -> None:
    del service

    @found.get(
        "/problems/{name}",
        response_class=PlainTextResponse,
        responses=problems(404, *ALWAYS),
    )
    async def problem(name: str) -> str:
        """Return what a type of problem means."""
        if name not in KINDS:
            raise ProblemError("not-found", "there is no such type of problem")
        kind = KINDS[name]
        return f"{kind.title} ({kind.status})\n\n{kind.meaning}\n"


def _keep(upload: UploadFile, target: Path) -> None:
    with target.open("wb") as sink:
        shutil.copyfileobj(upload.file, sink)
