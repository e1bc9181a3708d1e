"""Where the weights of a text encoder lie: checked before a library gives a misleading message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from components.core.config.base import digest
from components.core.config.text import TextConfig
from components.core.errors import ConfigError, InputError
from components.core.files import file_hash

# Configuration, tokenizer and weights; whatever else lies in the folder changes no vector.
_PARTS = ("*.json", "*.txt", "*.model", "*.safetensors")
# `name` or `owner/name`, as the hub writes them.
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
# Seconds to wait for the hub's first answer; the hub's own client would retry for half a minute.
_ANSWER_SECONDS = 3.0
_GIVE_FOLDER = (
    "give as text.model a local folder with config.json, the tokenizer's files and *.safetensors"
)


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a model's files, and what it is called in an identity.

    Attributes:
        path: of the folder.
        name: the folder's own name, or the hub id.
        revision: sha256 over the files, or the hub's commit.
    """

    path: Path
    name: str
    revision: str


def find_model(config: TextConfig) -> ModelFolder:
    """Return the folder that `config.model` names.

    Raises:
        ConfigError: it is a hub id and downloads are not allowed.
        InputError: there is no such folder, it lacks files, or the hub cannot be reached.
    """
    path = Path(config.model).expanduser()
    if path.is_dir():
        _check_files(path)
        return ModelFolder(path, path.resolve().name, _revision(path))
    if path.exists():
        raise InputError(f"text.model is '{config.model}', a file; {_GIVE_FOLDER}")
    if not _HUB_ID.fullmatch(config.model):
        raise InputError(
            f"text.model is '{config.model}', and there is no such folder; {_GIVE_FOLDER}"
        )
    if not config.allow_download:
        raise ConfigError(
            f"text.model is '{config.model}': there is no such folder, and as a hub id it needs "
            f"text.allow_download: true; {_GIVE_FOLDER}"
        )
    path = _download(config.model)
    _check_files(path)
    return ModelFolder(path, config.model, path.name)


def _check_files(path: Path) -> None:
    missing = [name for name in ("config.json", "*.safetensors") if not list(path.glob(name))]
    if missing:
        raise InputError(
            f"the folder of text.model, '{path}', lacks {' and '.join(missing)}; {_GIVE_FOLDER} "
            "(pickled weights such as pytorch_model.bin are not opened: save them with "
            "save_pretrained first)"
        )


def _revision(path: Path) -> str:
    files = sorted({file for part in _PARTS for file in path.glob(part) if file.is_file()})
    return digest({file.name: file_hash(file) for file in files})


def _download(name: str) -> Path:
    """Return the folder of a hub model, out of the hub's own cache where it is there already."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    get = partial(huggingface_hub.snapshot_download, name, allow_patterns=list(_PARTS))
    try:
        return Path(get(local_files_only=True))
    except LocalEntryNotFoundError:
        _ask_hub(name)
    try:
        return Path(get())
    except _no_answer() as error:
        raise InputError(
            f"the hub did not give '{name}', text.model ({type(error).__name__}); check the name, "
            f"or {_GIVE_FOLDER}"
        ) from error


def _ask_hub(name: str) -> None:
    """Say at once where there is no network."""
    from huggingface_hub import constants, get_session

    try:
        if constants.HF_HUB_OFFLINE:
            raise ConnectionError("HF_HUB_OFFLINE is set")
        get_session().head(constants.ENDPOINT, timeout=_ANSWER_SECONDS)
    except _no_answer() as error:
        raise InputError(
            f"text.model is '{name}', no folder here, and the hub cannot be reached "
            f"({type(error).__name__}); download it elsewhere and {_GIVE_FOLDER}"
        ) from error


def _no_answer() -> tuple[type[Exception], ...]:
    """Return what the hub's client raises; its HTTP library differs from version to version."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, next(c for c in HfHubHTTPError.__mro__ if c.__name__ == "HTTPError")
