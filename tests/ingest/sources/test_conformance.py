"""What every source must hold, whichever there are."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from components.core.config.base import validate
from components.core.errors import ConfigError
from components.ingest.records import Record, Reject
from components.ingest.sources.registry import source, sources_by_name
from tests.chain import LEADS8, beats, write_table, write_wfdb
from tests.embedding_cohort import write_modality
from tests.ingest.sources import event_files
from tests.ingest.sources.circor_files import Visit, write_visits
from tests.ingest.sources.hancock_files import course, write_features
from tests.ingest.sources.mimic_files import Rows, written

NAMES = sorted(sources_by_name())


def _event_table(folder: Path) -> tuple[Path, dict[str, Any]]:
    own = event_files.stays()
    own[2]["label"] = 7
    return folder, event_files.write_rows(folder, own, event_files.events())


def _mimic_iv(folder: Path) -> tuple[Path, dict[str, Any]]:
    def change(rows: Rows) -> None:
        rows["admissions"][2]["hospital_expire_flag"] = 7

    return written(folder, change, suffix=".csv"), {"memory_gb": 1}


EVENT_SOURCES = {"event_table": _event_table, "mimic_iv": _mimic_iv}


def example(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return path and options of three records of a source, one of them with a wrong label."""
    labels = [1, 0, 7]
    if name == "manifest":
        rows = [
            {"patient_id": f"p{i}", "path": write_wfdb(folder, f"r{i}", beats(i)), "label": y,
             "age": 60 + i}
            for i, y in enumerate(labels)
        ]  # fmt: skip
        return write_table(folder / "manifest.csv", rows), {"tabular": {"age": "numeric"}}
    if name == "mimic_iv_ecg":
        return _mimic(folder), {"lvef": "lvef.csv", "outcomes": "outcomes.csv"}
    if name == "circor":
        murmurs = ["Present", "Absent", "7"]
        visits = [Visit(id=f"5000{i}", murmur=m, sites=("AV",)) for i, m in enumerate(murmurs)]
        return write_visits(folder, visits, texts=False), {}
    if name == "hancock":
        return write_features(folder, [course(1), course(2), course(3, survival_status="7")]), {}
    if name in EVENT_SOURCES:
        return EVENT_SOURCES[name](folder)
    if name == "hdf5_embeddings":
        return _embeddings(folder, labels)
    rows = [{"y": y, "x": i} for i, y in enumerate(labels)]
    path = write_table(folder / "t.csv", rows)
    own: dict[str, Any] = {"label": "y", "tabular": {"x": "numeric"}}
    if name == "table":
        return path, own
    if name == "array":
        np.save(folder / "s.npy", np.stack([beats(i) for i in range(3)]))
        return path, {"signals": "s.npy", "fs": 500, "unit": "mV", "leads": LEADS8, **own}
    if name == "synthetic":
        return Path(), {"patients": 3, "nuisance": False}
    pytest.fail(f"the source '{name}' needs its three-record example here")


def _embeddings(folder: Path, labels: list[int]) -> tuple[Path, dict[str, Any]]:
    """Write two files of embeddings, a record of patches among them, and the outcomes.

    The ids have a fixed length: HDF5's own library never returns from some damaged heaps of texts
    of variable length, and no caller can stop it.
    """
    ids, values = ["p0", "p1", "p2"], np.arange(12, dtype=np.float32).reshape(3, 4)
    write_modality(folder / "c.h5", np.array(ids, "S2"), values)
    patches = np.ones((4, 2), np.float16)
    write_modality(folder / "s.h5", np.array([*ids, "p1"], "S2"), patches, np.full(4, 0.5))
    files = {"clinical": "c.h5", "spatial": {"file": "s.h5", "patches": True, "quality": "quality"}}
    rows: list[dict[str, object]] = [
        {"patient_id": name, "y": y} for name, y in zip(ids, labels, strict=True)
    ]
    return write_table(folder / "t.csv", rows), {"files": files, "label": "y"}


def _mimic(folder: Path) -> Path:
    """Write three studies, one of them with a wrong time, LVEFs and outcomes; return the list."""
    times = ["2180-05-06 08:00:00", "2181-01-02 03:04:05", "7"]
    studies: list[dict[str, object]] = []
    for i, time in enumerate(times):
        file = write_wfdb(folder, f"4000{i}", beats(i)).removesuffix(".hea")
        studies.append({"subject_id": 1000 + i, "study_id": 4000 + i, "file_name": 4000 + i,
                        "ecg_time": time, "path": file})  # fmt: skip
    write_table(
        folder / "lvef.csv",
        [{"subject_id": 1000 + i, "echo_time": t, "lvef": 50 + i} for i, t in enumerate(times)],
    )
    write_table(
        folder / "outcomes.csv",
        [{"subject_id": 1000 + i, "time_days": 10 * i, "event": i % 2} for i in range(3)],
    )
    return write_table(folder / "record_list.csv", studies)


WRONG = {
    "mimic_iv_ecg": "not_a_time", "circor": "unknown_label", "hancock": "unknown_category",
}  # fmt: skip


def test_the_sources_of_the_documentation_are_there() -> None:
    assert {"manifest", "table", "array", "synthetic", "mimic_iv_ecg", "circor", "hancock",
            "hdf5_embeddings", "mimic_iv", "event_table"} <= set(NAMES)  # fmt: skip


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no source 'manifst'; did you mean 'manifest'"):
        source("manifst")


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_and_refuse_what_they_do_not_know(name: str, tmp_path: Path) -> None:
    origin = source(name)
    assert name == origin.NAME
    assert issubclass(origin.Options, BaseModel)
    _, plain = example(name, tmp_path)
    options = validate(origin.Options, plain, "here")
    field = next(iter(type(options).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(options, field, getattr(options, field))
    with pytest.raises(ConfigError, match=r"unknown key 'colour' in ingest.options; "):
        validate(origin.Options, {**plain, "colour": 1}, "ingest.options")


@pytest.mark.parametrize("name", NAMES)
def test_read_and_features_agree(name: str, tmp_path: Path, data_folder: Path) -> None:
    origin = source(name)
    path, plain = example(name, tmp_path)
    options = validate(origin.Options, plain, "here")
    assert inspect.isgeneratorfunction(origin.read)
    items = list(origin.read(path, options))
    # A second pass gives the same; vectors are compared as they are shown.
    assert [repr(item) for item in items] == [repr(item) for item in origin.read(path, options)]
    records = [item for item in items if isinstance(item, Record)]
    features = origin.features(path, options)
    assert records
    assert set(features.values()) <= {"numeric", "categorical"}
    assert all(set(record.tabular) == set(features) for record in records)
    assert len({record.record_id for record in records}) == len(records)
    if name != "synthetic":
        (reject,) = [item for item in items if isinstance(item, Reject)]
        code = WRONG.get(name, "label_not_binary")
        assert (reject.code, reject.row, reject.value) == (code, 4, "7")
