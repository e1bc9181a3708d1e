"""In a process that computes: what a model takes, for the page that asks for it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from components.core.bundle import FEWEST_MEMBERS, Predictor
from components.core.bundle_fields import field_facts
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import NOTES
from components.core.errors import InputError
from components.core.media.columns import MEDIA_COLUMNS
from components.core.modalities import (
    EVENTS,
    TITLES,
    EmbeddingModality,
    MediaModality,
    short_name,
)
from components.core.registry import input_example
from components.serve.answering import finite, predictor_of
from components.serve.batch_table import ECG_COLUMN
from components.serve.order import DECIMALS, ECG, IMAGE, SOUND, Bundle

_FIELDS = "clinical fields"
_DECLARED: tuple[dict[str, Any], ...] = (
    {"name": "ecg_fs", "kind": "number", "title": "Sampling rate (Hz)"},
    {"name": "ecg_unit", "kind": "choice", "title": "Unit", "levels": ["V", "mV", "uV", "nV", "z"]},
    {"name": "ecg_leads", "kind": "text", "title": "Leads in the file's order, parted by ;"},
    {"name": "ecg_key", "kind": "text", "title": "Name of the variable that holds the signal"},
    {"name": "ecg_decimal", "kind": "choice", "title": "Decimal mark", "levels": list(DECIMALS)},
)
_FILES: dict[str, dict[str, Any]] = {
    ECG: {
        "title": "ECG",
        "accept": [".xml", ".zip", ".dcm", ".mat", ".npy", ".csv"],
        "hint": "MUSE or HL7 aECG or Philips XML, DICOM, MATLAB, NumPy, CSV, or a WFDB record "
        "(header and signal files) as one zip",
        "declared": list(_DECLARED),
    },
    IMAGE: {
        "title": "ECG image",
        "accept": [".png", ".jpg", ".jpeg", ".bmp"],
        "hint": "the page as PNG, JPEG or BMP",
    },
    SOUND: {
        "title": "Heart sound",
        "accept": [".wav", ".flac"],
        "hint": "WAV or FLAC; several recordings of one patient may be given",
        "several": True,
    },
}


def described(bundle: Bundle) -> dict[str, Any]:
    """Return what a model says of itself, having answered its own example first.

    Raises:
        InputError: it cannot be loaded, or cannot answer.
    """
    predictor = predictor_of(bundle)
    _check_answers(predictor)
    facts = predictor.facts
    validation = facts.validation
    return {
        "bundle": facts.version,
        "task": facts.task,
        "head": facts.head,
        "label": facts.label,
        "trained_on": facts.trained_on(),
        "cohort": facts.cohort,
        "networks": len(facts.members),
        "interval": len(facts.members) >= FEWEST_MEMBERS,
        "abstains": facts.ecg is not None,
        "threshold": finite(float(predictor.calibrated(np.array([facts.threshold]))[0])),
        "validation": None if validation is None else validation.model_dump(mode="json"),
        "inputs": inputs(predictor),
        "columns": columns(facts),
    }


def columns(facts: BundleFacts) -> list[str]:
    """Return the columns that a batch's table must have."""
    files = [MEDIA_COLUMNS[name] for name in facts.media]
    ecg = [ECG_COLUMN] if facts.ecg is not None else []
    notes = [NOTES] if facts.notes else []
    events = [EVENTS] if facts.events is not None else []
    return [*ecg, *files, *notes, *facts.features, *facts.embeddings, *events]


def inputs(predictor: Predictor) -> list[dict[str, Any]]:
    """Return what a form asks for: files, fields, notes, embeddings, events."""
    facts = predictor.facts
    found = [_file(name, facts) for name in _files(facts)]
    if facts.notes:
        found.append(_entry(NOTES, "text", "Clinical notes", hint="as written, one text"))
    encoders = [member.stats.tabular for member in predictor.members]
    for each in field_facts(encoders, facts.features):
        found.append({
            **_entry(each.name, "choice" if each.kind == "categorical" else "number", each.name),
            "low": each.low, "high": each.high, "levels": list(each.levels), "group": _FIELDS,
        })  # fmt: skip
    for name in facts.embeddings:
        found += _embedding(name, facts)
    if facts.events is not None:
        found.append(_entry(
            EVENTS, "json", "Events before the prediction",
            hint='a list of {"hours_before_prediction": 3.5, "type": "lab", "text": "…"}',
        ))  # fmt: skip
    return found


def _files(facts: BundleFacts) -> tuple[str, ...]:
    return (*([ECG] if facts.ecg is not None else []), *facts.media)


def _file(name: str, facts: BundleFacts) -> dict[str, Any]:
    own = _FILES[name]
    return {
        **_entry(name, "file", str(own["title"]), hint=str(own["hint"])),
        "accept": own["accept"],
        "several": bool(own.get("several", False)),
        "declared": own.get("declared", []),
        "required": name == ECG and facts.ecg is not None,
        "column": ECG_COLUMN if name == ECG else MEDIA_COLUMNS[cast(MediaModality, name)],
    }


def _embedding(name: EmbeddingModality, facts: BundleFacts) -> list[dict[str, Any]]:
    width = facts.embeddings[name].width
    title = TITLES[name].capitalize()
    vector = _entry(name, "vector", title, hint=f"a JSON list of {width} numbers")
    quality = _entry(f"{name}_quality", "number", f"Quality of the {short_name(name)} embedding")
    return [vector | {"width": width}, quality | {"low": 0.0, "high": 1.0, "hard": True}]


def _entry(name: str, kind: str, title: str, *, hint: str = "") -> dict[str, Any]:
    return {
        "name": name, "kind": kind, "title": title, "required": False, "several": False,
        "accept": [], "hint": hint, "declared": [], "low": None, "high": None, "hard": False,
        "levels": [], "width": None, "group": "", "column": name,
    }  # fmt: skip


def _check_answers(predictor: Predictor) -> None:
    found = predictor.predict(input_example(predictor.facts))[0]
    # An encoder of notes lies beside a bundle; without it rows with notes are refused, one by one.
    if found.error and predictor.text_model is None:
        raise InputError(f"the model cannot answer its own example: {found.error}")
