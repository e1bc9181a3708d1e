"""A bundle of every kind, and what to ask it: a request and the same as a row of `predict`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.core.bundle_seal import seal
from tests import media_bundles
from tests.bundles import csv_ecg, write_toy_bundle, zipped_ecg
from tests.embedding_bundles import know_standin, vectors, write_embedding_bundle
from tests.event_bundles import FIELDS, course, write_event_bundle
from tests.head_bundles import write_heads_bundle
from tests.media_bundles import picture, sound, write_media_bundle

Files = list[tuple[str, tuple[str, bytes]]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One patient.

    Attributes:
        fields: as JSON has them.
        files: parts of the request.
        notes: of the patient.
        row: all of it as `Predictor.predict` takes it.
    """

    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    files: Files = field(default_factory=list[tuple[str, tuple[str, bytes]]])
    notes: str = ""
    row: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def data(self) -> dict[str, str]:
        """Return the parts that are text."""
        return {"fields": json.dumps(self.fields), "notes": self.notes}


def _ecg(number: int) -> tuple[Files, dict[str, Any], dict[str, Any]]:
    """Return parts, fields and columns of one of two recordings."""
    if number:
        declared = {"ecg_fs": 250, "ecg_unit": "mV"}
        content = base64.b64decode(csv_ecg())
        files: Files = [("ecg", ("x.csv", content))]
        return files, declared, {"ecg_base64": csv_ecg(), **declared}
    content = base64.b64decode(zipped_ecg())
    return [("ecg", ("x.zip", content))], {}, {"ecg_base64": zipped_ecg()}


def toy(number: int) -> Asked:
    """Return a patient with ECG and clinical fields."""
    files, declared, columns = _ecg(number)
    own = {"age": 61.5 + 20 * number, "sex": "FM"[number]}
    return Asked(fields=own | declared, files=files, row=own | columns)


def abstaining(folder: Path) -> Path:
    """Write a bundle that every recording is too poor for."""
    found = write_toy_bundle(folder, members=1)
    facts = json.loads((found / "bundle.json").read_text())
    (found / "bundle.json").write_text(json.dumps(facts | {"min_quality": 1.0}))
    seal(found)
    return found


def fields_alone(number: int) -> Asked:
    """Return a patient with clinical fields; of the second some are not known."""
    own = [{"age": 48, "sex": "F"}, {"age": None, "sex": "M"}][number]
    return Asked(fields=own, row=own)


def heads(number: int) -> Asked:
    """Return a patient with ECG, fields and notes."""
    base = toy(number)
    notes = ["dyspnoea at night, legs swollen", "feels well"][number]
    return Asked(
        fields=base.fields, files=base.files, notes=notes,
        row=base.row | {"clinical_notes": notes},
    )  # fmt: skip


def media(number: int) -> Asked:
    """Return a patient with a page and sounds; the second has no page and one sound."""
    own = {"age": 50.0 + number, "sex": "M"}
    sounds = [sound(seed) for seed in range(2 - number)]
    files: Files = [("pcg", (f"{i}.wav", each)) for i, each in enumerate(sounds)]
    row: dict[str, Any] = own | {"pcg_base64": ";".join(map(media_bundles.sent, sounds))}
    if not number:
        files.append(("ecg_image", ("page.png", picture())))
        row["ecg_image_base64"] = media_bundles.sent(picture())
    return Asked(fields=own, files=files, row=row)


def embeddings(number: int) -> Asked:
    """Return a patient with embeddings; the second lacks two."""
    own: dict[str, Any] = {str(name): value for name, value in vectors(number).items()}
    for name in list(own)[: 2 * number]:
        del own[name]
    first = next(iter(own))
    own[f"{first}_quality"] = 0.5
    return Asked(fields=own, row=own)


def events(number: int) -> Asked:
    """Return a patient with a course and fields; the second without fields."""
    own = {"events": course(number), **({} if number else FIELDS)}
    return Asked(fields=own, row=own)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A kind of bundle.

    Attributes:
        write: it into a folder.
        asked: one of two patients.
        heads: that its answers name.
    """

    write: Callable[[Path], Path]
    asked: Callable[[int], Asked]
    heads: Sequence[str] = ()


def _embedding(folder: Path) -> Path:
    know_standin()
    return write_embedding_bundle(folder)


SUBJECTS = {
    "ecg_fields": Subject(write=lambda folder: write_toy_bundle(folder, members=5), asked=toy),
    "fields": Subject(write=lambda folder: write_toy_bundle(folder, ecg=False), asked=fields_alone),
    "heads": Subject(
        write=write_heads_bundle, asked=heads, heads=("lvef", "survival", "risk", "confidence")
    ),
    "media": Subject(write=write_media_bundle, asked=media),
    "embeddings": Subject(write=_embedding, asked=embeddings),
    "events": Subject(write=write_event_bundle, asked=events),
}
