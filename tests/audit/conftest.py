"""A prepared stage of facts alone, and one check on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.audit.finding import Audited, Finding, all_checks
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.store import Stage
from tests.audit.stage_manifest import Look
from tests.chain import LABEL


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A prepared stage that brings facts alone; checks on a manifest need no more."""
    return Stage(
        folder=tmp_path, component="preprocess", fingerprint="f", config={}, inputs={},
        facts={"modalities": ["tabular"], "features": [], "ecg": {"window_days": 90}},
    )  # fmt: skip


@pytest.fixture
def look(stage: Stage) -> Look:
    def run(
        name: str,
        frame: pd.DataFrame,
        facts: dict[str, Any] | None = None,
        *,
        label_settings: dict[str, Any] | None = None,
        unpaired: bool = False,
        **more: Any,
    ) -> Finding:
        own = replace(stage, facts=stage.facts | (facts or {}))
        settings = LABEL | {"definition": "cardiotoxicity within a year"} | (label_settings or {})
        label = LabelConfig.model_validate(settings)
        config = AuditConfig(unpaired=unpaired)
        audited = Audited(
            stage=own, manifest=frame, label=label, config=config, test_looks=0, **more
        )
        return all_checks()[name].check(audited)

    return run
