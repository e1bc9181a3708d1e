"""The parts of a request → an order: which are there, and what the model takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from components.core.bundle_inputs import NOTES
from components.core.errors import nearest, quoted
from components.serve.order import FILES, SOUND, Order, Upload, ending_of
from components.serve.problems import ProblemError
from components.serve.shelf import Served

_MODEL = "registered name; may be left out where one is served"
# Heart sounds of one patient: four places, and some again.
_MOST_SOUNDS = 16


def _absent(value: object) -> object:
    """Return None for a file field that a form sends without a file."""
    empty = isinstance(value, str) and not value
    unnamed = isinstance(value, UploadFile) and not value.filename and not value.size
    return None if empty or unnamed else value


File = Annotated[
    UploadFile | None,
    BeforeValidator(_absent),
    WithJsonSchema({"type": "string", "format": "binary"}),
]


class Form(BaseModel):
    """The parts of `/predict` and `/explain`."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="registered name; may be left out where one is served"
    )
    ecg: File = Field(default=None, description="ECG file, or a WFDB record as one zip")
    ecg_image: File = Field(default=None, description="PNG, JPEG or BMP of an ECG page")
    pcg: list[UploadFile] = Field(
        default=[], max_length=_MOST_SOUNDS, description="heart sounds, WAV or FLAC"
    )
    notes: str = Field(default="", description="clinical notes")
    fields: str = Field(
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
    fields = _fields(form.fields)
    if form.notes.strip():
        fields = {**fields, NOTES: form.notes}
    _check_fields(fields, known.values())
    return Order(
        bundle=served.bundle,
        fields=fields,
        files=await _files(form, known),
        draw=form.draw,
    )


async def _files(form: Form, known: Mapping[str, Any]) -> dict[str, list[Upload]]:
    sent = {"ecg": [form.ecg], "ecg_image": [form.ecg_image], SOUND: [*form.pcg]}
    found: dict[str, list[Upload]] = {}
    for name in FILES:
        given = [each for each in sent[name] if each is not None]
        if given and name not in known:
            raise _not_taken(name, [each for each in FILES if each in known])
        if given:
            found[name] = [
                Upload(ending=ending_of(each.filename), content=await each.read()) for each in given
            ]
    return found


def _check_fields(fields: Mapping[str, Any], known: Any) -> None:  # noqa: ANN401 - a dict's view
    names: list[str] = []
    for each in known:
        own = each["declared"] if each["kind"] == "file" else [each]
        names += [entry["name"] for entry in own]
    for name in fields:
        if name not in names:
            raise _not_taken(name, names)


def _not_taken(name: str, known: Sequence[str]) -> ProblemError:
    hint = nearest(name, known) if known else "it takes none of this kind"
    return ProblemError(
        "invalid-request",
        f"the model takes no '{quoted(name)}'; {hint}",
        extra={"code": "not_taken"},
    )


def _fields(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_refused, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _no_object() from error
    if not isinstance(found, dict):
        raise _no_object()
    return found


def _refused(text: str) -> object:
    raise ValueError(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_object() -> ProblemError:
    return ProblemError(
        "invalid-request",
        "the part 'fields' is no JSON object, each name in it once; send e.g. {\"age\": 61}",
        extra={"code": "not_json", "field": "fields"},
    )


class BatchForm(BaseModel):
    """The parts of `/predict/batch`."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="registered name; may be left out where one is served"
    )
    table: UploadFile = Field(description="CSV, one row per patient")
    files: File = Field(default=None, description="zip of the files that the table names")
