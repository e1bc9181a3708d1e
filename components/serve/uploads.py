"""The parts of a request → an order: which are there, and what the model takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, cast

from fastapi import Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from components.core.bundle_inputs import NOTES
from components.core.cells import MISSING
from components.core.errors import nearest, quoted
from components.serve.order import DECIMALS, FILES, SOUND, Order, Upload, ending_of
from components.serve.parsing import parsed
from components.serve.problems import ProblemError
from components.serve.shelf import Served

_FORM = "multipart/form-data"
# Heart sounds of one patient: four places, and some again.
_MOST_SOUNDS = 16
# What a form may have, once each, and one more of each sort that is then refused by its name.
LIMITS = {"max_files": _MOST_SOUNDS + 3, "max_fields": 5}
BATCH_LIMITS = {"max_files": 3, "max_fields": 2}
_DECIMAL = "ecg_decimal"


def _absent(value: object) -> object:
    """Return None for a file field that a form sends without a file."""
    empty = isinstance(value, str) and not value
    unnamed = isinstance(value, UploadFile) and not value.filename and not value.size
    return None if empty or unnamed else value


def _text(value: object) -> object:
    """Return a part's text, which `headers.as_read` lets arrive as Latin-1 whatever it is in."""
    return value.encode("latin-1").decode("utf-8") if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
File = Annotated[
    UploadFile | None,
    BeforeValidator(_absent),
    WithJsonSchema({"type": "string", "format": "binary"}),
]


async def parts_once(request: Request) -> None:
    """Refuse a request whose parts would not be looked at, or of which only the last would be.

    Raises:
        ProblemError: `wrong-type`, `invalid-request`.
    """
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        raise ProblemError("wrong-type", f"the request is no form; send its parts as {_FORM}")
    counts = Counter(name for name, _ in (await request.form()).multi_items())
    once = {*Form.model_fields, *BatchForm.model_fields} - {SOUND}
    twice = sorted(name for name in once if counts[name] > 1)
    if twice:
        raise _twice(twice[0], f"the part '{twice[0]}' is there {counts[twice[0]]} times")


def _twice(name: str, words: str) -> ProblemError:
    extra = {"code": "part_twice", "field": name}
    return ProblemError("invalid-request", f"{words}; send it once", extra=extra)


class Form(BaseModel):
    """The parts of `/predict` and `/explain`."""

    model_config = ConfigDict(extra="forbid")
    model: Text = Field(
        default="", description="registered name; may be left out where one is served"
    )
    ecg: File = Field(default=None, description="ECG file, or a WFDB record as one zip")
    ecg_image: File = Field(default=None, description="PNG, JPEG or BMP of an ECG page")
    pcg: list[UploadFile] = Field(
        default=[], max_length=_MOST_SOUNDS, description="heart sounds, WAV or FLAC"
    )
    notes: Text = Field(default="", description="clinical notes")
    fields: Text = Field(
        default="",
        description="JSON object: clinical fields, what is declared of the ECG (ecg_fs, …), "
        "embeddings, events",
        examples=['{"age": 61, "sex": "F"}'],
    )
    draw: bool = Field(default=False, description="with pictures of what was read")


async def order_of(form: Form, served: Served) -> Order:
    """Return what a request asks of a model.

    Raises:
        ProblemError: `invalid-request`: no JSON, or a part or field that the model does not take.
    """
    known = {each["name"]: each for each in served.facts["inputs"]}
    # Megabytes of events take seconds, in which everybody else wants to be heard.
    fields = await asyncio.to_thread(_fields, form.fields)
    if form.notes.strip():
        if fields.get(NOTES) is not None:
            raise _twice(NOTES, f"there is a part 'notes', and '{NOTES}' among the fields")
        fields = {**fields, NOTES: form.notes}
    _check_fields(fields, known.values())
    files = await _files(form, known)
    if not fields and not files:
        raise ProblemError(
            "invalid-request",
            f"the request has nothing to answer from; the model takes {', '.join(known)}",
            extra={"code": "nothing_sent"},
        )
    return Order(bundle=served.bundle, fields=fields, files=files, draw=form.draw)


async def _files(form: Form, known: Mapping[str, Any]) -> dict[str, list[Upload]]:
    sent = {"ecg": [form.ecg], "ecg_image": [form.ecg_image], SOUND: [*form.pcg]}
    found: dict[str, list[Upload]] = {}
    for name in FILES:
        given = [each for each in sent[name] if each is not None]
        if given and name not in known:
            taken = ", ".join(each for each in FILES if each in known)
            raise _not_taken(name, f"it takes {taken or 'no files'}")
        if given:
            found[name] = [
                Upload(ending=ending_of(each.filename), content=await each.read()) for each in given
            ]
    return found


def _check_fields(fields: Mapping[str, Any], known: Any) -> None:  # noqa: ANN401 - a dict's view
    kinds: dict[str, str] = {}
    for each in known:
        own = each["declared"] if each["kind"] == "file" else [each]
        kinds |= {entry["name"]: entry["kind"] for entry in own}
    for name, value in fields.items():
        if name not in kinds:
            raise _not_taken(name, nearest(name, kinds) if kinds else "it takes no fields")
        if kinds[name] == "number" and not _is_number(value):
            raise _wrong(name, "holds no number; send one, or null")
        if kinds[name] in ("choice", "text") and not isinstance(value, str | None):
            raise _wrong(name, "holds no text; send one, or null")
    mark = fields.get(_DECIMAL) or "."
    if mark not in DECIMALS:
        raise _wrong(_DECIMAL, f"is none of {' '.join(DECIMALS)}; send one of them, or null")


def _is_number(value: object) -> bool:
    """Return whether a reader takes it as a number, or as missing; a switch is neither."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return value.strip() in MISSING
    return value is None or (isinstance(value, int | float | str) and not isinstance(value, bool))


def _wrong(name: str, why: str) -> ProblemError:
    # Never the value: readers' own errors repeat it, and it may stand in the wrong field.
    return ProblemError(
        "invalid-request", f"the field '{name}' {why}", extra={"code": "wrong_type", "field": name}
    )


def _not_taken(name: str, hint: str) -> ProblemError:
    return ProblemError(
        "invalid-request",
        f"the model takes no '{quoted(name)}'; {hint}",
        extra={"code": "not_taken"},
    )


def _fields(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = parsed(text)
    except ValueError as error:
        raise _no_object() from error
    if not isinstance(found, dict):
        raise _no_object()
    return cast("dict[str, Any]", found)


def _no_object() -> ProblemError:
    return ProblemError(
        "invalid-request",
        "the part 'fields' is no JSON object, each name in it once; send e.g. {\"age\": 61}",
        extra={"code": "not_json", "field": "fields"},
    )


class BatchForm(BaseModel):
    """The parts of `/predict/batch`."""

    model_config = ConfigDict(extra="forbid")
    model: Text = Field(
        default="", description="registered name; may be left out where one is served"
    )
    table: UploadFile = Field(description="CSV, one row per patient")
    files: File = Field(default=None, description="zip of the files that the table names")
