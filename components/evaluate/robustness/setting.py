"""What the disturbances of an evaluation must know of its task, cohort and networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.core.models.registry import model_file
from components.core.signals.prepare_config import PrepareConfig
from components.core.trained import loaded, members_of, primary_view
from components.evaluate.analysis import Context
from components.evaluate.predictions import FoldTest
from components.evaluate.robustness.battery import Index, Network
from components.evaluate.robustness.recordings import Setup, signal_rms


def inputs_of(context: Context) -> tuple[str, ...]:
    """Return the model's inputs that the cohort has."""
    there = context.stages.cohort.facts["modalities"]
    return tuple(each for each in model_file(context.task.model["name"]).INPUTS if each in there)


def setup_of(context: Context, tests: Sequence[FoldTest], drawn: Sequence[Index]) -> Setup:
    """Return what the disturbances must know; `drawn` are the rows used of each test part."""
    facts: dict[str, Any] = context.stages.cohort.facts["ecg"]
    prepared = PrepareConfig(**{k: v for k, v in facts.items() if k in PrepareConfig.model_fields})
    each = [signal_rms(test.rows, index) for test, index in zip(tests, drawn, strict=True)]
    return Setup(
        config=context.task.evaluate.robustness,
        leads=prepared.leads,
        fs=prepared.fs,
        unit=prepared.unit,
        highpass_hz=prepared.highpass_hz,
        notch_hz=prepared.notch_hz,
        fewest_leads=prepared.fewest_leads,
        inputs=inputs_of(context),
        rms=float(np.median(np.concatenate(each))),
    )


def network_of(context: Context, fold: str) -> Network:
    """Return the members of a fold, on the device of the training."""
    train = context.stages.train
    models = [loaded(train, m).to(context.place.device) for m in members_of(train, fold)]
    return Network(models=models, head=primary_view(train), place=context.place)


def kinds_of(context: Context) -> dict[str, str]:
    """Return clinical feature → `numeric` or `categorical`."""
    kinds: dict[str, str] = context.stages.ingest.facts["features"]
    return {name: kinds[name] for name in context.stages.cohort.facts["features"]}
