"""Checkpoints of older scripts, as `torch.save` writes them: named in time, and never read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from components.core.errors import ConfigError, InputError

SUFFIXES = (".pth", ".pt", ".ckpt")
WHY = (
    "which branches it had, their sizes and how image, sound and clinical fields were prepared is "
    "not written in it"
)
ADVICE = "train that model anew with `mlflow run . -e train_multimodal`"
# A zip archive, as torch.save writes it since 1.6, and a pickle of protocol 2, as it did before.
_MAGIC = (b"PK\x03\x04", b"\x80\x02")


def is_checkpoint(reference: str | Path) -> bool:
    """Return whether a file's name says that it is a checkpoint."""
    return Path(reference).suffix.lower() in SUFFIXES


def was_saved_by_torch(file: Path) -> bool:
    """Return whether a file begins as `torch.save` begins one, whatever it is called."""
    with file.open("rb") as opened:
        return opened.read(4).startswith(_MAGIC)


def refusal(reference: str | Path, where: str) -> str:
    """Return in a sentence why a checkpoint is not read.

    Args:
        reference: as it was given.
        where: what names it, e.g. `run`.
    """
    return (
        f"{where} names '{reference}', a checkpoint of an older script, which cannot be "
        f"imported: {WHY}; {ADVICE}"
    )


def refuse_checkpoint(reference: str, where: str) -> None:
    """Refuse a checkpoint where a run, a folder or a registered model is wanted.

    Raises:
        InputError: the reference is called as one.
    """
    if is_checkpoint(reference):
        raise InputError(refusal(reference, where))


def refuse_checkpoints(settings: Mapping[str, object]) -> None:
    """Refuse a checkpoint anywhere among the settings of a task, before anything else is checked.

    Raises:
        ConfigError: naming the setting.
    """
    for key, value in _leaves(settings, ""):
        if isinstance(value, str) and is_checkpoint(value):
            raise ConfigError(refusal(value, key))


def _leaves(value: object, key: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from _leaves(inner, f"{key}.{name}" if key else str(name))  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield key, value
