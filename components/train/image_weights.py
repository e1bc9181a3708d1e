"""An image branch that starts from weights of another training."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from components.core.errors import ConfigError, shorten
from components.core.image_weights import BODY
from components.core.models.blocks.multimodal import Branch, ImageEncoder
from components.train.branches import branches_of


def start_image_branch(model: nn.Module, file: Path) -> nn.Module:
    """Return the model, its image body set to the file's; everything else stays as it is.

    A network without an image branch, as one trained without the modality, stays untouched.

    Args:
        model: freshly initialised.
        file: of a `ResNet2d`, or of a network that has one in its image branch.

    Raises:
        ConfigError: names or shapes are not those of the model's settings.
    """
    branch = branches_of(model).get("ecg_image")
    if not isinstance(branch, Branch) or not isinstance(branch.encoder, ImageEncoder):
        return model
    state = load_file(str(file))
    inside = {k.removeprefix(BODY): v for k, v in state.items() if k.startswith(BODY)}
    try:
        branch.encoder.body.load_state_dict(inside or state)
    except RuntimeError as error:
        raise ConfigError(
            f"the weights that model.image_weights names do not fit the image branch "
            f"({shorten(error)}); set model.image_width, model.image_depth and the channels as "
            "they were when these weights were trained"
        ) from error
    return model
