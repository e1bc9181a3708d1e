"""Tensors out of a file of `torch.save`, without running anything that it holds."""

from __future__ import annotations

import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from components.core.errors import InputError, shorten

# What float32 holds exactly; a float64 would be rounded.
_FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def read_state(file: Path) -> dict[str, Tensor]:
    """Return a state dict: name → finite dense tensor of at most single precision, on the CPU.

    Raises:
        InputError: the file is missing, no file of `torch.save`, holds other objects than tensors,
            or a tensor cannot be taken; the reason is named.
    """
    found = _load(file)
    if not isinstance(found, dict):
        raise InputError(
            f"'{file.name}' holds a {type(found).__name__}, no state dict; save the older module "
            "with torch.save(module.state_dict(), file)"
        )
    for name, value in found.items():
        _check(name, value, file)
    return dict(found)


def _load(file: Path) -> Any:  # noqa: ANN401 - whatever a file holds
    if not file.is_file():
        raise InputError(f"there is no file '{file}'; give the older weights.pt")
    try:
        with warnings.catch_warnings():
            # Torch warns before it refuses an archive of another kind; the refusal is told below.
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(
            f"'{file.name}' holds pickled objects other than tensors, or is no file of "
            "torch.save, and is not opened; save the older module with "
            "torch.save(module.state_dict(), file)"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"'{file.name}' cannot be read as a file of torch.save ({shorten(error)}); copy it "
            "again, or save the older module's state_dict()"
        ) from error


def _check(name: object, value: object, file: Path) -> None:
    if not isinstance(name, str):
        raise InputError(
            f"'{file.name}' has {shorten(name)} of type {type(name).__name__} for a key, no name; "
            "save the older module's state_dict()"
        )
    if not isinstance(value, Tensor):
        raise InputError(
            f"'{shorten(name)}' of '{file.name}' is a {type(value).__name__}, no tensor; save the "
            "older module's state_dict() alone, without optimiser or settings"
        )
    if value.dtype not in _FLOATS or value.layout is not torch.strided or value.is_meta:
        raise InputError(
            f"'{shorten(name)}' of '{file.name}' is {value.dtype}, {value.layout} on "
            f"{value.device}; dense float32, float16 or bfloat16 is taken, convert it first"
        )
    if not bool(torch.isfinite(value).all()):
        raise InputError(
            f"'{shorten(name)}' of '{file.name}' holds values that are not finite; take weights of "
            "an epoch before the training failed"
        )
