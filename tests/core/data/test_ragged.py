"""Signals of any length, rate and lead count come back from a shard as they went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.data.ragged import DTYPES, RaggedReader, RaggedWriter, content_hash
from components.core.errors import InputError
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.signal import Signal


def signal(dtype: str, rows: int, samples: int, *, seed: int = 0, **over: Any) -> Signal:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 500, (rows, samples))
    facts: dict[str, Any] = {
        "values": drawn.astype(dtype),
        "fs": 500.0,
        "leads": LEADS12[:rows],
        "unit": "mV",
        "lsb": rng.uniform(0.001, 0.01, rows),
        "offset": rng.normal(0, 1, rows),
    }
    return Signal(**{**facts, **over})


def round_trip(signals: list[Signal], folder: Path) -> list[Signal]:
    writer = RaggedWriter()
    cells = [{**writer.add(each), "ecg_shard": 7} for each in signals]
    writer.write(folder / "00007.h5")
    reader = RaggedReader(folder)
    found = [reader.read(each) for each in cells]
    reader.close()
    return found


def assert_same(a: Signal, b: Signal) -> None:
    assert a.values.dtype == b.values.dtype
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.lsb, b.lsb)
    np.testing.assert_array_equal(a.offset, b.offset)
    assert (a.fs, a.leads, a.unit) == (b.fs, b.leads, b.unit)


def test_all_dtypes_rates_and_lead_counts_in_one_shard(tmp_path: Path) -> None:
    given_ = [
        signal("int16", 8, 5000),
        signal("float32", 12, 333, fs=257.0, unit="z"),
        signal("float16", 1, 1, seed=3),
        signal("int16", 3, 20, seed=4, fs=128.0),
        signal("float32", 2, 9, seed=5),
    ]
    for before, after in zip(given_, round_trip(given_, tmp_path), strict=True):
        assert_same(before, after)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(DTYPES), st.integers(1, 12), st.integers(1, 40)),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_any_mixture_round_trips(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("ragged")
    given_ = [signal(*shape, seed=i) for i, shape in enumerate(shapes)]
    for before, after in zip(given_, round_trip(given_, folder), strict=True):
        assert_same(before, after)


def test_integers_keep_their_bytes_on_disk(tmp_path: Path) -> None:
    writer = RaggedWriter()
    writer.add(signal("int16", 2, 4, values=np.array([[-32768, 32767, 0, 1]] * 2, np.int16)))
    writer.write(tmp_path / "00000.h5")
    with h5py.File(tmp_path / "00000.h5") as file:
        stored = file["ecg/int16"]
        assert stored.dtype == np.int16
        assert stored[:].tolist() == [-32768, 32767, 0, 1] * 2


def test_a_view_that_is_not_contiguous_is_stored_row_by_row(tmp_path: Path) -> None:
    turned = signal("float32", 3, 5, values=np.arange(15, dtype=np.float32).reshape(5, 3).T)
    assert_same(round_trip([turned], tmp_path)[0], turned)


def test_a_dtype_no_reader_returns_is_refused() -> None:
    with pytest.raises(InputError, match=r"dtype float64; readers return one of .*int16"):
        RaggedWriter().add(signal("float64", 2, 4))


def test_reader_changes_between_shards(tmp_path: Path) -> None:
    cells = []
    for number in (0, 1):
        writer = RaggedWriter()
        cells.append({**writer.add(signal("int16", 2, 6, seed=number)), "ecg_shard": number})
        writer.write(tmp_path / f"{number:05d}.h5")
    reader = RaggedReader(tmp_path)
    for number in (0, 1, 0):
        assert_same(reader.read(cells[number]), signal("int16", 2, 6, seed=number))
    reader.close()
    reader.close()


@pytest.mark.parametrize(
    "over",
    [
        {"fs": 250.0},
        {"unit": "z"},
        {"leads": LEADS8[1:3]},
        {"lsb": np.array([0.001, 0.002])},
        {"offset": np.array([0.0, 0.5])},
        {"values": np.ones((2, 4), np.int16)},
        {"values": np.zeros((2, 4), np.float16)},
    ],
)
def test_content_hash_covers_samples_and_their_meaning(over: dict[str, Any]) -> None:
    base = {
        "values": np.zeros((2, 4), np.int16),
        "lsb": np.array([0.001, 0.001]),
        "offset": np.zeros(2),
        "leads": LEADS8[:2],
    }
    assert content_hash(signal("int16", 2, 4, **{**base, **over})) != content_hash(
        signal("int16", 2, 4, **base)
    )


def test_content_hash_ignores_what_is_known_of_the_patient() -> None:
    plain = signal("int16", 2, 4)
    assert content_hash(plain) == content_hash(signal("int16", 2, 4, meta={"age": 60.0}))


def test_a_shard_from_elsewhere_that_is_not_contiguous(tmp_path: Path) -> None:
    writer = RaggedWriter()
    cells = {**writer.add(signal("int16", 2, 9)), "ecg_shard": 3}
    with h5py.File(tmp_path / "00003.h5", "w") as file:
        file.create_dataset("ecg/int16", data=np.zeros(18, np.int16), chunks=(9,))
    with pytest.raises(InputError, match=r"shard '00003.h5' is not contiguous; ingest again"):
        RaggedReader(tmp_path).read(cells)
