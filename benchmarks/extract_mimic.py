"""ICU stays out of MIMIC-IV's tables as stored sequences of events, against a pandas script."""

from __future__ import annotations

import importlib
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.harness.row import Comparison, Outcome, Row

if TYPE_CHECKING:
    import pandas as pd

HOURS = 24
_RESULT = "sequences.npy"
_EVENTS = "events.parquet"
_KEYS = ["stay_id", "event_time", "known_time", "event_type", "event_text"]
# Rows of the peer's table looked at together, after it was timed.
_BATCH = 100_000


def _prepare(folder: Path, size: int) -> None:
    from benchmarks.harness.hospital import write_hospital

    write_hospital(folder / "raw", stays=size)


def _ours(folder: Path, size: int) -> Outcome:
    """Run ingest itself: counts, cohort flow, hashes, shards and manifest included."""
    from components.core.config.sections import IngestConfig
    from components.core.store import Workspace

    ingest = importlib.import_module("components.ingest.run").ingest
    out = folder / "ours"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    work = Workspace(folder=out)
    config = IngestConfig(source="mimic_iv", path=str(folder / "raw"))
    start = time.perf_counter()
    ingest(work, config)
    seconds = time.perf_counter() - start
    return outcome(folder, size, seconds, _stored(out))


def _stored(out: Path) -> Iterator[tuple[Any, ...]]:
    from components.core.data.stored_events import stored_events

    for shard in sorted((out / "shards" / "events").glob("*.h5")):
        for each in stored_events(shard):
            yield each.seconds, each.known_seconds, each.kind, each.text.to_pylist()


def outcome(folder: Path, size: int, seconds: float, found: Iterable[tuple[Any, ...]]) -> Outcome:
    """Return the outcome with a row of sums per stay, which must be those of the other side.

    Raises:
        ValueError: they are not.
    """
    result = np.array([_sums(*each) for each in found], np.float64)
    other = folder / _RESULT
    if other.exists() and not np.array_equal(np.load(other), result):
        raise ValueError(f"the two sides find other events at {size} stays")
    np.save(other, result)
    facts = {"stores": f"{result[:, 0].sum():,.0f} events of {len(result):,} stays"}
    return Outcome(seconds=seconds, units=size, result=result, facts=facts)


def _sums(seconds: Any, known: Any, kinds: Any, texts: list[str]) -> list[int]:  # noqa: ANN401 - arrays
    """Return the number of events and, of each column, a sum that depends on their order."""
    place = np.arange(1, len(texts) + 1, dtype=np.int64)
    words = np.array([zlib.crc32(text.encode()) for text in texts], np.int64)
    columns = [np.asarray(each, np.int64) for each in (seconds, known, kinds, words)]
    return [len(texts), *(int((place * each % 2**31).sum() % 2**52) for each in columns)]


def _peer(folder: Path, size: int) -> Outcome:
    """Read the tables with pandas, merge, filter, write texts, sort and keep, as notebooks do."""
    import pandas as pd

    raw, out = folder / "raw", folder / _EVENTS
    start = time.perf_counter()
    stays = _stays(raw)
    parts = [_prescriptions(raw, stays), _labs(raw, stays), _microbiology(raw, stays),
             _of_unit(raw, stays, "procedureevents", 1, ["location", "value", "valueuom"]),
             _of_unit(raw, stays, "ingredientevents", 4,
                      ["amount", "amountuom", "rate", "rateuom"])]  # fmt: skip
    events = pd.concat(parts, ignore_index=True).sort_values(_KEYS, ignore_index=True)
    for name, time_of in (("seconds", "event_time"), ("known_seconds", "known_time")):
        events[name] = (events["prediction"] - events[time_of]).dt.total_seconds().astype("int64")
    columns = ["stay_id", "seconds", "known_seconds", "event_type", "event_text"]
    events[columns].to_parquet(out, index=False)
    seconds = time.perf_counter() - start
    return outcome(folder, size, seconds, _kept(out))


