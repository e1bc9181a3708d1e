"""Errors as problem details (RFC 9457): a type, a title, a status, one sentence of detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.core.errors import CardioError, RecordError, UserError

MEDIA_TYPE = "application/problem+json"
UNREADABLE = "unreadable-input"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type of problem.

    Attributes:
        status: of HTTP.
        title: the same for every occurrence.
        meaning: what it means and what to do.
    """

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    UNREADABLE: Kind(
        status=422,
        title="The input cannot be used",
        meaning="A file, a field or the whole input cannot be taken in. `code` is the reason as in "
        "rejects.parquet, `detail` says what to do.",
    ),
    "invalid-request": Kind(
        status=422,
        title="The request is not what this address takes",
        meaning="A part is missing, unknown or of another type; /openapi.json says what is taken.",
    ),
    "no-such-model": Kind(
        status=404,
        title="This model is not served",
        meaning="The name in `model` is none of those under /models.",
    ),
    "not-found": Kind(
        status=404,
        title="There is nothing here",
        meaning="The address is wrong, or a batch has been forgotten: results are kept for a while "
        "only.",
    ),
    "not-ready": Kind(
        status=409,
        title="The result is not there yet",
        meaning="The batch still runs, or ended without a result. Ask for its state.",
    ),
    "unauthorised": Kind(
        status=401,
        title="A token is needed",
        meaning="Send `Authorization: Bearer <token>` with the token that the service was started "
        "with.",
    ),
    "cross-site": Kind(
        status=403,
        title="Another site may not ask",
        meaning="The request came from a page of another origin, or under another name than this "
        "service's.",
    ),
    "too-large": Kind(
        status=413,
        title="The request is too large",
        meaning="Send one recording at a time, or a batch in parts; /models says the limits.",
    ),
    "wrong-type": Kind(
        status=415,
        title="The request is of another type than this address takes",
        meaning="Send the parts as multipart/form-data, as an HTML form does.",
    ),
    "method-not-allowed": Kind(
        status=405,
        title="This address takes another method",
        meaning="/openapi.json says which.",
    ),
    "busy": Kind(
        status=503,
        title="Too many requests at once",
        meaning="Every process is at work and the queue is full. Try again after `Retry-After` "
        "seconds.",
    ),
    "time-limit": Kind(
        status=503,
        title="The answer took too long",
        meaning="It was stopped at the time limit of one request; send a shorter recording.",
    ),
    "not-loaded": Kind(
        status=503,
        title="The model cannot be asked at the moment",
        meaning="Its version could not be loaded; `detail` in /models says why.",
    ),
    "fault": Kind(
        status=500,
        title="The service failed",
        meaning="A fault of the software. Its log names kind and place, no patient's data.",
    ),
}


class ProblemError(UserError):
    """A request that gets a problem in place of an answer.

    Args:
        kind: a key of `KINDS`.
        detail: one sentence, without anything that could name a patient.
        extra: further members of the document.
        headers: of the response.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.extra = extra or {}
        self.headers = headers or {}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault as a process hands it on: an error of a library may not survive the way, or say data.

    Attributes:
        kind: class of the error.
        place: file and line.
    """

    kind: str
    place: str


class FaultError(CardioError):
    """A process met a fault of the software."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.kind} at {fault.place}")
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refusal as a process hands it on.

    Attributes:
        detail: one sentence.
        code: reason code.
        field: concerned; empty where there is none.
    """

    detail: str
    code: str = "input"
    field: str = ""
    kind: str = UNREADABLE

    def problem(self) -> ProblemError:
        """Return it as an error of the request."""
        extra = {"code": self.code} | ({"field": self.field} if self.field else {})
        return ProblemError(self.kind, self.detail, extra=extra)


def refusal(error: UserError) -> Refusal:
    """Return what a reader or a bundle says of an input that it cannot take."""
    if isinstance(error, RecordError):
        return Refusal(detail=str(error), code=error.code, field=error.field)
    return Refusal(detail=str(error))


def document(error: ProblemError) -> dict[str, Any]:
    """Return the problem as RFC 9457 has it."""
    kind = KINDS[error.kind]
    return {
        "type": f"/problems/{error.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": str(error),
        **error.extra,
    }
