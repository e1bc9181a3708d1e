"""Analyses of a trained model, each a section of the report; found in `analyses/` by discovery.

An analysis is a module with `NAME`, `ORDER` (place on the page), `applies(context)` and
`analyse(context)`. It sees the test predictions; nothing of it may reach training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Protocol, cast

import pandas as pd

from components.core.config.task import TaskConfig
from components.core.data.held_out import Opening
from components.core.device import Place
from components.core.discovery import in_order
from components.core.errors import ConfigError, nearest
from components.core.imputation.fold import FoldImputer
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables
from components.core.progress import progress
from components.core.report.section import Section
from components.core.upstream import Upstream
from components.evaluate import analyses as package
from components.evaluate.baselines import Features
from components.evaluate.predictions import FoldTest


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an analysis may look at.

    Attributes:
        stages: the training and what it was made from.
        task: the resolved configuration.
        tests: per fold the test records, their predictions and the calibration.
        predictions: one row per fold and test record, with a column per baseline.
        tables: the same, patient by patient.
        plan: the bootstrap.
        place: device and precision of the training, for further predictions.
        opening: recorded permission to read the test part.
        features: what simple models see of the ECGs, kept between fits.
        heads: what every head says of every test record (`heads/said.py`); None where the one
            head is the label.
        variants: what networks trained without something say (`heads/trained.py`); None where
            none was trained.
        imputers: fold → what imputes absent embeddings in it; nothing for other models.
    """

    stages: Upstream
    task: TaskConfig
    tests: list[FoldTest]
    predictions: pd.DataFrame
    tables: PatientTables
    plan: Plan
    place: Place
    opening: Opening
    features: Features
    heads: pd.DataFrame | None = None
    variants: pd.DataFrame | None = None
    imputers: Mapping[str, FoldImputer] = field(default_factory=dict[str, FoldImputer])

    @property
    def external(self) -> bool:
        """Return whether another cohort is tested than the training's own."""
        return self.stages.home is not None


class Analysis(Protocol):
    """The interface of a module in `analyses/`."""

    NAME: str
    ORDER: int

    def applies(self, context: Context) -> bool:
        """Return whether the analysis has anything to look at."""
        ...

    def analyse(self, context: Context) -> Section:
        """Return the section."""
        ...


@cache
def all_analyses() -> MappingProxyType[str, Analysis]:
    """Return every analysis by name, in the page's order.

    Raises:
        CardioError: two of the same name.
    """
    found = in_order(package, kind="analyses")
    return cast(MappingProxyType[str, Analysis], found)


def run_analyses(context: Context) -> tuple[Section, ...]:
    """Return the sections of all analyses that apply and are not skipped.

    Raises:
        ConfigError: `evaluate.skip` names no analysis.
    """
    known = all_analyses()
    for name in context.task.evaluate.skip:
        if name not in known:
            raise ConfigError(f"evaluate.skip names '{name}'; {nearest(name, known)}")
    wanted = [
        each
        for name, each in known.items()
        if name not in context.task.evaluate.skip and each.applies(context)
    ]
    found: list[Section] = []
    with progress("evaluate: analyses", len(wanted), "analyses") as advance:
        for each in wanted:
            found.append(each.analyse(context))
            advance(1)
    return tuple(found)
