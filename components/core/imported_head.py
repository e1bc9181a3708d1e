"""A head of the older scripts as this project keeps it: safetensors, JSON, `Heads`' own keys.

Legend: N rows, H width of the hidden representation, F width of the head's hidden layer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from components.core.config.base import Frozen
from components.core.errors import InputError, shorten
from components.core.files import write_atomic
from components.core.models.blocks.mlp import Heads
from components.core.models.blocks.trunk import TrunkModel

# The four tensors of such a head.
PARTS = ("first.weight", "first.bias", "last.weight", "last.bias")
OUTPUTS = 2
WEIGHTS, FACTS = "head.safetensors", "head.json"
# Where `Heads` keeps the two layers: 0 Linear, 1 ReLU, 2 Dropout, 3 Linear.
_PLACES: dict[str, str] = dict(
    zip(PARTS, ("0.weight", "0.bias", "3.weight", "3.bias"), strict=True)
)


class HeadFacts(Frozen):
    """What an imported head says of itself.

    Attributes:
        head: its name here.
        hidden_size: H, the width of the hidden representation that it reads.
        head_hidden: F, the width of its hidden layer.
        classes: what outputs 0 and 1 stand for, now.
        flipped: the older file had them the other way round.
        source_sha256: of the older file.
    """

    # As torch and the task files take names of heads.
    head: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    hidden_size: int = Field(ge=1)
    head_hidden: int = Field(ge=1)
    classes: tuple[str, str]
    flipped: bool
    source_sha256: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportedHead:
    """A head out of an older file, in the order of classes that is used here.

    Attributes:
        facts: what it is.
        state: `Heads`' own keys → float32 tensors.
    """

    facts: HeadFacts
    state: dict[str, Tensor]

    def block(self) -> Heads:
        """Return the head as a block `[N, H]` → `{head: [N, 2]}`, in evaluation mode."""
        facts = self.facts
        made = Heads(
            facts.hidden_size, {facts.head: OUTPUTS}, hidden=facts.head_hidden, dropout=0.0
        )
        made.load_state_dict(self.state)
        return made.eval()

    def probability(self, hidden: Tensor) -> Tensor:
        """Return `[N]`, the probability of the positive class (output 1), not calibrated.

        Args:
            hidden: `[N, H]` float32, the representation that the older head was trained on.

        Raises:
            InputError: it has another width.
        """
        if hidden.ndim != 2 or hidden.shape[1] != self.facts.hidden_size:
            raise InputError(
                f"the imported head '{self.facts.head}' reads {self.facts.hidden_size} hidden "
                f"features, it was given an array of shape {tuple(hidden.shape)}; give "
                f"[N, {self.facts.hidden_size}]"
            )
        with torch.no_grad():
            return self.block()(hidden)[self.facts.head].softmax(1)[:, 1]

    def save(self, folder: Path) -> None:
        """Write `head.safetensors` and `head.json` into a folder, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / WEIGHTS, lambda part: save_file(self.state, str(part)))
        text = json.dumps(self.facts.model_dump(mode="json"), indent=1)
        write_atomic(folder / FACTS, lambda part: part.write_text(text, encoding="utf-8"))


def load_imported(folder: Path) -> ImportedHead:
    """Return what `ImportedHead.save` wrote.

    Raises:
        InputError: a file is missing or damaged, or the two do not belong together.
    """
    try:
        facts = HeadFacts.model_validate_json((folder / FACTS).read_text(encoding="utf-8"))
        found = ImportedHead(facts=facts, state=load_file(str(folder / WEIGHTS)))
        found.block()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"'{folder}' holds no imported head ({shorten(error)}); import the weights again"
        ) from error
    return found


def put_into(model: TrunkModel, imported: ImportedHead) -> None:
    """Give the head of the same name in a trunk's model the imported weights.

    Raises:
        InputError: the model has no such head, or one of other widths: both numbers are named.
    """
    facts = imported.facts
    own = model.heads.state_dict()
    first = own.get(key_of(facts.head, "first.weight"))
    if first is None:
        raise InputError(
            f"the model has no head '{facts.head}', which the imported weights are of; import "
            "them under the name of one of its heads"
        )
    for what, mine, theirs in (
        ("hidden features", int(first.shape[1]), facts.hidden_size),
        ("units in its hidden layer", int(first.shape[0]), facts.head_hidden),
        ("outputs", len(own[key_of(facts.head, "last.bias")]), OUTPUTS),
    ):
        if mine != theirs:
            raise InputError(
                f"the imported head '{facts.head}' has {theirs} {what}, the model's {mine}; "
                "train the model with model.hidden_size and model.head_hidden of the older "
                "script, and a binary head"
            )
    model.heads.load_state_dict({**own, **imported.state})


def key_of(head: str, part: str) -> str:
    """Return under which key `Heads` keeps one of `PARTS` of a head."""
    return f"heads.{head}.{_PLACES[part]}"
