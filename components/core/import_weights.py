"""The head of the older scripts (`weights.pt`) in the layout and the order of classes used here.

There a head was `Linear hidden -> 256, ReLU, Dropout, Linear 256 -> 2`, and its output 0 stood for
dysfunction. Here output 1 is the positive class: the last layer's rows are exchanged where the
declared order asks for it. The file says neither of this, so the caller declares both.

Legend: H width of the hidden representation, F width of the head's hidden layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError, nearest, shorten
from components.core.files import file_hash
from components.core.imported_head import OUTPUTS, PARTS, HeadFacts, ImportedHead, key_of
from components.core.older_checkpoint import ADVICE, WHY
from components.core.progress import say
from components.core.torch_file import read_state

_Keys = Mapping[str, str]
# How `nn.Sequential`, one under the attribute `net`, and two named layers call the four tensors.
LAYOUTS: Mapping[str, _Keys] = MappingProxyType(
    {
        "sequential": dict(zip(("0.weight", "0.bias", "3.weight", "3.bias"), PARTS, strict=True)),
        "net": dict(
            zip(("net.0.weight", "net.0.bias", "net.3.weight", "net.3.bias"), PARTS, strict=True)
        ),
        "fc": dict(zip(("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"), PARTS, strict=True)),
    }
)
# Of the older scripts: the width of the hidden layer, and what output 0 stood for.
OLDER_HIDDEN = 256
OLDER_POSITIVE = "dysfunction"


def import_head(
    file: Path,
    *,
    hidden_size: int,
    classes: tuple[str, ...],
    head: str,
    layout: str | _Keys,
    positive: str = OLDER_POSITIVE,
    head_hidden: int = OLDER_HIDDEN,
) -> ImportedHead:
    """Return the head of an older `weights.pt`.

    The file is opened by `torch.load(weights_only=True)`: tensors are read, no code is run.

    Args:
        file: a state dict as `torch.save(module.state_dict(), file)` wrote it.
        hidden_size: H, the width of what the older head read.
        classes: what the older outputs 0 and 1 stood for, in that order.
        head: name of the head here, e.g. `lvef`.
        layout: a name in `LAYOUTS`, or the file's key → one of `PARTS`, for all four.
        positive: which of `classes` is the positive one here.
        head_hidden: F.

    Raises:
        ConfigError: an unknown or incomplete layout, a name no head can have, or classes that are
            not two with `positive` among them.
        InputError: the file is no state dict of tensors alone, or its keys, shapes, types or
            values are others.
    """
    keys = _layout(layout)
    flipped = _is_flipped(classes, positive)
    found = read_state(file)
    _check_keys(found, keys, file)
    parts = {keys[key]: value for key, value in found.items()}
    own = {value: key for key, value in keys.items()}
    for part, wanted in _shapes(hidden_size, head_hidden).items():
        _check_shape(parts[part], wanted, own[part], file)
    said = {
        "head": head,
        "hidden_size": hidden_size,
        "head_hidden": head_hidden,
        "classes": classes[::-1] if flipped else classes,
        "flipped": flipped,
        "source_sha256": file_hash(file),
    }
    facts = validate(HeadFacts, said, "the imported head")
    _tell(file, classes, positive, flipped=flipped)
    return ImportedHead(facts=facts, state=_state(parts, head, flipped=flipped))


def _layout(layout: str | _Keys) -> _Keys:
    if isinstance(layout, str):
        if layout not in LAYOUTS:
            raise ConfigError(
                f"there is no layout '{layout}'; {nearest(layout, LAYOUTS)} or give the file's "
                "keys by hand"
            )
        return LAYOUTS[layout]
    if sorted(layout.values()) != sorted(PARTS):
        raise ConfigError(
            f"the layout names {', '.join(sorted(layout.values())) or 'nothing'}; map one key of "
            f"the file to each of {', '.join(PARTS)}"
        )
    return layout


def _is_flipped(classes: tuple[str, ...], positive: str) -> bool:
    if len(classes) != OUTPUTS or len(set(classes)) != OUTPUTS or positive not in classes:
        raise ConfigError(
            f"classes is {classes}, positive '{positive}'; name what the older outputs 0 and 1 "
            "stood for, with the positive class among the two"
        )
    return classes[0] == positive


def _check_keys(found: Mapping[str, Tensor], keys: _Keys, file: Path) -> None:
    if found.keys() != keys.keys():
        whole = f"; a whole network is not imported: {WHY}; {ADVICE}"
        raise InputError(
            f"'{file.name}' has the keys {shorten(', '.join(found) or 'none', 120)}, the declared "
            f"layout {', '.join(keys)}; declare the layout of this file"
            f"{whole if len(found) > len(PARTS) else ''}"
        )


def _shapes(hidden_size: int, head_hidden: int) -> dict[str, tuple[int, ...]]:
    shapes = ((head_hidden, hidden_size), (head_hidden,), (OUTPUTS, head_hidden), (OUTPUTS,))
    return dict(zip(PARTS, shapes, strict=True))


def _check_shape(tensor: Tensor, wanted: tuple[int, ...], key: str, file: Path) -> None:
    if tuple(tensor.shape) != wanted:
        raise InputError(
            f"'{key}' of '{file.name}' has the shape {tuple(tensor.shape)}, declared is {wanted} "
            "([outputs, inputs]); give hidden_size and head_hidden of the older script"
        )


def _tell(file: Path, classes: tuple[str, ...], positive: str, *, flipped: bool) -> None:
    done = "its two outputs are exchanged" if flipped else "its outputs stay as they are"
    say(
        f"note: '{file.name}' has '{classes[0]}' as output 0, here '{positive}' is output 1: {done}"
    )


def _state(parts: Mapping[str, Tensor], head: str, *, flipped: bool) -> dict[str, Tensor]:
    """Return copies in float32, which holds every float16 and bfloat16 exactly."""
    found: dict[str, Tensor] = {}
    for part, tensor in parts.items():
        turned = tensor.flip(0) if flipped and part.startswith("last.") else tensor
        found[key_of(head, part)] = turned.to(torch.float32, copy=True).contiguous()
    return found
