"""One network of a loaded bundle, with what its fold's training part taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from components.core.attribution import reference
from components.core.attribution.reference import Reference
from components.core.bundle_files import IMPUTATION, REFERENCE, STATS
from components.core.data import foldstats
from components.core.data.event_stats import EventStats
from components.core.data.finish import Finisher
from components.core.data.foldstats import FoldStats
from components.core.errors import InputError, shorten
from components.core.imputation import calibrate
from components.core.imputation.calibrate import Calibration
from components.core.members import load_model
from components.core.models.spec import DataSpec


@dataclass(frozen=True, eq=False)
class BundleMember:
    """A network in evaluation mode.

    Attributes:
        model: finished batch → head → logits.
        stats: of its fold's training part.
        finish: raw batch → finished batch, by these statistics.
        imputation: how what it imputes is mended; None where nothing is.
        reference: of its training part; None of bundles from before there was any.
    """

    model: torch.nn.Module
    stats: FoldStats
    finish: Finisher
    imputation: Calibration | None
    reference: Reference | None

    @property
    def events(self) -> EventStats:
        """Return how events become steps.

        Raises:
            InputError: the bundle does not say.
        """
        if self.stats.events is None:
            raise InputError(
                "the model bundle does not say how events become steps; write it again"
            )
        return self.stats.events


def load_member(folder: Path, settings: dict[str, Any]) -> BundleMember:
    """Return the network in a member's folder of a bundle.

    Args:
        folder: of the member.
        settings: name and settings of the network, as the bundle states them.

    Raises:
        InputError: a file is missing or damaged.
    """
    try:
        spec = DataSpec.model_validate_json((folder / "spec.json").read_text(encoding="utf-8"))
        stats, mended = foldstats.load(folder / STATS), folder / IMPUTATION
        referred = folder / REFERENCE
        return BundleMember(
            model=load_model(settings, spec, folder / "weights.safetensors"),
            stats=stats,
            finish=Finisher(stats),
            imputation=calibrate.load(mended) if mended.is_file() else None,
            reference=reference.load(referred) if referred.is_file() else None,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"'{folder.name}' of the model bundle is damaged ({shorten(error)}); write the "
            "bundle again"
        ) from error
