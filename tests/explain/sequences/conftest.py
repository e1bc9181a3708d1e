"""A few stays of a small cohort, networks that read them, and what methods said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from components.core.config.explain import ExplainConfig
from components.core.metrics.resampling import Plan
from components.explain import outputs
from components.explain.explained import Explained, Fold, records_of
from components.explain.method import Attributed, Method, all_methods
from components.explain.sequences.gathered import Sequences, gather
from components.explain.subject import Subject
from tests.explain_subjects import VIEW, made_of_events

CONFIG = ExplainConfig(steps=3, draws=100, overlays=3, critical_share=0.02)
PLAN = Plan(draws=100)
METHODS = ("ig", "layer_ig", "ablation")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sequences")


@pytest.fixture(scope="session")
def subject(folder: Path) -> Subject:
    """Return one network and 24 records, one of them without any event."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        return made_of_events(folder / "stays", members=1)


@pytest.fixture(scope="session")
def explained(folder: Path, subject: Subject) -> Explained:
    """Return what three methods say; their traces lie in the folder."""
    index = np.arange(len(subject))
    methods: list[Method] = [all_methods()[name] for name in METHODS]
    said: dict[str, Attributed] = {
        each.NAME: each.explain(subject, index, CONFIG) for each in methods
    }
    traces = [outputs.trace_table(said[name], subject, index, name) for name in METHODS]
    pq.write_table(pa.concat_tables(traces), folder / outputs.TRACES)
    fold = Fold(subject=subject, said=said, records=records_of(subject, VIEW))
    return Explained(folds=[fold], methods=methods, config=CONFIG, head=VIEW)


@pytest.fixture(scope="session")
def manifest(subject: Subject) -> pd.DataFrame:
    ids = subject.rows.frame["sample_id"].astype(str)
    return pd.DataFrame({"sample_id": ids, "row": np.arange(len(ids)) + 100})


@pytest.fixture(scope="session")
def own(folder: Path, explained: Explained, manifest: pd.DataFrame) -> Sequences:
    found = gather(folder, explained, manifest, PLAN)
    assert found is not None
    return found