def _kept(file: Path) -> Iterator[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    from components.core.event_tables.sequences import by_stay

    for _, each in by_stay(pq.ParquetFile(file).iter_batches(_BATCH)):
        yield each.seconds, each.known_seconds, each.kind, each.text.to_pylist()


def _read(raw: Path, name: str, columns: list[str], times: list[str], **more: Any) -> pd.DataFrame:  # noqa: ANN401 - of read_csv
    import pandas as pd

    return pd.read_csv(
        raw / f"{name}.csv.gz", usecols=[*columns, *times], parse_dates=times, **more
    )


def _stays(raw: Path) -> pd.DataFrame:
    """Return who is in the ICU and alive at the prediction."""
    import pandas as pd

    keys = ["subject_id", "hadm_id"]
    stays = _read(raw, "icu/icustays", [*keys, "stay_id"], ["intime", "outtime"])
    admitted = _read(raw, "hosp/admissions", ["hadm_id"], ["admittime", "deathtime"])
    stays = stays.merge(admitted, on="hadm_id")
    stays["prediction"] = stays["intime"] + pd.Timedelta(hours=HOURS)
    there = stays["outtime"] >= stays["prediction"]
    alive = ~(stays["deathtime"] <= stays["prediction"])
    return stays.loc[there & alive, [*keys, "stay_id", "admittime", "prediction"]]


def _prescriptions(raw: Path, stays: pd.DataFrame) -> pd.DataFrame:
    texts = ["drug", "dose_val_rx", "dose_unit_rx", "route"]
    rows = _read(raw, "hosp/prescriptions", ["hadm_id", *texts], ["starttime"],
                 dtype=dict.fromkeys(texts, str))  # fmt: skip
    rows = rows.merge(stays, on="hadm_id").rename(columns={"starttime": "event_time"})
    rows["dose_val_rx"] = rows["dose_val_rx"].where(rows["dose_val_rx"] != "___")
    return _events(rows, 0, texts, known=rows["event_time"])


def _labs(raw: Path, stays: pd.DataFrame) -> pd.DataFrame:
    names = ["subject_id", "itemid", "value", "valueuom", "ref_range_lower", "ref_range_upper",
             "flag"]  # fmt: skip
    rows = _read(raw, "hosp/labevents", names, ["charttime", "storetime"],
                 dtype=dict.fromkeys(("value", "valueuom", "flag"), str))  # fmt: skip
    rows = rows.merge(stays, on="subject_id").rename(columns={"charttime": "event_time"})
    rows = _in_time(rows, rows[["event_time", "storetime"]].max(axis=1))
    rows = rows.merge(_read(raw, "hosp/d_labitems", ["itemid", "label"], []), on="itemid")
    rows["value"] = rows["value"].where(rows["value"] != "___")
    lower, upper = _plain(rows["ref_range_lower"]), _plain(rows["ref_range_upper"])
    rows["range"] = "(" + lower + "–" + upper + ")"
    return _events(rows, 2, ["label", "value", "valueuom", "range", "flag"], known=rows["known"])


def _microbiology(raw: Path, stays: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    texts = ["spec_type_desc", "test_name", "org_name", "ab_name", "interpretation"]
    times = ["chartdate", "charttime", "storedate", "storetime"]
    rows = _read(raw, "hosp/microbiologyevents", ["subject_id", *texts], times,
                 dtype=dict.fromkeys(texts, str))  # fmt: skip
    rows = rows.merge(stays, on="subject_id")
    admitted = rows["admittime"]
    that_day = rows["chartdate"].eq(admitted.dt.normalize()) & ~(rows["storetime"] < admitted)
    bare = rows["chartdate"].mask(that_day, admitted)
    rows["event_time"] = rows["charttime"].fillna(bare)
    day = pd.Timedelta(days=1)
    stored = rows["storetime"].fillna(rows["storedate"] + day)
    stored = stored.fillna(rows["charttime"]).fillna(rows["chartdate"] + day)
    rows = rows.assign(stored=stored)[stored <= rows["prediction"]]
    return _events(rows, 3, texts, known=rows[["event_time", "stored"]].max(axis=1))


def _of_unit(
    raw: Path, stays: pd.DataFrame, name: str, kind: int, cells: list[str]
) -> pd.DataFrame:
    """Return the events of a table of the unit, whose cells are known once they were stored."""
    texts = [*cells, "statusdescription"]
    rows = _read(raw, f"icu/{name}", ["hadm_id", "itemid", *texts], ["starttime", "storetime"])
    rows = rows.merge(stays, on="hadm_id").rename(columns={"starttime": "event_time"})
    rows = _in_time(rows, rows["event_time"])
    rows = rows.merge(_read(raw, "icu/d_items", ["itemid", "label"], []), on="itemid")
    later = rows["storetime"] > rows["prediction"]
    for cell in texts:
        if rows[cell].dtype.kind in "if":
            rows[cell] = _plain(rows[cell])
        if cell != "location":
            rows[cell] = rows[cell].mask(later)
    return _events(rows, kind, ["label", *texts], known=rows["known"])


def _plain(numbers: pd.Series) -> pd.Series:
    """Return numbers as text, without zeros at their end."""
    return numbers.map(lambda x: f"{x:.4f}".rstrip("0").rstrip("."), na_action="ignore").astype(
        "str"
    )


def _in_time(rows: pd.DataFrame, known: pd.Series) -> pd.DataFrame:
    rows = rows.assign(known=known)
    return rows[(rows["event_time"] >= rows["admittime"]) & (known <= rows["prediction"])]


def _events(rows: pd.DataFrame, kind: int, texts: list[str], *, known: pd.Series) -> pd.DataFrame:
    """Return the rows of one type as events, the cells that are there parted by spaces."""
    rows = _in_time(rows, known)
    text = rows[texts[0]].astype("str")
    for name in texts[1:]:
        cell = rows[name].astype("str")
        text = text + (" " + cell).where(rows[name].notna(), "")
    found = rows[["stay_id", "prediction", "event_time"]]
    return found.assign(known_time=rows["known"], event_type=kind, event_text=text)


ROW = Row(
    name="extract_mimic",
    unit="stays",
    sizes=(1000, 4000, 16000),
    quick=(15, 30, 60),
    prepare=_prepare,
    work=lambda size: size,
    sides={"ours": _ours, "pandas": _peer},
    comparisons=(
        Comparison(
            work="the events of {size} ICU stays known at 24 h, out of MIMIC-IV's ten tables as "
            "csv.gz, to stored sequences",
            ours="ours", other="pandas", ratio=5, memory=5,
            peer="`pandas.read_csv` with `usecols` and `parse_dates` + `merge` + filter + `concat` "
            "+ `sort_values` + `to_parquet`",
        ),
    ),
    notes=(
        "Both sides come to the same events in the same order, all of them compared at every size. "
        "There are about 2,400 rows of events a stay, of which about 400 are known in time. "
        "Ours also counts what became of every row, hashes, refuses, and draws the cohort's flow; "
        "the peer does none of these. Neither side's imports are timed, but ours in its processes.",
    ),
)  # fmt: skip
