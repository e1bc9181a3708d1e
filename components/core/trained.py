"""What a train stage holds: its networks, by fold and seed, how they were fed, what they answer."""

from __future__ import annotations

import numpy as np
from torch import nn

from components.core.data import foldstats
from components.core.data.cohort import Rows
from components.core.data.foldstats import FoldStats
from components.core.device import Place
from components.core.heads.registry import View, view
from components.core.members import REFIT, STATS, WEIGHTS, Member, load_model
from components.core.models.spec import DataSpec
from components.core.predict import predict
from components.core.store import Stage


def members_of(train: Stage, fold: str, variant: str = "") -> list[Member]:
    """Return the members trained in a fold, one per seed; of a variant where one is named."""
    members = [Member.model_validate(m) for m in train.facts["members"]]
    return [m for m in members if m.fold == fold and m.variant == variant]


def stats_of(train: Stage, fold: str) -> FoldStats:
    """Return the statistics by which a fold's networks were fed.

    They are those of its training part, or of the pretrained trunk that the networks started from.
    """
    return member_stats(train, members_of(train, fold)[0])


def member_stats(train: Stage, member: Member) -> FoldStats:
    """Return the statistics by which a network was fed."""
    return foldstats.load(train.folder / member.folder / STATS)


def member_logits(train: Stage, member: Member, rows: Rows, place: Place) -> np.ndarray[
    tuple[int], np.dtype[np.float64]
]:  # fmt: skip
    """Return `[n]` log-odds of the primary head's binary view by one member."""
    return predict(loaded(train, member), rows, head=primary_view(train), place=place)


def loaded(train: Stage, member: Member) -> nn.Module:
    """Return a member's network with its weights."""
    spec = DataSpec.model_validate(train.facts["specs"][member.spec_key])
    settings = member.model or train.facts["model"]
    return load_model(settings, spec, train.folder / member.folder / WEIGHTS)


def primary_view(train: Stage) -> View:
    """Return the head whose figures are the headline."""
    return view(train.facts["heads"], train.facts["head"])


def is_refit(train: Stage) -> bool:
    """Return whether the candidate is a refit on everyone."""
    return bool(members_of(train, REFIT))
