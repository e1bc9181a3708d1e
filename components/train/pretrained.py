"""A trunk taken over from another model: does the cohort feed it, and its weights into a network.

The trunk goes on seeing its inputs as it learned them: normalisation, encoder of the clinical
fields and of the notes are its own, for every part of every fold.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from components.core.config.task import TaskConfig
from components.core.data import foldstats
from components.core.data.cohort import folds, read_stats
from components.core.data.foldstats import FoldStats
from components.core.data.patient_set import FILE as PATIENTS
from components.core.errors import ConfigError, InputError, shorten
from components.core.members import pretrained_folder
from components.core.models.blocks.trunk import TrunkModel
from components.core.pretrained import STATS, WEIGHTS, Pretrained
from components.core.store import Stage, Workspace, read_stage

_OWN = "trunk."
# What decides what a sample means, beside leads and length.
_ECG = ("fs", "unit", "highpass_hz", "notch_hz")


def stats_for(trunk: Pretrained, fold: str) -> FoldStats:
    """Return the statistics that the trunk was trained with, under the name of a fold."""
    found = foldstats.load(trunk.folder / STATS)
    return found.model_copy(update={"fold": fold, "origin": trunk.facts.version})


def take_over(model: nn.Module, trunk: Pretrained) -> None:
    """Give a freshly made model the trunk's weights; its heads stay as they are.

    Raises:
        InputError: the weights cannot be read or have other names or shapes.
    """
    if not isinstance(model, TrunkModel):
        raise ConfigError("model.init_from needs a model with a trunk; set model.name=trunk")
    try:
        state = load_file(str(trunk.folder / WEIGHTS))
        own = {k.removeprefix(_OWN): v for k, v in state.items() if k.startswith(_OWN)}
        model.trunk.load_state_dict(own)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the weights of the model {trunk.name} that model.init_from names do not fit its own "
            f"settings ({shorten(error)}); evaluate that model again"
        ) from error


def keep_patients(trunk: Pretrained, work: Workspace) -> None:
    """Copy the list of whom the trunk was trained on, where it has one, for the next model."""
    if (trunk.folder / PATIENTS).is_file():
        folder = pretrained_folder(work.folder)
        folder.mkdir(exist_ok=True)
        shutil.copyfile(trunk.folder / PATIENTS, folder / PATIENTS)


def facts_of(trunk: Pretrained, task: TaskConfig) -> dict[str, Any]:
    """Return what a train stage says of the trunk that it started from."""
    return {
        "task": trunk.facts.task,
        "version": trunk.facts.version,
        "trained_on": trunk.facts.trained_on(),
        "frozen": bool(task.model["freeze"]),
    }


def said_of(trunk: Pretrained, task: TaskConfig) -> str:
    """Return what the terminal says of a training that starts from a trunk."""
    how = "frozen, the heads alone are trained" if task.model["freeze"] else "trained on"
    left = ", ".join(f"without:{name}" for name in task.fit.ablate)
    note = f"; {left} left out, which would need other trunks" if left else ""
    return f"train: trunk of the model {trunk.name}, {how}{note}"


def check_fits(trunk: Pretrained, stage: Stage) -> None:
    """Refuse a cohort whose records mean something else than those of the trunk's training.

    Raises:
        InputError: naming what differs, with both values.
    """
    for what, own, theirs, advice in _pairs(trunk, stage):
        if own != theirs:
            raise InputError(
                f"{what} of the cohort {stage.fingerprint[:12]}: {own}; the trunk of the model "
                f"{trunk.name} was trained with {theirs}; {advice}"
            )


def _pairs(trunk: Pretrained, stage: Stage) -> Iterator[tuple[str, object, object, str]]:
    """Yield what is compared: its name, the cohort's value, the trunk's, and what to do."""
    there = stage.facts["modalities"]
    ecg: dict[str, Any] = stage.facts["ecg"] if "ecg" in there else {"leads": [], "length": 0}
    again = "prepare it with the settings of that model"
    bring = f"{again}, or train a trunk of its own (leave model.init_from out)"
    yield "number of leads", len(ecg["leads"]), trunk.spec.leads, bring
    yield "length of the ECGs in samples", ecg["length"], trunk.spec.length, bring
    yield from _prepared(trunk, ecg, again)
    yield "width of the embedded notes", *_note_widths(trunk, stage), bring
    if trunk.facts.notes:
        masked = bool(stage.facts.get("notes_masked", True))
        yield "notes_masked", masked, trunk.facts.notes_masked, again
    own, theirs = _fields(stage), trunk.facts.features
    yield "number of clinical fields", len(own), len(theirs), _missing(own, theirs)
    yield "clinical fields", _text(own), _text(theirs), _missing(own, theirs)


def _prepared(
    trunk: Pretrained, ecg: dict[str, Any], advice: str
) -> Iterator[tuple[str, object, object, str]]:
    if trunk.facts.ecg is None:
        return
    theirs = trunk.facts.ecg.model_dump(mode="json")
    yield "order of leads", ", ".join(ecg["leads"]), ", ".join(theirs["leads"]), advice
    for name in _ECG:
        yield f"preprocess.ecg.{name}", ecg.get(name), theirs[name], advice


def _note_widths(trunk: Pretrained, stage: Stage) -> tuple[int, int]:
    """Return both widths; one value where the trunk's own encoder will read these notes."""
    theirs = trunk.spec.text
    if "text" not in stage.facts["modalities"]:
        return 0, theirs
    encoder = stage.facts.get("text_encoder")
    if encoder is not None:
        return int(encoder["width"]), theirs
    own = read_stats(stage, folds(stage)[0]).text
    fitted = 0 if own is None else len(own.mean)
    return (theirs, theirs) if theirs else (fitted, theirs)


def _fields(stage: Stage) -> dict[str, str]:
    kinds: dict[str, str] = read_stage(stage.input_folder("ingest")).facts["features"]
    return {name: kinds[name] for name in stage.facts["features"]}


def _missing(own: dict[str, str], theirs: dict[str, str]) -> str:
    lacks = [name for name in theirs if name not in own]
    if lacks:
        return f"bring {', '.join(lacks)}"
    return f"set preprocess.tabular=[{','.join(theirs)}] and declare each as that model has it"


def _text(fields: dict[str, str]) -> str:
    return ", ".join(f"{name} ({fields[name]})" for name in sorted(fields))
