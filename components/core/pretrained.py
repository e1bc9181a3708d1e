"""A pretrained trunk: `model.init_from`, resolved once to a copy named by its content.

An alias, a run or a folder may hold something else tomorrow, and a folder's name tells about the
machine. So before a fingerprint is made, what the trunk needs of the bundle is copied to
`data/trunks/<digest>/`, and the setting becomes `trunk:<digest>`: the hash over the bundle's
version and every file, so that it enters the fingerprints of audit and train by itself.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.core import store
from components.core.bundle_files import MANIFEST, BundleFacts
from components.core.config.base import Frozen, digest
from components.core.config.task import TaskConfig
from components.core.data.patient_set import FILE as PATIENTS
from components.core.errors import CardioError, ConfigError, InputError
from components.core.files import file_hash, storage_errors
from components.core.image_weights import resolve_image_weights
from components.core.models.registry import model_config
from components.core.models.spec import DataSpec
from components.core.progress import say
from components.core.registry import bundle_folder

PREFIX = "trunk:"
FOLDER = "trunks"
MODEL = "trunk"
WEIGHTS, SPEC, STATS = "weights.safetensors", "spec.json", "norm_stats.json"
_MEMBER = (WEIGHTS, SPEC, STATS)
# Settings that a tensor of the trunk has its size from, by the part that it belongs to.
_WIDTHS: dict[str, tuple[str, ...]] = {
    "": ("hidden_size",),
    "leads": ("width", "depth", "kernel", "ecg_hidden"),
    "text": ("text_hidden",),
    "tabular": ("tabular_hidden",),
}


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """The first network of a bundle, of which the trunk is taken over.

    Attributes:
        folder: of the copy: weights, shapes, statistics, and whom it was trained on.
        facts: what the bundle says of itself.
        spec: shapes of the batches that it was trained on.
    """

    folder: Path
    facts: BundleFacts
    spec: DataSpec

    @property
    def name(self) -> str:
        """Return the model in words, for messages: its task and the head of its version."""
        return f"'{self.facts.task}' {self.facts.version[:12]}"


def resolve(task: TaskConfig) -> TaskConfig:
    """Return the task with `model.init_from` as `trunk:<digest>`, its files copied beforehand.

    Raises:
        InputError: the reference names nothing, a damaged bundle, or a model without a trunk; or
            `model.image_weights` names no such file (`core.image_weights`).
        ConfigError: a width of the task's model is not the trunk's.
    """
    task = resolve_image_weights(task)
    reference = _reference(task.model)
    if not reference:
        return task
    if not reference.startswith(PREFIX):
        task = _renamed(task, _kept(reference))
        shown = "the named folder" if Path(reference).is_dir() else reference
        say(f"the trunk of {shown} is {_reference(task.model)}")
    check_widths(_opened(_reference(task.model)), task.model)
    return task


def open_trunk(model: dict[str, Any]) -> Pretrained | None:
    """Return what a resolved `model.init_from` names; None where it is empty.

    Raises:
        InputError: the copy is not there, or has changed.
    """
    folder = trunk_folder(model)
    return None if folder is None else _opened(f"{PREFIX}{folder.name}")


def _opened(reference: str) -> Pretrained:
    folder = _folder(reference)
    if not (folder / MANIFEST).is_file():
        raise InputError(
            f"model.init_from names '{reference}', which is not in this data folder; name the "
            "model itself (models:/name@alias, a run id or a bundle's folder)"
        )
    facts, spec = _read(folder, folder, reference)
    if _digest(facts, folder, folder) != folder.name:
        raise InputError(
            f"the copy of the model '{reference}' has changed since it was made; delete the folder "
            f"data/{FOLDER}/{folder.name} and name the model itself again"
        )
    return Pretrained(folder=folder, facts=facts, spec=spec)


def _folder(reference: str) -> Path:
    return store.data_root() / FOLDER / reference.removeprefix(PREFIX)


def trunk_folder(model: dict[str, Any]) -> Path | None:
    """Return where the files of a resolved `model.init_from` lie; None where it is empty.

    Raises:
        CardioError: it was not resolved.
    """
    reference = _reference(model)
    if not reference:
        return None
    if not reference.startswith(PREFIX):
        raise CardioError(
            "model.init_from was used before it was resolved, so that a fingerprint would name "
            "what may change; this is a fault of the software"
        )
    return _folder(reference)


def trunk_identity(model: dict[str, Any]) -> dict[str, str]:
    """Return what a stage's result owes to a pretrained trunk; nothing without one.

    Raises:
        CardioError: it was not resolved.
    """
    folder = trunk_folder(model)
    return {} if folder is None else {"init_from": f"{PREFIX}{folder.name}"}


def fixed_settings(model: dict[str, Any]) -> set[str]:
    """Return the settings (`model.width`) that a trunk taken over decides; none without one."""
    if not _reference(model):
        return set()
    return {f"model.{name}" for names in _WIDTHS.values() for name in names}


def check_widths(found: Pretrained, model: dict[str, Any]) -> None:
    """Refuse settings under which the trunk's weights would not fit.

    Raises:
        ConfigError: naming every such setting with both numbers.
    """
    own, theirs = (_widths(found.spec, model_config(each)) for each in (model, found.facts.model))
    wrong = [name for name in own if own[name] != theirs[name]]
    if wrong:
        pairs = [f"model.{name} is {own[name]} here and {theirs[name]} there" for name in wrong]
        advice = " ".join(f"model.{name}={theirs[name]}" for name in wrong)
        raise ConfigError(
            f"the trunk of {found.name} does not fit this model: {', '.join(pairs)}; set {advice}"
        )


def _widths(spec: DataSpec, config: Frozen) -> dict[str, Any]:
    there = [part for part in _WIDTHS if not part or getattr(spec, part)]
    return {name: getattr(config, name) for part in there for name in _WIDTHS[part]}


def _reference(model: dict[str, Any]) -> str:
    return str(model.get("init_from") or "")


def _renamed(task: TaskConfig, name: str) -> TaskConfig:
    return task.model_copy(update={"model": {**task.model, "init_from": f"{PREFIX}{name}"}})


def _kept(reference: str) -> str:
    """Copy what the trunk needs of a bundle and return the digest that it is kept under."""
    given = Path(reference)
    folder = given if (given / MANIFEST).is_file() else bundle_folder(reference)
    facts, _ = _read(folder, None, reference)
    member = folder / facts.members[0]
    name = _digest(facts, folder, member)
    target = store.data_root() / FOLDER / name
    with storage_errors(f"the folder data/{FOLDER}"), store.exclusive(FOLDER):
        if not target.is_dir():
            partial = target.with_name(f".tmp-{name}")  # a killed copy is written over
            partial.mkdir(parents=True, exist_ok=True)
            for file in _files(folder, member):
                shutil.copyfile(file, partial / file.name)
            partial.rename(target)
    return name


def _read(folder: Path, member: Path | None, reference: str) -> tuple[BundleFacts, DataSpec]:
    try:
        facts = BundleFacts.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
        own = member or folder / facts.members[0]
        spec = DataSpec.model_validate_json((own / SPEC).read_text(encoding="utf-8"))
        for name in _MEMBER:
            (own / name).stat()
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise InputError(
            f"the bundle of '{reference}' that model.init_from names cannot be read "
            f"({type(error).__name__}); evaluate that model again"
        ) from error
    if facts.model.get("name") != MODEL:
        raise InputError(
            f"model.init_from names '{reference}', a model '{facts.model.get('name')}' without a "
            f"trunk; name one that was trained with model.name={MODEL}"
        )
    return facts, spec


def _files(folder: Path, member: Path) -> list[Path]:
    listed = [folder / PATIENTS] if (folder / PATIENTS).is_file() else []
    return [folder / MANIFEST, *(member / name for name in _MEMBER), *listed]


def _digest(facts: BundleFacts, folder: Path, member: Path) -> str:
    files = {file.name: file_hash(file) for file in _files(folder, member)}
    return digest({"version": facts.version, "files": files})[:32]
