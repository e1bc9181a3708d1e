"""Segments of a cohort are those of its records, in their order, in one process or several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.attribution.groups import SEGMENTS
from components.core.data import segments as module
from components.core.data.cohort import Rows
from components.core.data.foldstats import FoldStats
from components.core.data.segments import segments_of
from components.core.data.tensors import TensorReader, write_tensors
from components.core.errors import CardioError

FS, COUNT, LENGTH, SCALE = 100.0, 7, 500, 0.001


def trace(every: float) -> np.ndarray:
    """Return `[2, LENGTH]` mV: P, R and T as Gaussians, a beat every so many s."""
    time = np.arange(LENGTH) / FS
    x = sum(
        height * np.exp(-(((time - peak - at) / width) ** 2) / 2)
        for peak in np.arange(0.4, 5, every)
        for at, width, height in ((-0.16, 0.02, 0.15), (0, 0.012, 1.0), (0.27, 0.05, 0.3))
    )
    return np.stack([x, 0.6 * x])


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Seven records of which one has no beat and one is padded."""
    x = np.stack([trace(0.7 + 0.03 * i) for i in range(COUNT)])
    x[3] = 0
    x[5, :, :100] = 0
    write_tensors(
        tmp_path / "00000.h5",
        ecg=np.rint(x / SCALE).astype(np.int16),
        scale=np.full((COUNT, 2), SCALE, np.float32),
        lead_mask=np.ones((COUNT, 2), np.bool_),
        valid=np.array([[100 if i == 5 else 0, LENGTH] for i in range(COUNT)], np.int32),
        moments=np.zeros((COUNT, 2, 3)),
        facts={"fs": FS, "leads": ["I", "II"], "unit": "mV"},
    )
    order = [4, 3, 0, 5, 6, 1, 2]
    empty = np.zeros((COUNT, 0), np.float32)
    return Rows(
        frame=pd.DataFrame({"shard": 0, "shard_row": order}),
        reader=TensorReader(tmp_path, [0]),
        tabular=empty,
        stats=FoldStats.model_construct(),  # nobody looks
        text=empty,
        text_mask=np.zeros(COUNT, np.bool_),
    )


def test_records_keep_their_order(rows: Rows, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    whole = segments_of(rows, FS, workers=1)
    assert (whole.shape, whole.dtype) == ((COUNT, LENGTH), np.int8)
    assert [i for i in range(COUNT) if (whole[i] == -1).all()] == [1]  # the record without a beat
    assert (whole[3, :100] == SEGMENTS.index("rest")).all()  # the padded one
    # R of the records in the order asked for: beats every 0.7 + 0.03 i s.
    for place, i in enumerate((4, 0, 6, 1, 2)):
        record = whole[(0, 2, 4, 5, 6)[place]]
        peaks = np.rint(np.arange(0.4, 4.8, 0.7 + 0.03 * i) * FS).astype(int)
        assert (record[peaks] == SEGMENTS.index("QRS")).all()
    assert "beat segments" in capfd.readouterr().err
    monkeypatch.setattr(module, "_CHUNK", 2)
    np.testing.assert_array_equal(segments_of(rows, FS, workers=1), whole)


def test_chunks_may_come_in_any_order(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = segments_of(rows, FS, workers=1)
    asked: list[int] = []

    def backwards(function, tasks, *, workers):
        asked.append(workers)
        return reversed([function(*task) for task in tasks])

    monkeypatch.setattr(module, "_CHUNK", 2)
    monkeypatch.setattr(module, "map_chunks", backwards)
    np.testing.assert_array_equal(segments_of(rows, FS, workers=9), whole)
    assert asked == [4]  # seven records are four chunks


def test_no_record(rows: Rows) -> None:
    assert segments_of(rows.take(np.array([], np.int64)), FS).shape == (0, LENGTH)


def test_records_without_an_ecg(rows: Rows) -> None:
    with pytest.raises(CardioError, match="records without an ECG"):
        segments_of(replace(rows, reader=None), FS)
