"""Encoders of event sequences are computed anew from the train part."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data import foldstats
from components.core.data.cohort import read_stats, stats_path
from components.core.data.event_input import events_taught
from components.core.store import Stage
from components.core.text import huggingface
from components.core.text.identity import EncoderIdentity
from components.preprocess import texts as texts_module
from tests.audit.event_leaks import look, prepared_cohort
from tests.chain import manifest_of

FROZEN = {"text": {"encoder": "huggingface", "model": "reader"}}
PLAIN = {"text": {"width": 8, "min_documents": 2}}


class _Reader:
    identity = EncoderIdentity(
        model="reader", revision="1", pooling="mean", max_tokens=8, overlap=0, width=2
    )

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[len(text), text.count("a")] for text in texts], np.float32)


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(huggingface, "load_encoder", lambda config: _Reader())
    monkeypatch.setattr(texts_module, "data_root", lambda: tmp_path)
    return lambda events: prepared_cohort(tmp_path, _own_words, events=events)


def _own_words(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    """Give every stay one text that no other has."""
    first = ~happened["stay_id"].duplicated()
    more = happened["stay_id"].map(dict(zip(own["stay_id"], range(len(own)), strict=True)))
    text = happened["event_text"].where(~first, more.map(lambda n: "a" * (n + 1)))
    return happened.assign(event_text=text)


def _fitted_on_everyone(stage: Stage, folder: Path, part: str) -> Stage:
    """Return a copy whose fold says it was fitted on the train part, and was on all records."""
    copy = replace(stage, folder=Path(shutil.copytree(stage.folder, folder / part)))
    honest = read_stats(stage, "holdout")
    everyone = events_taught(stage.folder, stage.facts, manifest_of(stage))
    assert honest.events is not None
    events = honest.events.model_copy(update={part: getattr(everyone, part)})
    foldstats.save(honest.model_copy(update={"events": events}), stats_path(copy.folder, "holdout"))
    return copy


@pytest.mark.parametrize(
    ("events", "part"),
    [(PLAIN, "text"), (PLAIN, "time"), (FROZEN, "text"), (FROZEN, "time")],
    ids=["TF-IDF", "time", "frozen encoder", "time beside a frozen encoder"],
)
def test_encoders_fitted_on_all_patients(
    prepare: Any, tmp_path: Path, events: dict[str, Any], part: str
) -> None:
    stage = prepare(events)
    assert look("normalisation_scope", stage).passed
    found = look("normalisation_scope", _fitted_on_everyone(stage, tmp_path, part))
    assert not found.passed
    assert found.evidence["folds"] == ["holdout"]
    assert "are not those of their train part" in found.sentence
