"""Statistics of pictures and sounds are computed anew from the train part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.audit.checks import normalisation_scope
from components.audit.finding import Audited
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.cohort import stats_path
from components.core.store import Stage
from tests.chain import LABEL, ingest_config, ingested, manifest_of, prepared
from tests.media_files import MEDIA_OPTIONS, MEDIA_SETTINGS, write_media_cohort


@pytest.fixture
def stage(tmp_path: Path, data_folder: Path) -> Stage:
    path = write_media_cohort(tmp_path, patients=18, without=(1, 2))
    source = ingested(ingest_config("manifest", path, MEDIA_OPTIONS))
    return prepared(source, modalities=["ecg_image", "pcg", "tabular"],
                    split={"method": "holdout"}, **MEDIA_SETTINGS)  # fmt: skip


def _passed(stage: Stage) -> bool:
    label = LabelConfig.model_validate(LABEL)
    return normalisation_scope.check(
        Audited(stage=stage, manifest=manifest_of(stage), label=label, config=AuditConfig(),
                test_looks=0)
    ).passed  # fmt: skip


def test_statistics_of_other_pictures_and_sounds_are_caught(stage: Stage) -> None:
    assert _passed(stage)
    file = stats_path(stage.folder, "holdout")
    plain = file.read_text()
    for name, part in (("ecg_image", "mean"), ("pcg", "sd")):
        stats = json.loads(plain)
        stats["arrays"][name][part][0] *= 1.001
        file.write_text(json.dumps(stats))
        assert not _passed(stage), name
    stats = json.loads(plain)
    del stats["arrays"]["pcg"]
    file.write_text(json.dumps(stats))
    assert not _passed(stage)
